package internal.cognito.useradmin;

import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import internal.cognito.useradmin.v1.UserAdminGrpc.UserAdminBlockingStub;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The snippets of the README. */
final class Example {
  private Example() {}

  static String confirm(Channel channel, String userPoolId, String username) throws InterruptedException {
    UserAdminBlockingStub users = UserAdminGrpc.newBlockingStub(channel);
    ConfirmSignUpRequest request =
        ConfirmSignUpRequest.newBuilder()
            .setUserPoolId(userPoolId)
            .setUsername(username)
            .setAllowConfirmed(true) // makes the call safe to repeat
            .build();
    boolean asked = false;
    for (int tries = 1; ; tries++) {
      UserAdminBlockingStub stub = tries == 1 ? users : Repeats.mark(users);
      try {
        return Results.of(stub.withDeadlineAfter(20, TimeUnit.SECONDS).confirmSignUp(request)).name();
      } catch (StatusRuntimeException e) {
        Failure failure = Failure.of(e);
        boolean retry = failure.retryable() && tries < 4;
        boolean ask = !retry && failure.outcomeUnknown() && !asked;
        if (failure.applied() || (!retry && !ask)) {
          return advice(failure);
        }
        asked |= ask;
        Thread.sleep(failure.retryDelay().orElse(Duration.ofSeconds(1)).toMillis());
      }
    }
  }

  static String advice(Failure failure) {
    if (failure.applied()) {
      return "confirmed, but do the trigger's work yourself: " + failure;
    }
    return switch (failure.reason()) {
      case ERROR_REASON_USER_NOT_FOUND -> "check the username";
      case ERROR_REASON_INVALID_REQUEST -> "fix " + failure.violations();
      // Also for newer reasons, and for statuses that the service did not make.
      default -> (failure.notApplied() ? "not confirmed: " : "perhaps confirmed: ") + failure;
    };
  }
}
