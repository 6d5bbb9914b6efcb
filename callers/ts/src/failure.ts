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

/** The ErrorInfo.domain of every status that the service itself makes. */
const domain = "useradmin.v1";

/** The bounds of google.protobuf.Duration; what is outside of them is no delay. */
const maxSeconds = 315_576_000_000n;
const maxNanos = 999_999_999;

/** A field of the request that breaks a limit; from google.rpc.BadRequest. */
export interface FieldViolation {
  /** The field as in the proto: `username`, `client_metadata["k"]`. */
  readonly field: string;
  /** Why, for programs: `REQUIRED`, `TOO_LONG`, `BAD_CHARACTERS` ... */
  readonly reason: string;
  /** Why, for people. */
  readonly description: string;
}

/**
 * Why a call of useradmin.v1 failed, and what it did.
 *
 * ```ts
 * try { ... } catch (err) {
 *   const failure = Failure.from(err);
 *   if (failure.retryable) { ... }
 * }
 * ```
 *
 * Nothing that a server or a proxy sends makes it throw: an unknown reason, unknown details and garbage are read as far
 * as they can be. `message` is a line for logs; the status's own text is `rawMessage`; `cause` is the error it was made
 * from.
 */
export class Failure extends Error {
  override readonly name = "Failure";

  /**
   * The gRPC code; UNKNOWN for what is no RPC error.
   *
   * A plain number, so that it compares with `Code` of this package, `status` of grpc-js and `Code` of connect alike.
   */
  readonly code: number;

  /** The status's message: a fixed English sentence where the service made it. */
  readonly rawMessage: string;

  /**
   * Whether the service made the status: it has an ErrorInfo of the domain `useradmin.v1`.
   *
   * Otherwise a proxy, the library, a cut connection or the caller's own deadline did, or it is no RPC error at all:
   * then only `code`, `rawMessage` and `details` say anything, and the outcome is UNKNOWN.
   */
  readonly fromService: boolean;

  /** Why the call failed; UNSPECIFIED where `fromService` is false or this version does not know `reasonName`. */
  readonly reason: ErrorReason;

  /** ErrorInfo.reason as it arrived, for example `ERROR_REASON_USER_NOT_FOUND`; empty where `fromService` is false. */
  readonly reasonName: string;

  /** The effect of this call on the user; never UNSPECIFIED. Of an earlier one it says nothing: see `repeated`. */
  readonly outcome: Outcome;

  /**
   * How long to wait before the same call is sent again, in milliseconds; from RetryInfo, undefined without one
   * or where it is no valid google.protobuf.Duration.
   *
   * It is never negative and may have a fraction. setTimeout fires at once for more than 2 ** 31 - 1: clamp it there.
   */
  readonly retryDelayMs: number | undefined;

  /** What is wrong with the request, field by field; from BadRequest, empty without one. */
  readonly violations: readonly FieldViolation[];

  /** The service's id of the call, as in its log; from RequestInfo, empty without one. */
  readonly requestId: string;

  /** ErrorInfo.metadata; the keys are described at ErrorReason. Empty where `fromService` is false. */
  readonly metadata: Readonly<Record<string, string | undefined>>;

  /** All details in their order, as they arrived; `detail` decodes one. */
  readonly details: readonly Detail[];

  /**
   * Reads an error: a ServiceError of @grpc/grpc-js, a ConnectError of @connectrpc/connect, or whatever was thrown.
   *
   * It never throws, and gives back a Failure as it is.
   */
  static from(err: unknown): Failure {
    if (err instanceof Failure) {
      return err;
    }
    let status: RpcStatus;
    try {
      status = statusOf(err);
    } catch {
      // An object whose getters throw, or that has no text.
      status = { code: Code.UNKNOWN, message: "an error that can't be read", details: [] };
    }
    return new Failure(status, err);
  }

  private constructor(status: RpcStatus, cause: unknown) {
    const info = all(status.details, ErrorInfoSchema).find((candidate) => candidate.domain === domain);
    super(describe(status, info), { cause });
    this.code = status.code;
    this.rawMessage = status.message;
    this.fromService = info !== undefined;
    this.reasonName = info?.reason ?? "";
    this.reason = valueNamed(ErrorReasonSchema, this.reasonName) ?? ErrorReason.UNSPECIFIED;
    this.outcome = outcomeOf(info);
    this.metadata = { ...info?.metadata };
    this.details = status.details;
    // What others say about retries or fields is about something else than this service.
    const ours = info === undefined ? [] : status.details;
    this.retryDelayMs = delayOf(all(ours, RetryInfoSchema)[0]);
    this.requestId = all(ours, RequestInfoSchema)[0]?.requestId ?? "";
    this.violations = all(ours, BadRequestSchema).flatMap((request) =>
      request.fieldViolations.map(({ field, reason, description }) => ({ field, reason, description })),
    );
  }

  /** The gRPC code's name, for example `FAILED_PRECONDITION`. */
  get codeName(): string {
    return nameOf(this.code);
  }

  /** The outcome's name, for example `OUTCOME_NOT_APPLIED`. */
  get outcomeName(): string {
    return OutcomeSchema.value[this.outcome].name;
  }

  /** Whether a library or a proxy had sent the same call before; that one may have had an effect. */
  get repeated(): boolean {
    return this.metadata["repeated"] === "true";
  }

  /**
   * Whether the same call may be sent again as it is, after `retryDelayMs` where there is one.
   *
   * The service made the status, and it is UNAVAILABLE or has RetryInfo.
   */
  get retryable(): boolean {
    return this.fromService && (this.code === Code.UNAVAILABLE || this.retryDelayMs !== undefined);
  }

  /**
   * Whether it is certain that nothing happened to the user, and that nothing will.
   *
   * The service said NOT_SENT or NOT_APPLIED, and no library or proxy had sent the same call before.
   */
  get certainlyNotApplied(): boolean {
    const promised = this.outcome === Outcome.NOT_SENT || this.outcome === Outcome.NOT_APPLIED;
    return this.fromService && promised && !this.repeated;
  }

  /**
   * Whether the user may have been confirmed.
   *
   * To find out, send the same call with `allowConfirmed`: OK means that the user is confirmed.
   */
  get outcomeUnknown(): boolean {
    return this.outcome === Outcome.UNKNOWN;
  }

  /**
   * The first detail of a type, for example `failure.detail(PreconditionFailureSchema)`, or undefined where there is
   * none that can be decoded. The schemas are in `@cognito-internal/useradmin/google-rpc`.
   */
  detail<Desc extends DescMessage>(schema: Desc): MessageShape<Desc> | undefined {
    return all(this.details, schema)[0];
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

function nameOf(code: number): string {
  return CodeSchema.value[code as Code].name;
}

function valueNamed(schema: typeof ErrorReasonSchema | typeof OutcomeSchema, name: string): number | undefined {
  return schema.values.find((value) => value.name === name)?.number;
}

// An outcome that is missing, or that this version does not know, is UNKNOWN: the one that promises nothing.
function outcomeOf(info: ErrorInfo | undefined): Outcome {
  return valueNamed(OutcomeSchema, info?.metadata["outcome"] ?? "") || Outcome.UNKNOWN;
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

// One printable line, whatever a proxy put into its message.
function describe(status: RpcStatus, info: ErrorInfo | undefined): string {
  const code = nameOf(status.code);
  const text =
    info === undefined
      ? `${code}: ${status.message} (not made by the service; outcome unknown)`
      : `${code} ${info.reason}: ${status.message} (${OutcomeSchema.value[outcomeOf(info)].name})`;
  return text.replace(/[\p{C}\p{Z}]+/gu, " ");
}
