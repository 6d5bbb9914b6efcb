package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Duration;
import com.google.protobuf.Message;
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
  private static final RetryInfo SOON =
      RetryInfo.newBuilder().setRetryDelay(Duration.newBuilder().setNanos(1_000_000)).build();
  private static final RuntimeException LOST =
      CraftedServer.error(
          Status.Code.UNAVAILABLE,
          "Lost.",
          CraftedServer.info("COGNITO_RESPONSE_LOST", "UNKNOWN").build(),
          SOON);
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

  private static RuntimeException refused(Status.Code code, String reason, String outcome, Message... details) {
    Message[] all = new Message[details.length + 1];
    all[0] = CraftedServer.info(reason, outcome).build();
    System.arraycopy(details, 0, all, 1, details.length);
    return CraftedServer.error(code, "No.", all);
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
  void marksEveryRepeat() throws InterruptedException {
    assertEquals("RESULT_CONFIRMED", confirm(LOST, CUT));
    assertEquals(List.of(List.of(), List.of("1"), List.of("1")), server.marks());
  }

  @Test
  void retriesThreeTimes() throws InterruptedException {
    RuntimeException throttled = refused(Status.Code.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS", "NOT_APPLIED", SOON);

    assertEquals("RESULT_CONFIRMED", confirm(throttled, throttled, throttled));
    assertEquals(
        "not confirmed: RESOURCE_EXHAUSTED TOO_MANY_REQUESTS: No. (outcome NOT_APPLIED)",
        confirm(throttled, throttled, throttled, throttled));
  }

  @Test
  void asksOnceAfterUnknown() throws InterruptedException {
    assertEquals("RESULT_CONFIRMED", confirm(LOST, LOST, LOST, LOST));
    assertEquals("perhaps confirmed: UNAVAILABLE: cut (not made by useradmin, outcome UNKNOWN)", confirm(CUT, CUT));
  }

  @Test
  void stopsOnApplied() throws InterruptedException {
    assertEquals(
        "confirmed, but do the trigger's work yourself: FAILED_PRECONDITION LAMBDA_REJECTED: No. (outcome APPLIED)",
        confirm(refused(Status.Code.FAILED_PRECONDITION, "LAMBDA_REJECTED", "APPLIED")));
  }

  @Test
  void actsOnTheReason() throws InterruptedException {
    FieldViolation violation =
        FieldViolation.newBuilder().setField("username").setReason("REQUIRED").setDescription("Missing.").build();
    BadRequest bad = BadRequest.newBuilder().addFieldViolations(violation).build();

    assertEquals("check the username", confirm(refused(Status.Code.NOT_FOUND, "USER_NOT_FOUND", "NOT_APPLIED")));
    assertEquals(
        "fix [Violation[field=username, reason=REQUIRED, description=Missing.]]",
        confirm(refused(Status.Code.INVALID_ARGUMENT, "INVALID_REQUEST", "NOT_SENT", bad)));
    assertEquals(
        "not confirmed: FAILED_PRECONDITION NEWER: No. (outcome NOT_APPLIED)",
        confirm(refused(Status.Code.FAILED_PRECONDITION, "NEWER", "NOT_APPLIED")));
  }
}
