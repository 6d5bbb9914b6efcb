package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.BadRequest.FieldViolation;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Help;
import com.google.rpc.RequestInfo;
import com.google.rpc.RetryInfo;
import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.ErrorReason;
import internal.cognito.useradmin.v1.Outcome;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

class FailureTest {
  private static final String REASON = "ERROR_REASON_USER_NOT_FOUND";
  private static final ConfirmSignUpRequest REQUEST =
      ConfirmSignUpRequest.newBuilder().setUserPoolId("us-east-1_EXAMPLE01").setUsername("new-1").build();

  private static CraftedServer server;

  @BeforeAll
  static void start() throws IOException {
    server = new CraftedServer();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Failure call(StatusRuntimeException error) {
    server.fails(error);
    UserAdminGrpc.UserAdminBlockingStub stub = UserAdminGrpc.newBlockingStub(server.channel());
    return Failure.of(assertThrows(StatusRuntimeException.class, () -> stub.confirmSignUp(REQUEST)));
  }

  private static RetryInfo retryInfo(long seconds, int nanos) {
    return RetryInfo.newBuilder()
        .setRetryDelay(com.google.protobuf.Duration.newBuilder().setSeconds(seconds).setNanos(nanos))
        .build();
  }

  private static Any garbage(String type) {
    return Any.newBuilder()
        .setTypeUrl("type.googleapis.com/" + type)
        .setValue(ByteString.copyFromUtf8("\u00ff no message"))
        .build();
  }

  private static void assertForeign(Failure failure, Status.Code code) {
    assertEquals(code, failure.code());
    assertFalse(failure.fromService());
    assertEquals(Optional.empty(), failure.reason());
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, failure.reasonValue());
    assertEquals(Outcome.OUTCOME_UNKNOWN, failure.outcome());
    assertEquals(Optional.empty(), failure.retryDelay());
    assertEquals(List.of(), failure.violations());
    assertEquals(Optional.empty(), failure.requestId());
    assertEquals(Map.of(), failure.metadata());
    assertFalse(failure.repeated());
    assertFalse(failure.retryable());
    assertFalse(failure.certainlyNotApplied());
    assertTrue(failure.outcomeUnknown());
    assertTrue(failure.toString().endsWith("(not made by useradmin.v1, outcome UNKNOWN)"), failure.toString());
  }

  @ParameterizedTest
  @EnumSource(value = ErrorReason.class, mode = Mode.EXCLUDE, names = {"ERROR_REASON_UNSPECIFIED", "UNRECOGNIZED"})
  void readsEveryReason(ErrorReason reason) {
    Failure failure =
        call(
            CraftedServer.error(
                Status.Code.FAILED_PRECONDITION,
                "It failed – so it is.",
                CraftedServer.info(reason.name(), "OUTCOME_NOT_APPLIED").putMetadata("attempts", "1").build(),
                RequestInfo.newBuilder().setRequestId("7d3f").build()));

    assertTrue(failure.fromService());
    assertEquals(Status.Code.FAILED_PRECONDITION, failure.code());
    assertEquals("It failed – so it is.", failure.message());
    assertEquals(Optional.of(reason.name()), failure.reason());
    assertEquals(reason, failure.reasonValue());
    assertEquals(Outcome.OUTCOME_NOT_APPLIED, failure.outcome());
    assertEquals(Optional.of("7d3f"), failure.requestId());
    assertEquals(Map.of("outcome", "OUTCOME_NOT_APPLIED", "attempts", "1"), failure.metadata());
    assertEquals(
        "FAILED_PRECONDITION " + reason.name() + ": It failed – so it is. (outcome NOT_APPLIED, request id 7d3f)",
        failure.toString());
  }

  @Test
  void readsEveryViolation() {
    FieldViolation username =
        FieldViolation.newBuilder()
            .setField("username")
            .setReason("TOO_LONG")
            .setDescription("The username is too long.")
            .build();
    FieldViolation key = FieldViolation.newBuilder().setField("client_metadata[\"k\"]").build();
    Failure failure =
        call(
            CraftedServer.error(
                Status.Code.INVALID_ARGUMENT,
                "The request is invalid.",
                CraftedServer.info("ERROR_REASON_INVALID_REQUEST", "OUTCOME_NOT_SENT").build(),
                BadRequest.newBuilder().addFieldViolations(username).addFieldViolations(key).build()));

    assertEquals(
        List.of(
            new Violation("username", "TOO_LONG", "The username is too long."),
            new Violation("client_metadata[\"k\"]", "", "")),
        failure.violations());
    assertTrue(failure.certainlyNotApplied());
    assertFalse(failure.retryable());
  }

  @ParameterizedTest
  @CsvSource({
    "UNAVAILABLE, OUTCOME_NOT_SENT, true, false, true, true, false",
    "UNAVAILABLE, OUTCOME_NOT_SENT, false, false, true, true, false",
    "UNAVAILABLE, OUTCOME_UNKNOWN, true, false, true, false, true",
    "RESOURCE_EXHAUSTED, OUTCOME_NOT_APPLIED, true, false, true, true, false",
    "RESOURCE_EXHAUSTED, OUTCOME_NOT_APPLIED, false, false, false, true, false",
    "ABORTED, OUTCOME_UNKNOWN, false, false, false, false, true",
    "FAILED_PRECONDITION, OUTCOME_NOT_APPLIED, false, true, false, false, false",
    "FAILED_PRECONDITION, OUTCOME_UNKNOWN, false, true, false, false, true",
    "NOT_FOUND, '', false, false, false, false, true",
    "NOT_FOUND, OUTCOME_UNSPECIFIED, false, false, false, false, true",
    "NOT_FOUND, OUTCOME_OF_A_NEWER_SERVER, false, false, false, false, true",
    "NOT_FOUND, UNRECOGNIZED, false, false, false, false, true",
  })
  void answersTheThreeQuestions(
      Status.Code code,
      String outcome,
      boolean retryInfo,
      boolean repeated,
      boolean retryable,
      boolean certainlyNotApplied,
      boolean outcomeUnknown) {
    ErrorInfo.Builder info = CraftedServer.info(REASON, outcome);
    if (repeated) {
      info.putMetadata("repeated", "true");
    }
    Failure failure =
        call(
            retryInfo
                ? CraftedServer.error(code, "", info.build(), retryInfo(0, 200_000_000))
                : CraftedServer.error(code, "", info.build()));

    assertEquals(retryInfo ? Optional.of(Duration.ofMillis(200)) : Optional.empty(), failure.retryDelay());
    assertEquals(repeated, failure.repeated());
    assertEquals(retryable, failure.retryable());
    assertEquals(certainlyNotApplied, failure.certainlyNotApplied());
    assertEquals(outcomeUnknown, failure.outcomeUnknown());
  }

  @Test
  void keepsTheNameOfAnUnknownReason() {
    Failure failure =
        call(
            CraftedServer.error(
                Status.Code.NOT_FOUND, "", CraftedServer.info("ERROR_REASON_NEWER", "OUTCOME_NOT_APPLIED").build()));

    assertEquals(Optional.of("ERROR_REASON_NEWER"), failure.reason());
    assertEquals(ErrorReason.UNRECOGNIZED, failure.reasonValue());
    assertEquals(Outcome.OUTCOME_NOT_APPLIED, failure.outcome());
  }

  @Test
  void takesTheErrorInfoOfItsOwnDomain() {
    ErrorInfo other = ErrorInfo.newBuilder().setDomain("mesh.example").setReason("OTHER").build();
    ErrorInfo ours = CraftedServer.info(REASON, "OUTCOME_NOT_APPLIED").build();
    Failure failure = call(CraftedServer.error(Status.Code.NOT_FOUND, "", other, ours, other));

    assertEquals(Optional.of(REASON), failure.reason());
    assertEquals(ours.getMetadataMap(), failure.metadata());
  }

  @Test
  void skipsUnknownAndUnreadableDetails() {
    Failure failure =
        call(
            CraftedServer.error(
                Status.Code.UNAVAILABLE,
                "",
                garbage("google.rpc.ErrorInfo"),
                garbage("newer.v1.Detail"),
                Any.getDefaultInstance(),
                Help.getDefaultInstance(),
                CraftedServer.info(REASON, "OUTCOME_NOT_SENT").build(),
                garbage("google.rpc.BadRequest"),
                garbage("google.rpc.RequestInfo"),
                garbage("google.rpc.RetryInfo"),
                retryInfo(1, 0)));

    assertEquals(Optional.of(REASON), failure.reason());
    assertEquals(List.of(), failure.violations());
    assertEquals(Optional.empty(), failure.requestId());
    assertEquals(Optional.of(Duration.ofSeconds(1)), failure.retryDelay());
  }

  @ParameterizedTest
  @CsvSource({
    // The same table as in Go, TypeScript and Python.
    "400000000000, 0, ",
    "4611686018427387904, 0, ",
    "1, -5, ",
    "-1, 5, ",
    "0, 2000000000, ",
    "-1, 0, PT0S",
    "-1, -5, PT0S",
    "-315576000000, 0, PT0S",
    "0, 0, PT0S",
    "1, 500000000, PT1.5S",
    "315576000000, 0, PT315576000000S",
    "-9223372036854775808, -2147483648, ",
    "9223372036854775807, 2147483647, ",
  })
  void boundsTheRetryDelay(long seconds, int nanos, Duration delay) {
    ErrorInfo info = CraftedServer.info(REASON, "OUTCOME_NOT_SENT").build();

    Failure failure =
        call(CraftedServer.error(Status.Code.RESOURCE_EXHAUSTED, "", info, retryInfo(seconds, nanos)));

    assertEquals(Optional.ofNullable(delay), failure.retryDelay());
    assertEquals(delay != null, failure.retryable());
  }

  @Test
  void saysThatAStatusWithoutDetailsIsForeign() {
    assertForeign(
        call(Status.UNAVAILABLE.withDescription("no healthy upstream").asRuntimeException()), Status.Code.UNAVAILABLE);
    assertForeign(call(Status.INTERNAL.asRuntimeException()), Status.Code.INTERNAL);
  }

  @Test
  void takesNothingFromAForeignStatus() {
    ErrorInfo info = ErrorInfo.newBuilder().setDomain("mesh.example").setReason(REASON).build();

    assertForeign(
        call(
            CraftedServer.error(
                Status.Code.UNAVAILABLE,
                "",
                info,
                RequestInfo.newBuilder().setRequestId("7d3f").build(),
                retryInfo(1, 0),
                BadRequest.newBuilder().addFieldViolations(FieldViolation.getDefaultInstance()).build())),
        Status.Code.UNAVAILABLE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "garbage", "\n\u00ff\u00ff\u00ff\u00ff", "<html>"})
  void saysThatGarbageIsForeign(String garbage) {
    byte[] bytes = garbage.getBytes(StandardCharsets.ISO_8859_1);

    assertForeign(call(CraftedServer.errorWithRawDetails(Status.Code.NOT_FOUND, bytes)), Status.Code.NOT_FOUND);
  }

  @Test
  void doesNotTrustDetailsOfAnotherCode() {
    com.google.rpc.Status details =
        CraftedServer.statusOf(Status.Code.NOT_FOUND, "", CraftedServer.info(REASON, "OUTCOME_NOT_APPLIED").build());

    assertForeign(call(CraftedServer.error(Status.Code.UNAVAILABLE, details)), Status.Code.UNAVAILABLE);
  }

  @Test
  void readsWhatEveryStubThrows() throws InterruptedException {
    server.fails(
        CraftedServer.error(
            Status.Code.NOT_FOUND, "No.", CraftedServer.info(REASON, "OUTCOME_NOT_APPLIED").build()));
    Failure expected =
        Failure.of(
            assertThrows(
                StatusRuntimeException.class,
                () -> UserAdminGrpc.newBlockingStub(server.channel()).confirmSignUp(REQUEST)));
    assertTrue(expected.fromService());

    Throwable v2 =
        assertThrows(
            StatusException.class,
            () -> UserAdminGrpc.newBlockingV2Stub(server.channel()).confirmSignUp(REQUEST));
    Throwable future =
        assertThrows(
            ExecutionException.class,
            () -> UserAdminGrpc.newFutureStub(server.channel()).confirmSignUp(REQUEST).get(5, TimeUnit.SECONDS));
    for (Throwable error : List.of(v2, future, new IllegalStateException(new RuntimeException(v2)), asyncError())) {
      assertEquals(expected.toString(), Failure.of(error).toString());
    }
  }

  private static Throwable asyncError() throws InterruptedException {
    CompletableFuture<Throwable> error = new CompletableFuture<>();
    UserAdminGrpc.newStub(server.channel())
        .confirmSignUp(
            REQUEST,
            new StreamObserver<>() {
              @Override
              public void onNext(ConfirmSignUpResponse response) {
                error.completeExceptionally(new AssertionError("an answer"));
              }

              @Override
              public void onError(Throwable thrown) {
                error.complete(thrown);
              }

              @Override
              public void onCompleted() {}
            });
    try {
      return error.get(5, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void saysThatTheCallersOwnDeadlineIsForeign() {
    CountDownLatch over = new CountDownLatch(1);
    server.answers(
        request -> {
          await(over);
          return ConfirmSignUpResponse.getDefaultInstance();
        });
    UserAdminGrpc.UserAdminBlockingStub stub =
        UserAdminGrpc.newBlockingStub(server.channel()).withDeadlineAfter(50, TimeUnit.MILLISECONDS);

    assertForeign(
        Failure.of(assertThrows(StatusRuntimeException.class, () -> stub.confirmSignUp(REQUEST))),
        Status.Code.DEADLINE_EXCEEDED);
    over.countDown();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void takesAnyExceptionForForeign() {
    Exception circular = new Exception("a");
    circular.initCause(new Exception("b", circular));

    assertForeign(Failure.of(null), Status.Code.UNKNOWN);
    assertForeign(Failure.of(new IOException("reset\nby peer")), Status.Code.UNKNOWN);
    assertForeign(Failure.of(new NullPointerException()), Status.Code.UNKNOWN);
    assertForeign(Failure.of(circular), Status.Code.UNKNOWN);
    assertForeign(Failure.of(new CancellationException()), Status.Code.CANCELLED);
    assertForeign(Failure.of(Status.ABORTED.asException()), Status.Code.ABORTED);
    assertForeign(Failure.of(Status.ABORTED.asException(new Metadata())), Status.Code.ABORTED);
    assertEquals(
        "UNKNOWN: reset by peer (not made by useradmin.v1, outcome UNKNOWN)",
        Failure.of(new IOException("reset\nby\u202e peer")).toString());
  }
}
