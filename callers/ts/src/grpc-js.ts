import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type CallOptions as GrpcCallOptions,
  type ChannelCredentials,
  Client,
  type ClientOptions,
  Metadata,
  type MethodDefinition,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  type ConfirmSignUpRequestSchema,
  type ConfirmSignUpResponse,
  UserAdmin,
} from "./gen/useradmin/v1/user_admin_pb.js";

/** A method in the form that @grpc/grpc-js takes: clients may send and servers may return plain objects. */
export type MethodDefinitionOf<I extends DescMessage, O extends DescMessage> = Omit<
  MethodDefinition<MessageInitShape<I>, MessageInitShape<O>>,
  "requestDeserialize" | "responseDeserialize"
> &
  Pick<MethodDefinition<MessageShape<I>, MessageShape<O>>, "requestDeserialize" | "responseDeserialize">;

/** A service in the form that @grpc/grpc-js takes; the keys are the methods' names in lower camel case. */
export type ServiceDefinitionOf<S extends DescService> = {
  readonly [K in keyof S["method"]]: MethodDefinitionOf<S["method"][K]["input"], S["method"][K]["output"]>;
};

/**
 * Converts a service of protoc-gen-es into the definition that @grpc/grpc-js takes, so that grpc-js needs no code
 * generator.
 *
 * Pass the definition to `makeClientConstructor` (clients with callbacks) or `Server.addService`. It works for any
 * service.
 */
export function serviceDefinition<S extends DescService>(service: S): ServiceDefinitionOf<S> {
  const methods = service.methods.map((method) => [method.localName, methodDefinition(method)]);
  return Object.fromEntries(methods) as ServiceDefinitionOf<S>;
}

function methodDefinition(method: DescMethod): MethodDefinitionOf<DescMessage, DescMessage> {
  const { input, output, methodKind } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    requestSerialize: (request) => encode(input, request),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (response) => encode(output, response),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

function encode(schema: DescMessage, init: MessageInitShape<DescMessage>): Buffer {
  const { buffer, byteOffset, byteLength } = toBinary(schema, create(schema, init));
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The definition of UserAdmin for @grpc/grpc-js. */
export const userAdminDefinition: ServiceDefinitionOf<typeof UserAdmin> = serviceDefinition(UserAdmin);

/** Options of one call; `deadline` is a Date or milliseconds since the epoch, as in @grpc/grpc-js. */
export interface CallOptions extends GrpcCallOptions {
  /** Metadata to send, for example `x-request-id`; `Metadata.fromHttp2Headers(repeatHeaders)` marks a repeat. */
  metadata?: Metadata | undefined;
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal | undefined;
  /** Called with the status that ended the call, also with OK; its metadata are the trailers. */
  onStatus?: ((status: StatusObject) => void) | undefined;
}

/**
 * A client of UserAdmin on @grpc/grpc-js, with promises.
 *
 * A call rejects with grpc-js's own ServiceError; `Failure.from` reads it. `close()` ends the connection.
 */
export class UserAdminClient extends Client {
  /** `address` is `host:port`, or any target that grpc-js takes. */
  constructor(address: string, credentials: ChannelCredentials, options?: ClientOptions) {
    super(address, credentials, options);
  }

  /**
   * Confirms a user's sign-up without a confirmation code; `UserAdmin` describes errors and limits.
   *
   * Without a deadline the service allows 20 seconds.
   */
  confirmSignUp(
    request: MessageInitShape<typeof ConfirmSignUpRequestSchema>,
    options: CallOptions = {},
  ): Promise<ConfirmSignUpResponse> {
    const { metadata = new Metadata(), signal, onStatus, ...callOptions } = options;
    const { path, requestSerialize, responseDeserialize } = userAdminDefinition.confirmSignUp;
    return new Promise((resolve, reject) => {
      const cancel = () => call.cancel();
      const call = this.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        callOptions,
        (err, response) => {
          signal?.removeEventListener("abort", cancel);
          if (response) {
            resolve(response);
          } else {
            reject(err);
          }
        },
      );
      if (onStatus !== undefined) {
        call.on("status", onStatus);
      }
      if (signal?.aborted) {
        cancel();
      }
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }
}
