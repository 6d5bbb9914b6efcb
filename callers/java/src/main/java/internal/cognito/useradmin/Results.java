package internal.cognito.useradmin;

import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse.Result;

/** Reads the response of a successful call. */
public final class Results {
  private Results() {}

  /**
   * Returns how the user came to be confirmed.
   *
   * <p>A value that these stubs do not know is {@link Result#RESULT_CONFIRMED_UNATTRIBUTED}: OK always means that the
   * user is confirmed.
   *
   * @param response the response of ConfirmSignUp
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
