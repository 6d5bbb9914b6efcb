package internal.cognito.useradmin;

import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse.Result;

/** What a call that ended with OK tells its caller. */
public final class Results {
  private Results() {}

  /**
   * Returns how the user came to be confirmed, in a value that these stubs know.
   *
   * <p>A value that they do not know, from a newer server, is {@link Result#RESULT_CONFIRMED_UNATTRIBUTED}: OK always
   * means that the user is confirmed.
   *
   * @param response the answer of ConfirmSignUp
   * @return {@code response.getResult()}, or {@link Result#RESULT_CONFIRMED_UNATTRIBUTED}
   */
  public static Result of(ConfirmSignUpResponse response) {
    Result result = response.getResult();
    return switch (result) {
      case RESULT_UNSPECIFIED, UNRECOGNIZED -> Result.RESULT_CONFIRMED_UNATTRIBUTED;
      default -> result;
    };
  }
}
