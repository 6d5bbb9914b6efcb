import { create, fromBinary, toBinary, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, CodeSchema } from "./gen/google/rpc/code_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

// The status in an error of either library. Errors are recognised by their shape and neither library is imported: a
// caller may have only one of them, or two copies of one.

/** One detail of a status, as it arrived. */
export interface Detail {
  /** The full name of the message's type, for example `google.rpc.ErrorInfo`. */
  readonly type: string;
  /** The serialized message. */
  readonly value: Uint8Array;
}

export interface RpcStatus {
  code: Code;
  message: string;
  details: Detail[];
}

interface ConnectErrorLike {
  code: number;
  rawMessage: string;
  details: unknown[];
  metadata?: { get(key: string): string | null };
}

interface ServiceErrorLike {
  code: number;
  details: string;
  metadata: { get(key: string): unknown[] };
}

// Reads a ConnectError of @connectrpc/connect, a ServiceError of @grpc/grpc-js, or any other thrown value.
export function statusOf(err: unknown): RpcStatus {
  if (isConnectError(err)) {
    return (
      replacedStatus(err) ?? {
        code: knownCode(err.code),
        message: err.rawMessage,
        details: err.details.flatMap(connectDetail),
      }
    );
  }
  if (isServiceError(err)) {
    const details = err.metadata.get("grpc-status-details-bin").flatMap((bytes) => statusDetails(bytes, err.code));
    return { code: knownCode(err.code), message: err.details, details };
  }
  return { code: Code.UNKNOWN, message: err instanceof Error ? err.message : String(err), details: [] };
}

function isConnectError(err: unknown): err is ConnectErrorLike {
  const like = err as Partial<ConnectErrorLike> | null | undefined;
  return typeof like?.code === "number" && typeof like.rawMessage === "string" && Array.isArray(like.details);
}

function isServiceError(err: unknown): err is ServiceErrorLike {
  const like = err as Partial<ServiceErrorLike> | null | undefined;
  return (
    typeof like?.code === "number" && typeof like.details === "string" && typeof like.metadata?.get === "function"
  );
}

// OK and numbers that are not gRPC codes are UNKNOWN, as in gRPC.
function knownCode(code: number): Code {
  return code !== Code.OK && isCode(code) ? code : Code.UNKNOWN;
}

function isCode(code: number): boolean {
  return CodeSchema.values.some((value) => value.number === code);
}

// Connect reads code and message from the details and ignores grpc-status. If the two codes differ, something on the
// way has replaced the service's status: grpc-status and grpc-message count, and the details are ignored. The same goes
// for a grpc-status that Connect does not know. With OK and no details, the error is Connect's own.
function replacedStatus(err: ConnectErrorLike): RpcStatus | undefined {
  const sent = err.metadata?.get("grpc-status") ?? undefined;
  if (sent === undefined) {
    return undefined;
  }
  const hasDetails = err.details.length > 0 || (err.metadata?.get("grpc-status-details-bin") ?? null) !== null;
  const code = /^\d+$/.test(sent) ? Number(sent) : NaN;
  if (code === err.code || (code === Code.OK && !hasDetails)) {
    return undefined;
  }
  return { code: knownCode(code), message: unescaped(err.metadata?.get("grpc-message") ?? ""), details: [] };
}

function unescaped(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

// A detail from the wire has a type and bytes; one of a ConnectError that a test created has a schema and a message.
function connectDetail(detail: unknown): Detail[] {
  const { type, value, desc } = detail as { type?: unknown; value?: unknown; desc?: DescMessage };
  if (typeof type === "string" && value instanceof Uint8Array) {
    return [{ type, value }];
  }
  if (desc === undefined) {
    return [];
  }
  return [{ type: desc.typeName, value: toBinary(desc, create(desc, value as MessageInitShape<DescMessage>)) }];
}

// Ignores bytes that are not a google.rpc.Status, and a status with another code: something on the way has replaced the
// service's status.
function statusDetails(bytes: unknown, code: number): Detail[] {
  if (!(bytes instanceof Uint8Array)) {
    return [];
  }
  try {
    const status = fromBinary(StatusSchema, bytes);
    // Older versions of grpc-js read a code that gRPC does not have as UNKNOWN.
    if (status.code !== code && (code !== Code.UNKNOWN || isCode(status.code))) {
      return [];
    }
    return status.details.map((any) => ({
      type: any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1),
      value: any.value,
    }));
  } catch {
    return [];
  }
}
