package internal.cognito.useradmin;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import internal.cognito.useradmin.v1.ConfirmSignUpRequest;
import internal.cognito.useradmin.v1.ConfirmSignUpResponse;
import internal.cognito.useradmin.v1.UserAdminGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/** A server on loopback that returns what a test has set, and a channel to it. */
final class CraftedServer implements AutoCloseable {
  static final Metadata.Key<byte[]> DETAILS_KEY =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private final Server server;
  private final ManagedChannel channel;
  private final List<List<String>> marks = new CopyOnWriteArrayList<>();
  // Returns a response or throws.
  private volatile Function<ConfirmSignUpRequest, ConfirmSignUpResponse> answer;

  CraftedServer() throws IOException {
    InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    server = NettyServerBuilder.forAddress(loopback).addService(new Service()).intercept(new Marks()).build().start();
    channel = NettyChannelBuilder.forAddress(server.getListenSockets().get(0)).usePlaintext().build();
  }

  ManagedChannel channel() {
    return channel;
  }

  /** The values of the repeat header of every call. */
  List<List<String>> marks() {
    return marks;
  }

  void answers(Function<ConfirmSignUpRequest, ConfirmSignUpResponse> answer) {
    this.answer = answer;
  }

  void fails(StatusRuntimeException error) {
    answers(
        request -> {
          throw error;
        });
  }

  static StatusRuntimeException error(Status.Code code, String message, Message... details) {
    return error(code, statusOf(code, message, details));
  }

  static StatusRuntimeException error(Status.Code code, com.google.rpc.Status details) {
    StatusRuntimeException error = StatusProto.toStatusRuntimeException(details);
    return code.toStatus().withDescription(details.getMessage()).asRuntimeException(error.getTrailers());
  }

  static StatusRuntimeException errorWithRawDetails(Status.Code code, byte[] details) {
    Metadata trailers = new Metadata();
    trailers.put(DETAILS_KEY, details);
    return code.toStatus().withDescription("raw").asRuntimeException(trailers);
  }

  static com.google.rpc.Status statusOf(Status.Code code, String message, Message... details) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(message);
    for (Message detail : details) {
      status.addDetails(detail instanceof Any any ? any : Any.pack(detail));
    }
    return status.build();
  }

  static ErrorInfo.Builder info(String reason, String outcome) {
    return ErrorInfo.newBuilder().setDomain(Failure.DOMAIN).setReason(reason).putMetadata("outcome", outcome);
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  private final class Marks implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      List<String> values = new ArrayList<>();
      if (headers.containsKey(Repeats.HEADER)) {
        headers.getAll(Repeats.HEADER).forEach(values::add);
      }
      marks.add(values);
      return next.startCall(call, headers);
    }
  }

  private final class Service extends UserAdminGrpc.UserAdminImplBase {
    @Override
    public void confirmSignUp(ConfirmSignUpRequest request, StreamObserver<ConfirmSignUpResponse> observer) {
      try {
        observer.onNext(answer.apply(request));
        observer.onCompleted();
      } catch (StatusRuntimeException e) {
        observer.onError(e);
      }
    }
  }
}
