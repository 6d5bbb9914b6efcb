import { create, fromBinary, toBinary, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, CodeSchema } from "./gen/google/rpc/code_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

// What both libraries' errors boil down to. They are told by their shape: neither library is imported, since a caller
// has just one of them, or two copies of one.

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

// ConnectError of @connectrpc/connect, ServiceError of @grpc/grpc-js, or anything else that was thrown.
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
    const values = err.metadata.get("grpc-status-details-bin");
    const code = knownCode(err.code);
    return { code, message: err.details, details: values.flatMap((bytes) => statusDetails(bytes, code)) };
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

// OK and numbers that are no gRPC code are UNKNOWN, as gRPC has it.
function knownCode(code: number): Code {
  return code !== Code.OK && CodeSchema.values.some((value) => value.number === code) ? code : Code.UNKNOWN;
}

// Connect takes code and message from the details and ignores grpc-status. Where the two differ, something on the way
// has put its own status in place of the service's: that one counts, and the details are not believed.
function replacedStatus(err: ConnectErrorLike): RpcStatus | undefined {
  const sent = err.metadata?.get("grpc-status") ?? undefined;
  const hasDetails = err.details.length > 0 || (err.metadata?.get("grpc-status-details-bin") ?? null) !== null;
  if (sent === undefined || !hasDetails) {
    return undefined;
  }
  const code = knownCode(/^\d+$/.test(sent) ? Number(sent) : NaN);
  if (code === err.code) {
    return undefined;
  }
  return { code, message: unescaped(err.metadata?.get("grpc-message") ?? ""), details: [] };
}

function unescaped(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

// A detail from the wire has a type and bytes; one that a test put into a ConnectError has a schema and a message.
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

// Bytes that are no google.rpc.Status have no details, nor have those of another code: something on the way has put its
// own in place of the service's.
function statusDetails(bytes: unknown, code: Code): Detail[] {
  if (!(bytes instanceof Uint8Array)) {
    return [];
  }
  try {
    const status = fromBinary(StatusSchema, bytes);
    if (status.code !== code) {
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
