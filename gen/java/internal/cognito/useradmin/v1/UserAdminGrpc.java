package internal.cognito.useradmin.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * UserAdmin acts on the users of Amazon Cognito user pools as an administrator.
 * Every error status that this service makes carries a `google.rpc.ErrorInfo` with the domain
 * `useradmin.cognito.internal`; its `reason` names an ErrorReason, its metadata key `outcome` an Outcome. A status
 * without that detail was made by something else (a proxy, a library, a cut connection, the caller's own deadline):
 * its outcome is unknown.
 * UNAVAILABLE, RESOURCE_EXHAUSTED and RetryInfo are given only where sending exactly the same call again is safe.
 * A call is marked as a repeat by the header `x-useradmin-repeat: 1`, by `grpc-previous-rpc-attempts` above 0, or by
 * `x-envoy-attempt-count` above 1. gRPC libraries and Envoy set theirs automatically; set the first one when you send
 * a call again yourself. A repeat counts as one call together with its first sending, which may have had its effect.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class UserAdminGrpc {

  private UserAdminGrpc() {}

  public static final java.lang.String SERVICE_NAME = "useradmin.v1.UserAdmin";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<internal.cognito.useradmin.v1.ConfirmSignUpRequest,
      internal.cognito.useradmin.v1.ConfirmSignUpResponse> getConfirmSignUpMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ConfirmSignUp",
      requestType = internal.cognito.useradmin.v1.ConfirmSignUpRequest.class,
      responseType = internal.cognito.useradmin.v1.ConfirmSignUpResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<internal.cognito.useradmin.v1.ConfirmSignUpRequest,
      internal.cognito.useradmin.v1.ConfirmSignUpResponse> getConfirmSignUpMethod() {
    io.grpc.MethodDescriptor<internal.cognito.useradmin.v1.ConfirmSignUpRequest, internal.cognito.useradmin.v1.ConfirmSignUpResponse> getConfirmSignUpMethod;
    if ((getConfirmSignUpMethod = UserAdminGrpc.getConfirmSignUpMethod) == null) {
      synchronized (UserAdminGrpc.class) {
        if ((getConfirmSignUpMethod = UserAdminGrpc.getConfirmSignUpMethod) == null) {
          UserAdminGrpc.getConfirmSignUpMethod = getConfirmSignUpMethod =
              io.grpc.MethodDescriptor.<internal.cognito.useradmin.v1.ConfirmSignUpRequest, internal.cognito.useradmin.v1.ConfirmSignUpResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ConfirmSignUp"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.cognito.useradmin.v1.ConfirmSignUpRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  internal.cognito.useradmin.v1.ConfirmSignUpResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UserAdminMethodDescriptorSupplier("ConfirmSignUp"))
              .build();
        }
      }
    }
    return getConfirmSignUpMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static UserAdminStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<UserAdminStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<UserAdminStub>() {
        @java.lang.Override
        public UserAdminStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new UserAdminStub(channel, callOptions);
        }
      };
    return UserAdminStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static UserAdminBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<UserAdminBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<UserAdminBlockingV2Stub>() {
        @java.lang.Override
        public UserAdminBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new UserAdminBlockingV2Stub(channel, callOptions);
        }
      };
    return UserAdminBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static UserAdminBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<UserAdminBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<UserAdminBlockingStub>() {
        @java.lang.Override
        public UserAdminBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new UserAdminBlockingStub(channel, callOptions);
        }
      };
    return UserAdminBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static UserAdminFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<UserAdminFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<UserAdminFutureStub>() {
        @java.lang.Override
        public UserAdminFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new UserAdminFutureStub(channel, callOptions);
        }
      };
    return UserAdminFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * UserAdmin acts on the users of Amazon Cognito user pools as an administrator.
   * Every error status that this service makes carries a `google.rpc.ErrorInfo` with the domain
   * `useradmin.cognito.internal`; its `reason` names an ErrorReason, its metadata key `outcome` an Outcome. A status
   * without that detail was made by something else (a proxy, a library, a cut connection, the caller's own deadline):
   * its outcome is unknown.
   * UNAVAILABLE, RESOURCE_EXHAUSTED and RetryInfo are given only where sending exactly the same call again is safe.
   * A call is marked as a repeat by the header `x-useradmin-repeat: 1`, by `grpc-previous-rpc-attempts` above 0, or by
   * `x-envoy-attempt-count` above 1. gRPC libraries and Envoy set theirs automatically; set the first one when you send
   * a call again yourself. A repeat counts as one call together with its first sending, which may have had its effect.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Confirms a user's sign-up without a confirmation code.
     * It calls Cognito's AdminConfirmSignUp: a user with the status UNCONFIRMED becomes CONFIRMED, then Cognito runs
     * the user pool's PostConfirmation trigger, if there is one. An e-mail address or a phone number stays unverified.
     * The operation is not idempotent: on a user who is already confirmed it fails with USER_ALREADY_CONFIRMED. With
     * `allow_confirmed` the same call may be sent again after any error.
     * Unknown: To find out, send the same call with `allow_confirmed` and the header `x-useradmin-repeat: 1`; OK means
     * that the user is confirmed.
     * Errors, each described at its ErrorReason:
     * - INVALID_ARGUMENT: the request violates a limit stated below, or Cognito rejected a value.
     * - NOT_FOUND: the user pool or the user does not exist.
     * - FAILED_PRECONDITION: the user's status, the trigger, the pool's configuration or this service's AWS identity or
     *   endpoint does not allow it, or Cognito returned an exception that this service does not know.
     * - PERMISSION_DENIED: Cognito refused.
     * - RESOURCE_EXHAUSTED: a quota of Cognito; with RetryInfo the same call may be sent again after that delay.
     * - ABORTED: the outcome is unknown and `allow_confirmed` was not set; do not send the same call again without it.
     * - UNAVAILABLE: send the same call again.
     * - DEADLINE_EXCEEDED, CANCELLED: the caller's time ran out, or the caller left.
     * - INTERNAL: an internal error of Cognito or of this service.
     * </pre>
     */
    default void confirmSignUp(internal.cognito.useradmin.v1.ConfirmSignUpRequest request,
        io.grpc.stub.StreamObserver<internal.cognito.useradmin.v1.ConfirmSignUpResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getConfirmSignUpMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service UserAdmin.
   * <pre>
   * UserAdmin acts on the users of Amazon Cognito user pools as an administrator.
   * Every error status that this service makes carries a `google.rpc.ErrorInfo` with the domain
   * `useradmin.cognito.internal`; its `reason` names an ErrorReason, its metadata key `outcome` an Outcome. A status
   * without that detail was made by something else (a proxy, a library, a cut connection, the caller's own deadline):
   * its outcome is unknown.
   * UNAVAILABLE, RESOURCE_EXHAUSTED and RetryInfo are given only where sending exactly the same call again is safe.
   * A call is marked as a repeat by the header `x-useradmin-repeat: 1`, by `grpc-previous-rpc-attempts` above 0, or by
   * `x-envoy-attempt-count` above 1. gRPC libraries and Envoy set theirs automatically; set the first one when you send
   * a call again yourself. A repeat counts as one call together with its first sending, which may have had its effect.
   * </pre>
   */
  public static abstract class UserAdminImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return UserAdminGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service UserAdmin.
   * <pre>
   * UserAdmin acts on the users of Amazon Cognito user pools as an administrator.
   * Every error status that this service makes carries a `google.rpc.ErrorInfo` with the domain
   * `useradmin.cognito.internal`; its `reason` names an ErrorReason, its metadata key `outcome` an Outcome. A status
   * without that detail was made by something else (a proxy, a library, a cut connection, the caller's own deadline):
   * its outcome is unknown.
   * UNAVAILABLE, RESOURCE_EXHAUSTED and RetryInfo are given only where sending exactly the same call again is safe.
   * A call is marked as a repeat by the header `x-useradmin-repeat: 1`, by `grpc-previous-rpc-attempts` above 0, or by
   * `x-envoy-attempt-count` above 1. gRPC libraries and Envoy set theirs automatically; set the first one when you send
   * a call again yourself. A repeat counts as one call together with its first sending, which may have had its effect.
   * </pre>
   */
  public static final class UserAdminStub
      extends io.grpc.stub.AbstractAsyncStub<UserAdminStub> {
    private UserAdminStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected UserAdminStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new UserAdminStub(channel, callOptions);
    }

    /**
     * <pre>
     * Confirms a user's sign-up without a confirmation code.
     * It calls Cognito's AdminConfirmSignUp: a user with the status UNCONFIRMED becomes CONFIRMED, then Cognito runs
     * the user pool's PostConfirmation trigger, if there is one. An e-mail address or a phone number stays unverified.
     * The operation is not idempotent: on a user who is already confirmed it fails with USER_ALREADY_CONFIRMED. With
     * `allow_confirmed` the same call may be sent again after any error.
     * Unknown: To find out, send the same call with `allow_confirmed` and the header `x-useradmin-repeat: 1`; OK means
     * that the user is confirmed.
     * Errors, each described at its ErrorReason:
     * - INVALID_ARGUMENT: the request violates a limit stated below, or Cognito rejected a value.
     * - NOT_FOUND: the user pool or the user does not exist.
     * - FAILED_PRECONDITION: the user's status, the trigger, the pool's configuration or this service's AWS identity or
     *   endpoint does not allow it, or Cognito returned an exception that this service does not know.
     * - PERMISSION_DENIED: Cognito refused.
     * - RESOURCE_EXHAUSTED: a quota of Cognito; with RetryInfo the same call may be sent again after that delay.
     * - ABORTED: the outcome is unknown and `allow_confirmed` was not set; do not send the same call again without it.
     * - UNAVAILABLE: send the same call again.
     * - DEADLINE_EXCEEDED, CANCELLED: the caller's time ran out, or the caller left.
     * - INTERNAL: an internal error of Cognito or of this service.
     * </pre>
     */
    public void confirmSignUp(internal.cognito.useradmin.v1.ConfirmSignUpRequest request,
        io.grpc.stub.StreamObserver<internal.cognito.useradmin.v1.ConfirmSignUpResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getConfirmSignUpMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service UserAdmin.
   * <pre>
   * UserAdmin acts on the users of Amazon Cognito user pools as an administrator.
   * Every error status that this service makes carries a `google.rpc.ErrorInfo` with the domain
   * `useradmin.cognito.internal`; its `reason` names an ErrorReason, its metadata key `outcome` an Outcome. A status
   * without that detail was made by something else (a proxy, a library, a cut connection, the caller's own deadline):
   * its outcome is unknown.
   * UNAVAILABLE, RESOURCE_EXHAUSTED and RetryInfo are given only where sending exactly the same call again is safe.
   * A call is marked as a repeat by the header `x-useradmin-repeat: 1`, by `grpc-previous-rpc-attempts` above 0, or by
   * `x-envoy-attempt-count` above 1. gRPC libraries and Envoy set theirs automatically; set the first one when you send
   * a call again yourself. A repeat counts as one call together with its first sending, which may have had its effect.
   * </pre>
   */
  public static final class UserAdminBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<UserAdminBlockingV2Stub> {
    private UserAdminBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected UserAdminBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new UserAdminBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Confirms a user's sign-up without a confirmation code.
     * It calls Cognito's AdminConfirmSignUp: a user with the status UNCONFIRMED becomes CONFIRMED, then Cognito runs
     * the user pool's PostConfirmation trigger, if there is one. An e-mail address or a phone number stays unverified.
     * The operation is not idempotent: on a user who is already confirmed it fails with USER_ALREADY_CONFIRMED. With
     * `allow_confirmed` the same call may be sent again after any error.
     * Unknown: To find out, send the same call with `allow_confirmed` and the header `x-useradmin-repeat: 1`; OK means
     * that the user is confirmed.
     * Errors, each described at its ErrorReason:
     * - INVALID_ARGUMENT: the request violates a limit stated below, or Cognito rejected a value.
     * - NOT_FOUND: the user pool or the user does not exist.
     * - FAILED_PRECONDITION: the user's status, the trigger, the pool's configuration or this service's AWS identity or
     *   endpoint does not allow it, or Cognito returned an exception that this service does not know.
     * - PERMISSION_DENIED: Cognito refused.
     * - RESOURCE_EXHAUSTED: a quota of Cognito; with RetryInfo the same call may be sent again after that delay.
     * - ABORTED: the outcome is unknown and `allow_confirmed` was not set; do not send the same call again without it.
     * - UNAVAILABLE: send the same call again.
     * - DEADLINE_EXCEEDED, CANCELLED: the caller's time ran out, or the caller left.
     * - INTERNAL: an internal error of Cognito or of this service.
     * </pre>
     */
    public internal.cognito.useradmin.v1.ConfirmSignUpResponse confirmSignUp(internal.cognito.useradmin.v1.ConfirmSignUpRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getConfirmSignUpMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service UserAdmin.
   * <pre>
   * UserAdmin acts on the users of Amazon Cognito user pools as an administrator.
   * Every error status that this service makes carries a `google.rpc.ErrorInfo` with the domain
   * `useradmin.cognito.internal`; its `reason` names an ErrorReason, its metadata key `outcome` an Outcome. A status
   * without that detail was made by something else (a proxy, a library, a cut connection, the caller's own deadline):
   * its outcome is unknown.
   * UNAVAILABLE, RESOURCE_EXHAUSTED and RetryInfo are given only where sending exactly the same call again is safe.
   * A call is marked as a repeat by the header `x-useradmin-repeat: 1`, by `grpc-previous-rpc-attempts` above 0, or by
   * `x-envoy-attempt-count` above 1. gRPC libraries and Envoy set theirs automatically; set the first one when you send
   * a call again yourself. A repeat counts as one call together with its first sending, which may have had its effect.
   * </pre>
   */
  public static final class UserAdminBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<UserAdminBlockingStub> {
    private UserAdminBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected UserAdminBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new UserAdminBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Confirms a user's sign-up without a confirmation code.
     * It calls Cognito's AdminConfirmSignUp: a user with the status UNCONFIRMED becomes CONFIRMED, then Cognito runs
     * the user pool's PostConfirmation trigger, if there is one. An e-mail address or a phone number stays unverified.
     * The operation is not idempotent: on a user who is already confirmed it fails with USER_ALREADY_CONFIRMED. With
     * `allow_confirmed` the same call may be sent again after any error.
     * Unknown: To find out, send the same call with `allow_confirmed` and the header `x-useradmin-repeat: 1`; OK means
     * that the user is confirmed.
     * Errors, each described at its ErrorReason:
     * - INVALID_ARGUMENT: the request violates a limit stated below, or Cognito rejected a value.
     * - NOT_FOUND: the user pool or the user does not exist.
     * - FAILED_PRECONDITION: the user's status, the trigger, the pool's configuration or this service's AWS identity or
     *   endpoint does not allow it, or Cognito returned an exception that this service does not know.
     * - PERMISSION_DENIED: Cognito refused.
     * - RESOURCE_EXHAUSTED: a quota of Cognito; with RetryInfo the same call may be sent again after that delay.
     * - ABORTED: the outcome is unknown and `allow_confirmed` was not set; do not send the same call again without it.
     * - UNAVAILABLE: send the same call again.
     * - DEADLINE_EXCEEDED, CANCELLED: the caller's time ran out, or the caller left.
     * - INTERNAL: an internal error of Cognito or of this service.
     * </pre>
     */
    public internal.cognito.useradmin.v1.ConfirmSignUpResponse confirmSignUp(internal.cognito.useradmin.v1.ConfirmSignUpRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getConfirmSignUpMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service UserAdmin.
   * <pre>
   * UserAdmin acts on the users of Amazon Cognito user pools as an administrator.
   * Every error status that this service makes carries a `google.rpc.ErrorInfo` with the domain
   * `useradmin.cognito.internal`; its `reason` names an ErrorReason, its metadata key `outcome` an Outcome. A status
   * without that detail was made by something else (a proxy, a library, a cut connection, the caller's own deadline):
   * its outcome is unknown.
   * UNAVAILABLE, RESOURCE_EXHAUSTED and RetryInfo are given only where sending exactly the same call again is safe.
   * A call is marked as a repeat by the header `x-useradmin-repeat: 1`, by `grpc-previous-rpc-attempts` above 0, or by
   * `x-envoy-attempt-count` above 1. gRPC libraries and Envoy set theirs automatically; set the first one when you send
   * a call again yourself. A repeat counts as one call together with its first sending, which may have had its effect.
   * </pre>
   */
  public static final class UserAdminFutureStub
      extends io.grpc.stub.AbstractFutureStub<UserAdminFutureStub> {
    private UserAdminFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected UserAdminFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new UserAdminFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Confirms a user's sign-up without a confirmation code.
     * It calls Cognito's AdminConfirmSignUp: a user with the status UNCONFIRMED becomes CONFIRMED, then Cognito runs
     * the user pool's PostConfirmation trigger, if there is one. An e-mail address or a phone number stays unverified.
     * The operation is not idempotent: on a user who is already confirmed it fails with USER_ALREADY_CONFIRMED. With
     * `allow_confirmed` the same call may be sent again after any error.
     * Unknown: To find out, send the same call with `allow_confirmed` and the header `x-useradmin-repeat: 1`; OK means
     * that the user is confirmed.
     * Errors, each described at its ErrorReason:
     * - INVALID_ARGUMENT: the request violates a limit stated below, or Cognito rejected a value.
     * - NOT_FOUND: the user pool or the user does not exist.
     * - FAILED_PRECONDITION: the user's status, the trigger, the pool's configuration or this service's AWS identity or
     *   endpoint does not allow it, or Cognito returned an exception that this service does not know.
     * - PERMISSION_DENIED: Cognito refused.
     * - RESOURCE_EXHAUSTED: a quota of Cognito; with RetryInfo the same call may be sent again after that delay.
     * - ABORTED: the outcome is unknown and `allow_confirmed` was not set; do not send the same call again without it.
     * - UNAVAILABLE: send the same call again.
     * - DEADLINE_EXCEEDED, CANCELLED: the caller's time ran out, or the caller left.
     * - INTERNAL: an internal error of Cognito or of this service.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<internal.cognito.useradmin.v1.ConfirmSignUpResponse> confirmSignUp(
        internal.cognito.useradmin.v1.ConfirmSignUpRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getConfirmSignUpMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CONFIRM_SIGN_UP = 0;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_CONFIRM_SIGN_UP:
          serviceImpl.confirmSignUp((internal.cognito.useradmin.v1.ConfirmSignUpRequest) request,
              (io.grpc.stub.StreamObserver<internal.cognito.useradmin.v1.ConfirmSignUpResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getConfirmSignUpMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              internal.cognito.useradmin.v1.ConfirmSignUpRequest,
              internal.cognito.useradmin.v1.ConfirmSignUpResponse>(
                service, METHODID_CONFIRM_SIGN_UP)))
        .build();
  }

  private static abstract class UserAdminBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    UserAdminBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return internal.cognito.useradmin.v1.UserAdminProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("UserAdmin");
    }
  }

  private static final class UserAdminFileDescriptorSupplier
      extends UserAdminBaseDescriptorSupplier {
    UserAdminFileDescriptorSupplier() {}
  }

  private static final class UserAdminMethodDescriptorSupplier
      extends UserAdminBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    UserAdminMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (UserAdminGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new UserAdminFileDescriptorSupplier())
              .addMethod(getConfirmSignUpMethod())
              .build();
        }
      }
    }
    return result;
  }
}
