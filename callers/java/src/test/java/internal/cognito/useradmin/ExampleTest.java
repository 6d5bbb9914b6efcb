package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import com.google.rpc.BadRequest.FieldViolation;
import com.google.rpc.RetryInfo;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse.Result;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ExampleTest {
  private static final RuntimeException LOST =
      CraftedServer.error(
          Status.Code.UNAVAILABLE,
          "An answer of Cognito's was lost.",
          CraftedServer.info("ERROR_REASON_COGNITO_RESPONSE_LOST", "OUTCOME_UNKNOWN").build(),
          RetryInfo.newBuilder().setRetryDelay(Duration.newBuilder().setNanos(1_000_000)).build());
  private static final RuntimeException CUT = Status.UNAVAILABLE.withDescription("cut").asRuntimeException();

  private CraftedServer server;

  @BeforeEach
  void start() throws IOException {
    server = new CraftedServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private String confirm(RuntimeException... errors) throws InterruptedException {
    Deque<RuntimeException> left = new ArrayDeque<>(List.of(errors));
    server.answers(
        request -> {
          assertTrue(request.getAllowConfirmed());
          if (!left.isEmpty()) {
            throw left.pop();
          }
          return ConfirmSignUpResponse.newBuilder().setResult(Result.RESULT_CONFIRMED).build();
        });
    String said = Example.confirm(server.channel(), "us-east-1_EXAMPLE01", "new-1");
    assertEquals(0, left.size());
    return said;
  }

  @Test
  void repeatsWhatMayBeRepeated() throws InterruptedException {
    assertEquals("RESULT_CONFIRMED", confirm());
    assertEquals("RESULT_CONFIRMED", confirm(LOST, CUT));
  }

  @Test
  void givesUpAfterThreeAttempts() throws InterruptedException {
    assertEquals(
        "find out later: UNAVAILABLE: cut (not made by useradmin.v1, outcome UNKNOWN)", confirm(LOST, LOST, CUT));
  }

  @Test
  void actsOnTheReason() throws InterruptedException {
    assertEquals(
        "check the username",
        confirm(
            CraftedServer.error(
                Status.Code.NOT_FOUND,
                "No such user.",
                CraftedServer.info("ERROR_REASON_USER_NOT_FOUND", "OUTCOME_NOT_APPLIED").build())));
    assertEquals(
        "mend [Violation[field=username, reason=REQUIRED, description=It is required.]]",
        confirm(
            CraftedServer.error(
                Status.Code.INVALID_ARGUMENT,
                "The request is invalid.",
                CraftedServer.info("ERROR_REASON_INVALID_REQUEST", "OUTCOME_NOT_SENT").build(),
                BadRequest.newBuilder()
                    .addFieldViolations(
                        FieldViolation.newBuilder()
                            .setField("username")
                            .setReason("REQUIRED")
                            .setDescription("It is required."))
                    .build())));
    assertEquals(
        "nothing happened: FAILED_PRECONDITION ERROR_REASON_NEWER: No. (outcome NOT_APPLIED)",
        confirm(
            CraftedServer.error(
                Status.Code.FAILED_PRECONDITION,
                "No.",
                CraftedServer.info("ERROR_REASON_NEWER", "OUTCOME_NOT_APPLIED").build())));
  }

  @Test
  void doesNotRepeatAFailedTrigger() throws InterruptedException {
    assertEquals(
        "the trigger said no seats left",
        confirm(
            CraftedServer.error(
                Status.Code.FAILED_PRECONDITION,
                "The trigger failed.",
                CraftedServer.info("ERROR_REASON_LAMBDA_REJECTED", "OUTCOME_UNKNOWN")
                    .putMetadata("trigger", "PostConfirmation")
                    .putMetadata("lambdaError", "no seats left")
                    .build())));
  }
}
