package internal.cognito.useradmin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import internal.cognito.useradmin.v1.UserAdminGrpc.UserAdminBlockingStub;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Reads every status of the file that the companions in other languages read too. */
class StatusesTest {
  private static final Path FILE = Path.of("../testdata/statuses.json");
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();

  private static CraftedServer server;

  @BeforeAll
  static void start() throws IOException {
    server = new CraftedServer();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private record Encoded(String name, int code, String message, String status, JsonObject want) {
    @Override
    public String toString() {
      return name;
    }

    StatusRuntimeException error() {
      Metadata trailers = new Metadata();
      if (status != null) {
        trailers.put(CraftedServer.DETAILS_KEY, Base64.getDecoder().decode(status));
      }
      return Status.fromCodeValue(code).withDescription(message).asRuntimeException(trailers);
    }
  }

  static Stream<Encoded> statuses() throws IOException {
    return Stream.of(GSON.fromJson(Files.readString(FILE), Encoded[].class));
  }

  @ParameterizedTest
  @MethodSource("statuses")
  void readsTheStatus(Encoded sent) {
    server.fails(sent.error());
    UserAdminBlockingStub users = UserAdminGrpc.newBlockingStub(server.channel());
    ConfirmSignUpRequest request = ConfirmSignUpRequest.getDefaultInstance();

    assertEquals(
        sent.want(),
        reading(Failure.of(assertThrows(StatusRuntimeException.class, () -> users.confirmSignUp(request)))));
  }

  private static JsonObject reading(Failure failure) {
    JsonObject reading = new JsonObject();
    reading.addProperty("code_name", failure.codeName());
    reading.addProperty("from_service", failure.fromService());
    reading.addProperty("reason", failure.reason().name().substring("ERROR_REASON_".length()));
    reading.addProperty("reason_name", failure.reasonName());
    reading.addProperty("outcome", failure.outcomeName());
    reading.addProperty("not_applied", failure.notApplied());
    reading.addProperty("applied", failure.applied());
    reading.addProperty("outcome_unknown", failure.outcomeUnknown());
    reading.addProperty("repeated", failure.repeated());
    reading.addProperty("retryable", failure.retryable());
    reading.addProperty("retry_delay_ms", failure.retryDelay().map(Duration::toMillis).orElse(null));
    reading.addProperty("request_id", failure.requestId());
    reading.addProperty("message", failure.message());
    reading.add("violations", GSON.toJsonTree(failure.violations()));
    reading.add("metadata", GSON.toJsonTree(failure.metadata()));
    reading.addProperty("text", failure.toString());
    return reading;
  }
}
