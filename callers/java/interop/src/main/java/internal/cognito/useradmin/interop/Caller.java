package internal.cognito.useradmin.interop;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.protobuf.Any;
import internal.cognito.useradmin.Failure;
import internal.cognito.useradmin.Results;
import internal.cognito.useradmin.Violation;
import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import internal.cognito.useradmin.v1.UserAdminGrpc.UserAdminBlockingStub;
import io.grpc.ChannelCredentials;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** The caller of the interop matrix: reads JSON requests from stdin and prints JSON answers, one per line. */
public final class Caller implements AutoCloseable {
  private static final Gson GSON =
      new GsonBuilder()
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .disableHtmlEscaping()
          .serializeNulls()
          .create();
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  private record ChannelKey(String address, String serviceConfig, String ca, String cert, String key) {}

  private record Request(
      String id,
      String address,
      String userPoolId,
      String username,
      Map<String, String> clientMetadata,
      boolean allowConfirmed,
      long deadlineMs,
      long cancelMs,
      String requestId,
      String serviceConfig,
      Map<String, String> headers,
      int calls,
      String ca,
      String cert,
      String key) {}

  private record Answer(
      String code,
      String message,
      String result,
      boolean fromService,
      String reason,
      String outcome,
      Map<String, String> metadata,
      List<Violation> violations,
      Long retryDelayMs,
      String requestId,
      Map<String, String> trailers,
      List<String> details) {}

  private final Map<ChannelKey, ManagedChannel> channels = new HashMap<>();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

  private Caller() {}

  /**
   * Answers until there are no more requests.
   *
   * @param args none
   * @throws IOException if reading stdin fails
   */
  public static void main(String[] args) throws IOException {
    run(System.in, System.out);
  }

  static void run(InputStream in, OutputStream out) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    PrintStream answers = new PrintStream(out, true, StandardCharsets.UTF_8);
    try (Caller caller = new Caller()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.isBlank()) {
          answers.println(GSON.toJson(caller.answer(GSON.fromJson(line, Request.class))));
        }
      }
    }
  }

  @Override
  public void close() {
    channels.values().forEach(ManagedChannel::shutdownNow);
    timer.shutdownNow();
  }

  // Describes the last failure, or the last success if no call failed.
  private Map<String, Object> answer(Request request) {
    Map<String, Integer> codes = new TreeMap<>();
    Answer last = null;
    for (int i = 0; i < Math.max(request.calls(), 1); i++) {
      Answer answer = call(request);
      codes.merge(answer.code(), 1, Integer::sum);
      if (last == null || last.code().equals("OK") || !answer.code().equals("OK")) {
        last = answer;
      }
    }
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("id", orEmpty(request.id()));
    GSON.toJsonTree(last).getAsJsonObject().asMap().forEach(line::put);
    line.put("codes", codes);
    return line;
  }

  private Answer call(Request request) {
    AtomicReference<Metadata> headers = new AtomicReference<>();
    AtomicReference<Metadata> trailers = new AtomicReference<>();
    Context.CancellableContext context = Context.current().withCancellation();
    Future<?> cancel = null;
    try {
      UserAdminBlockingStub stub =
          stub(request).withInterceptors(MetadataUtils.newCaptureMetadataInterceptor(headers, trailers));
      ConfirmSignUpRequest message = message(request);
      if (request.cancelMs() > 0) {
        cancel = timer.schedule(() -> context.cancel(null), request.cancelMs(), TimeUnit.MILLISECONDS);
      }
      return success(context.call(() -> stub.confirmSignUp(message)), trailers.get());
    } catch (Exception e) {
      return failure(e, trailers.get());
    } finally {
      if (cancel != null) {
        cancel.cancel(false);
      }
      context.cancel(null);
    }
  }

  private static ConfirmSignUpRequest message(Request request) {
    return ConfirmSignUpRequest.newBuilder()
        .setUserPoolId(orEmpty(request.userPoolId()))
        .setUsername(orEmpty(request.username()))
        .putAllClientMetadata(Objects.requireNonNullElse(request.clientMetadata(), Map.of()))
        .setAllowConfirmed(request.allowConfirmed())
        .build();
  }

  private UserAdminBlockingStub stub(Request request) {
    ChannelKey key =
        new ChannelKey(
            request.address(),
            orEmpty(request.serviceConfig()),
            orEmpty(request.ca()),
            orEmpty(request.cert()),
            orEmpty(request.key()));
    UserAdminBlockingStub stub = UserAdminGrpc.newBlockingStub(channels.computeIfAbsent(key, Caller::channel));
    stub = stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(request)));
    return request.deadlineMs() > 0 ? stub.withDeadlineAfter(request.deadlineMs(), TimeUnit.MILLISECONDS) : stub;
  }

  private static Metadata headers(Request request) {
    Metadata headers = new Metadata();
    Objects.requireNonNullElse(request.headers(), Map.<String, String>of())
        .forEach((key, value) -> headers.put(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER), value));
    if (!orEmpty(request.requestId()).isEmpty()) {
      headers.put(REQUEST_ID, request.requestId());
    }
    return headers;
  }

  @SuppressWarnings("unchecked") // gRPC takes the types that Gson makes.
  private static ManagedChannel channel(ChannelKey key) {
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(key.address(), credentials(key)).proxyDetector(address -> null);
    if (!key.serviceConfig().isEmpty()) {
      builder.defaultServiceConfig(GSON.fromJson(key.serviceConfig(), Map.class));
    }
    return builder.build();
  }

  // Without a CA there is no TLS, without a certificate the caller does not say who it is.
  private static ChannelCredentials credentials(ChannelKey key) {
    if (key.ca().isEmpty()) {
      return InsecureChannelCredentials.create();
    }
    try {
      TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder().trustManager(new File(key.ca()));
      if (!key.cert().isEmpty()) {
        builder.keyManager(new File(key.cert()), new File(key.key()));
      }
      return builder.build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Answer success(ConfirmSignUpResponse response, Metadata trailers) {
    String result = Results.of(response).name();
    return new Answer(
        "OK", "", result, false, "", "", Map.of(), List.of(), null, "", shown(trailers), List.of());
  }

  private static Answer failure(Exception error, Metadata trailers) {
    Failure failure = Failure.of(error);
    return new Answer(
        failure.code().name(),
        failure.message(),
        "",
        failure.fromService(),
        failure.reasonName(),
        failure.outcomeName(),
        failure.metadata(),
        failure.violations(),
        failure.retryDelay().map(Duration::toMillis).orElse(null),
        failure.requestId(),
        shown(trailers),
        details(error));
  }

  private static Map<String, String> shown(Metadata trailers) {
    Map<String, String> shown = new LinkedHashMap<>();
    for (Metadata.Key<String> key : List.of(REQUEST_ID, PUSHBACK)) {
      if (trailers != null && trailers.containsKey(key)) {
        shown.put(key.name(), trailers.get(key));
      }
    }
    return shown;
  }

  private static List<String> details(Exception error) {
    try {
      com.google.rpc.Status status = StatusProto.fromThrowable(error);
      return status == null
          ? List.of()
          : status.getDetailsList().stream().map(Any::getTypeUrl).map(Caller::lastPart).toList();
    } catch (IllegalArgumentException e) {
      return List.of();
    }
  }

  private static String lastPart(String typeUrl) {
    return typeUrl.substring(typeUrl.lastIndexOf('/') + 1);
  }

  private static String orEmpty(String text) {
    return Objects.requireNonNullElse(text, "");
  }
}
