package internal.cognito.useradmin;

import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import internal.cognito.useradmin.v1.UserAdminGrpc.UserAdminBlockingStub;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** What the README shows. */
final class Example {
  private Example() {}

  static String confirm(Channel channel, String userPoolId, String username) throws InterruptedException {
    UserAdminBlockingStub users = UserAdminGrpc.newBlockingStub(channel);
    ConfirmSignUpRequest request =
        ConfirmSignUpRequest.newBuilder()
            .setUserPoolId(userPoolId)
            .setUsername(username)
            .setAllowConfirmed(true) // so the call is safe to repeat after any error
            .build();
    for (int attempt = 1; ; attempt++) {
      try {
        return Results.of(users.withDeadlineAfter(20, TimeUnit.SECONDS).confirmSignUp(request)).name();
      } catch (StatusRuntimeException e) {
        Failure failure = Failure.of(e);
        // The same call finds out what happened, but runs no trigger again.
        boolean triggerFailed = failure.metadata().containsKey("trigger");
        boolean again = failure.retryable() || (failure.outcomeUnknown() && !triggerFailed);
        if (!again || attempt == 3) {
          return advice(failure);
        }
        Thread.sleep(failure.retryDelay().orElse(Duration.ofSeconds(1)).toMillis());
      }
    }
  }

  static String advice(Failure failure) {
    return switch (failure.reasonValue()) {
      case ERROR_REASON_USER_NOT_FOUND -> "check the username";
      case ERROR_REASON_INVALID_REQUEST -> "mend " + failure.violations();
      case ERROR_REASON_LAMBDA_REJECTED -> "the trigger said " + failure.metadata().get("lambdaError");
      // Others, newer ones and statuses that the service did not make, which have none.
      default -> failure.certainlyNotApplied() ? "nothing happened: " + failure : "find out later: " + failure;
    };
  }
}
