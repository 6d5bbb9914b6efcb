package internal.cognito.useradmin.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import com.google.rpc.BadRequest.FieldViolation;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.google.rpc.RetryInfo;
import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CallerTest {
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> REPEAT =
      Metadata.Key.of("x-useradmin-repeat", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  private final BlockingQueue<ConfirmSignUpRequest> requests = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> requestIds = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> repeats = new LinkedBlockingQueue<>();
  private Server server;

  @BeforeEach
  void start() throws IOException {
    InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    server =
        NettyServerBuilder.forAddress(loopback).addService(new Service()).intercept(new Ids()).build().start();
  }

  @AfterEach
  void stop() {
    server.shutdownNow();
  }

  private final class Ids implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      if (headers.containsKey(REQUEST_ID)) {
        requestIds.add(headers.get(REQUEST_ID));
      }
      if (headers.containsKey(REPEAT)) {
        repeats.add(headers.get(REPEAT));
      }
      return next.startCall(call, headers);
    }
  }

  // The username selects the response.
  private final class Service extends UserAdminGrpc.UserAdminImplBase {
    private final AtomicInteger calls = new AtomicInteger();

    @Override
    public void confirmSignUp(ConfirmSignUpRequest request, StreamObserver<ConfirmSignUpResponse> observer) {
      requests.add(request);
      boolean third = calls.incrementAndGet() % 3 == 0;
      switch (request.getUsername()) {
        case "silent" -> {}
        case "newer" -> answer(observer, 99);
        case "third" -> {
          if (third) {
            answer(observer, ConfirmSignUpResponse.Result.RESULT_ALREADY_CONFIRMED_VALUE);
          } else {
            observer.onError(Status.UNAVAILABLE.withDescription("cut").asRuntimeException());
          }
        }
        case "detailed" -> observer.onError(detailed());
        default -> answer(observer, ConfirmSignUpResponse.Result.RESULT_CONFIRMED_VALUE);
      }
    }

    private void answer(StreamObserver<ConfirmSignUpResponse> observer, int result) {
      observer.onNext(ConfirmSignUpResponse.newBuilder().setResultValue(result).build());
      observer.onCompleted();
    }
  }

  private static StatusRuntimeException detailed() {
    FieldViolation violation =
        FieldViolation.newBuilder().setField("username").setReason("TOO_LONG").setDescription("Zu lang – ja.").build();
    com.google.rpc.Status status =
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.INVALID_ARGUMENT.value())
            .setMessage("Nö <&>.")
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setDomain("useradmin.cognito.internal")
                        .setReason("INVALID_REQUEST")
                        .putMetadata("outcome", "NOT_SENT")
                        .build()))
            .addDetails(Any.pack(RequestInfo.newBuilder().setRequestId("7d3f").build()))
            .addDetails(Any.pack(BadRequest.newBuilder().addFieldViolations(violation).build()))
            .addDetails(
                Any.pack(
                    RetryInfo.newBuilder().setRetryDelay(Duration.newBuilder().setNanos(200_999_999)).build()))
            .build();
    Metadata trailers = new Metadata();
    trailers.put(REQUEST_ID, "7d3f");
    trailers.put(PUSHBACK, "-1");
    return StatusProto.toStatusRuntimeException(status, trailers);
  }

  private JsonObject call(Map<String, Object> line) throws IOException {
    JsonObject request = new Gson().toJsonTree(line).getAsJsonObject();
    request.addProperty("address", "127.0.0.1:" + server.getPort());
    byte[] in = (request + "\n").getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Caller.run(new ByteArrayInputStream(in), out);
    List<String> answers = out.toString(StandardCharsets.UTF_8).lines().toList();
    assertEquals(1, answers.size());
    return JsonParser.parseString(answers.get(0)).getAsJsonObject();
  }

  @Test
  void sendsTheWholeRequest() throws Exception {
    JsonObject answer =
        call(
            Map.of(
                "id", "1",
                "user_pool_id", "us-east-1_EXAMPLE01",
                "username", "new-ü",
                "client_metadata", Map.of("k", "v"),
                "allow_confirmed", true,
                "deadline_ms", 5000,
                "request_id", "mine",
                "headers", Map.of("x-useradmin-repeat", "1")));

    assertEquals(
        ConfirmSignUpRequest.newBuilder()
            .setUserPoolId("us-east-1_EXAMPLE01")
            .setUsername("new-ü")
            .putClientMetadata("k", "v")
            .setAllowConfirmed(true)
            .build(),
        requests.take());
    assertEquals(List.of("mine"), List.copyOf(requestIds));
    assertEquals(List.of("1"), List.copyOf(repeats));
    assertEquals(
        JsonParser.parseString(
            "{'id':'1','code':'OK','message':'','result':'RESULT_CONFIRMED','from_service':false,'reason':'',"
                + "'outcome':'','metadata':{},'violations':[],'retry_delay_ms':null,'request_id':'','trailers':{},"
                + "'details':[],'codes':{'OK':1}}"),
        answer);
  }

  @Test
  void printsTheWholeFailure() throws IOException {
    assertEquals(
        JsonParser.parseString(
            "{'id':'1','code':'INVALID_ARGUMENT','message':'Nö <&>.','result':'','from_service':true,"
                + "'reason':'INVALID_REQUEST','outcome':'NOT_SENT',"
                + "'metadata':{'outcome':'NOT_SENT'},"
                + "'violations':[{'field':'username','reason':'TOO_LONG','description':'Zu lang – ja.'}],"
                + "'retry_delay_ms':200,'request_id':'7d3f',"
                + "'trailers':{'x-request-id':'7d3f','grpc-retry-pushback-ms':'-1'},"
                + "'details':['google.rpc.ErrorInfo','google.rpc.RequestInfo','google.rpc.BadRequest',"
                + "'google.rpc.RetryInfo'],'codes':{'INVALID_ARGUMENT':1}}"),
        call(Map.of("id", "1", "username", "detailed")));
  }

  @Test
  void treatsAnUnknownResultAsUnattributed() throws IOException {
    assertEquals(
        "RESULT_CONFIRMED_UNATTRIBUTED", call(Map.of("username", "newer")).get("result").getAsString());
  }

  @Test
  void countsCodesAndPrintsTheLastFailure() throws IOException {
    JsonObject answer = call(Map.of("username", "third", "calls", 6));

    assertEquals(JsonParser.parseString("{'OK':2,'UNAVAILABLE':4}"), answer.get("codes"));
    assertEquals("UNAVAILABLE", answer.get("code").getAsString());
    assertFalse(answer.get("from_service").getAsBoolean());
    assertEquals("UNKNOWN", answer.get("outcome").getAsString());
  }

  @Test
  void retriesByTheServiceConfig() throws IOException {
    String config =
        "{\"methodConfig\":[{\"name\":[{\"service\":\"useradmin.v1.UserAdmin\"}],\"retryPolicy\":{\"maxAttempts\":3,"
            + "\"initialBackoff\":\"0.01s\",\"maxBackoff\":\"0.01s\",\"backoffMultiplier\":1,"
            + "\"retryableStatusCodes\":[\"UNAVAILABLE\"]}}]}";
    JsonObject answer = call(Map.of("username", "third", "service_config", config));

    assertEquals("RESULT_ALREADY_CONFIRMED", answer.get("result").getAsString());
    assertEquals(3, requests.size());
  }

  @Test
  void endsCallsByDeadlineAndByCancel() throws IOException {
    for (String[] end : new String[][] {{"deadline_ms", "DEADLINE_EXCEEDED"}, {"cancel_ms", "CANCELLED"}}) {
      JsonObject answer = call(Map.of("username", "silent", end[0], 100));

      assertEquals(end[1], answer.get("code").getAsString());
      assertFalse(answer.get("from_service").getAsBoolean());
    }
  }
}
