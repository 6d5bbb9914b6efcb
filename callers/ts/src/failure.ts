import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { Code, CodeSchema } from "./gen/google/rpc/code_pb.js";
import {
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
  RequestInfoSchema,
  type RetryInfo,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
import { ErrorReason, ErrorReasonSchema, Outcome, OutcomeSchema } from "./gen/useradmin/v1/errors_pb.js";
import { type Detail, type RpcStatus, statusOf } from "./status.js";

export type { Detail } from "./status.js";

/** The domain of the ErrorInfo in every status that the service makes. */
const domain = "useradmin.cognito.internal";

/** The bounds of google.protobuf.Duration; a delay outside of them is ignored. */
const maxSeconds = 315_576_000_000n;
const maxNanos = 999_999_999;

/** One thing that is wrong with the request, from google.rpc.BadRequest. */
export interface Violation {
  /** The field as in the proto, for example `username` or `client_metadata["k"]`. */
  readonly field: string;
  /** The reason for programs, for example `TOO_LONG`. */
  readonly reason: string;
  /** The reason for people. */
  readonly description: string;
}

/**
 * Why a call of useradmin.v1.UserAdmin failed, what it did to the user, and what to do next.
 *
 * ```ts
 * try { ... } catch (err) {
 *   const failure = Failure.from(err);
 *   if (failure.retryable) { ... }
 * }
 * ```
 *
 * It never throws, whatever a server or a proxy sends: it reads what it can and ignores the rest. `message` is the
 * text of the status, `toString()` a line for logs, `cause` the error that was read.
 */
export class Failure extends Error {
  override readonly name = "Failure";

  /**
   * The gRPC code; UNKNOWN for an error that is not an RPC error.
   *
   * It is a plain number: compare it with `Code` of this package, `status` of grpc-js or `Code` of connect.
   */
  readonly code: number;

  /**
   * Whether the service made the status: one of its details is an ErrorInfo with the domain
   * `useradmin.cognito.internal`.
   *
   * If not, something else made it: a proxy, the library, a cut connection, the caller's own deadline. Then only
   * `code`, `message` and `details` are set, and the outcome is UNKNOWN.
   */
  readonly fromService: boolean;

  /** Why the call failed; UNSPECIFIED if `fromService` is false, or if this version does not know `reasonName`. */
  readonly reason: ErrorReason;

  /** The name of the reason as it was sent, for example `USER_NOT_FOUND`; empty if `fromService` is false. */
  readonly reasonName: string;

  /** The effect of the call on the user; UNKNOWN if it is missing, or if this version does not know it. */
  readonly outcome: Outcome;

  /**
   * How many milliseconds to wait before sending the same call again, from google.rpc.RetryInfo; undefined without a
   * valid one.
   *
   * It is never negative and may have a fraction. setTimeout fires at once for more than 2 ** 31 - 1.
   */
  readonly retryDelayMs: number | undefined;

  /** What is wrong with the request, from google.rpc.BadRequest; empty without one. */
  readonly violations: readonly Violation[];

  /** The service's id of the call, which is also in its log, from google.rpc.RequestInfo; empty without one. */
  readonly requestId: string;

  /** The metadata of the ErrorInfo; ErrorReason describes the keys. Empty if `fromService` is false. */
  readonly metadata: Readonly<Record<string, string | undefined>>;

  /** All details as they arrived, in their order; `detail` decodes one. */
  readonly details: readonly Detail[];

  /**
   * Reads an error: a ServiceError of @grpc/grpc-js, a ConnectError of @connectrpc/connect, or any other thrown value.
   *
   * It never throws, and returns a Failure unchanged.
   */
  static from(err: unknown): Failure {
    if (err instanceof Failure) {
      return err;
    }
    let status: RpcStatus;
    try {
      status = statusOf(err);
    } catch {
      // An object whose getters throw, or that has no string form.
      status = { code: Code.UNKNOWN, message: "the error cannot be read", details: [] };
    }
    return new Failure(status, err);
  }

  private constructor(status: RpcStatus, cause: unknown) {
    const info = all(status.details, ErrorInfoSchema).find((candidate) => candidate.domain === domain);
    super(status.message, { cause });
    this.code = status.code;
    this.fromService = info !== undefined;
    this.reasonName = info?.reason ?? "";
    this.reason = valueNamed(ErrorReasonSchema, this.reasonName) ?? ErrorReason.UNSPECIFIED;
    this.outcome = valueNamed(OutcomeSchema, info?.metadata["outcome"]) || Outcome.UNKNOWN;
    this.metadata = { ...info?.metadata };
    this.details = status.details;
    // In a status that something else made, retries and fields are not about this service.
    const ours = info === undefined ? [] : status.details;
    this.retryDelayMs = delayOf(all(ours, RetryInfoSchema)[0]);
    this.requestId = all(ours, RequestInfoSchema)[0]?.requestId ?? "";
    this.violations = all(ours, BadRequestSchema).flatMap((request) =>
      request.fieldViolations.map(({ field, reason, description }) => ({ field, reason, description })),
    );
  }

  /** The name of the gRPC code, for example `FAILED_PRECONDITION`. */
  get codeName(): string {
    return CodeSchema.value[this.code as Code].name;
  }

  /** The name of the outcome, for example `NOT_APPLIED`. */
  get outcomeName(): string {
    return OutcomeSchema.value[this.outcome].localName;
  }

  /**
   * Whether the service says that the same call may be sent again, after `retryDelayMs` if there is one.
   *
   * It says so with RetryInfo or UNAVAILABLE. Mark the repeat with `repeatHeaders`.
   */
  get retryable(): boolean {
    return this.fromService && (this.retryDelayMs !== undefined || this.code === Code.UNAVAILABLE);
  }

  /** Whether the call certainly had no effect on the user, and will have none. */
  get notApplied(): boolean {
    return this.fromService && (this.outcome === Outcome.NOT_SENT || this.outcome === Outcome.NOT_APPLIED);
  }

  /** Whether the call had its effect on the user and failed afterwards: do not send it again. */
  get applied(): boolean {
    return this.outcome === Outcome.APPLIED;
  }

  /**
   * Whether the call may have had its effect, or may still have it.
   *
   * To find out, send it again with `allowConfirmed` and `repeatHeaders`: OK means that the user is confirmed.
   */
  get outcomeUnknown(): boolean {
    return this.outcome === Outcome.UNKNOWN;
  }

  /** Whether the call was marked as a repeat, by the caller, a library or a proxy. */
  get repeated(): boolean {
    return this.metadata["repeated"] === "true";
  }

  /**
   * The first detail of a type, for example `failure.detail(PreconditionFailureSchema)`; undefined without a valid one.
   *
   * The schemas are in `@cognito-internal/useradmin/google-rpc`.
   */
  detail<Desc extends DescMessage>(schema: Desc): MessageShape<Desc> | undefined {
    return all(this.details, schema)[0];
  }

  /** One printable line for logs, whatever a proxy put into the message. Its form may change. */
  override toString(): string {
    const reason = this.reasonName === "" ? "" : ` ${this.reasonName}`;
    const origin = this.fromService ? "" : "not made by useradmin, ";
    const request = this.requestId === "" ? "" : `, request id ${this.requestId}`;
    const line = `${this.codeName}${reason}: ${this.message} (${origin}outcome ${this.outcomeName}${request})`;
    return line.replace(/[\p{C}\p{Z}]/gu, " ");
  }
}

function all<Desc extends DescMessage>(details: readonly Detail[], schema: Desc): MessageShape<Desc>[] {
  return details
    .filter((detail) => detail.type === schema.typeName)
    .flatMap((detail) => {
      try {
        return [fromBinary(schema, detail.value)];
      } catch {
        return [];
      }
    });
}

function valueNamed(schema: typeof ErrorReasonSchema | typeof OutcomeSchema, name: string | undefined) {
  return schema.values.find((value) => value.localName === name)?.number;
}

function delayOf(info: RetryInfo | undefined): number | undefined {
  if (info === undefined) {
    return undefined;
  }
  const { seconds = 0n, nanos = 0 } = info.retryDelay ?? {};
  const mixed = (seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0);
  if (seconds > maxSeconds || seconds < -maxSeconds || Math.abs(nanos) > maxNanos || mixed) {
    return undefined;
  }
  return Math.max(Number(seconds) * 1e3 + nanos / 1e6, 0);
}
