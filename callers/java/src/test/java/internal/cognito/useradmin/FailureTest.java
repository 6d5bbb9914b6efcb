package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.List;
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
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

class FailureTest {
  private static final String REASON = "USER_NOT_FOUND";
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

  private static void assertForeign(Failure failure, Status.Code code) {
    assertEquals(code, failure.code());
    assertFalse(failure.fromService());
    assertEquals(Outcome.OUTCOME_UNKNOWN, failure.outcome());
    assertTrue(failure.toString().endsWith(" (not made by useradmin, outcome UNKNOWN)"), failure.toString());
  }

  @ParameterizedTest
  @EnumSource(value = ErrorReason.class, mode = Mode.EXCLUDE, names = {"ERROR_REASON_UNSPECIFIED", "UNRECOGNIZED"})
  void readsEveryReason(ErrorReason reason) {
    String name = reason.name().replace("ERROR_REASON_", "");
    Failure failure =
        call(CraftedServer.error(Status.Code.ABORTED, "", CraftedServer.info(name, "NOT_APPLIED").build()));

    assertEquals(reason, failure.reason());
    assertEquals(name, failure.reasonName());
  }

  @ParameterizedTest
  @EnumSource(value = Status.Code.class, mode = Mode.EXCLUDE, names = "OK")
  void readsEveryCode(Status.Code code) {
    Failure failure = call(CraftedServer.error(code, "", CraftedServer.info(REASON, "NOT_APPLIED").build()));

    assertEquals(code, failure.code());
    assertTrue(failure.fromService());
    assertEquals(code == Status.Code.UNAVAILABLE, failure.retryable());
  }

  @Test
  void collectionsAreUnmodifiable() {
    Failure failure = call(CraftedServer.error(Status.Code.ABORTED, "", CraftedServer.info(REASON, "UNKNOWN").build()));

    assertThrows(UnsupportedOperationException.class, () -> failure.metadata().put("k", "v"));
    assertThrows(UnsupportedOperationException.class, () -> failure.violations().add(null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "garbage", "\n\u00ff\u00ff\u00ff\u00ff", "<html>"})
  void ignoresGarbage(String garbage) {
    byte[] bytes = garbage.getBytes(StandardCharsets.ISO_8859_1);

    assertForeign(call(CraftedServer.errorWithRawDetails(Status.Code.NOT_FOUND, bytes)), Status.Code.NOT_FOUND);
  }

  @Test
  void readsWhatEveryStubThrows() throws InterruptedException {
    server.fails(
        CraftedServer.error(
            Status.Code.NOT_FOUND, "No.", CraftedServer.info(REASON, "NOT_APPLIED").build()));
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
  void treatsTheCallersOwnDeadlineAsForeign() {
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
  void treatsAnyOtherExceptionAsForeign() {
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
        "UNKNOWN: reset by  peer (not made by useradmin, outcome UNKNOWN)",
        Failure.of(new IOException("reset\nby\u202e peer")).toString());
  }
}
