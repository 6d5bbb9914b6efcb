import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import { Metadata, status } from "@grpc/grpc-js";
import { Code, ErrorReason, Failure, Outcome } from "@cognito-internal/useradmin";
import { ErrorInfoSchema, RetryInfoSchema, StatusSchema } from "@cognito-internal/useradmin/google-rpc";
import { pack } from "./server.js";

const ours = { reason: "ERROR_REASON_USER_DISABLED", domain: "useradmin.v1" };

// What grpc-js throws.
function serviceError(code: number, details: string, ...values: Uint8Array[]): Error {
  const metadata = new Metadata();
  values.forEach((value) => metadata.add("grpc-status-details-bin", Buffer.from(value)));
  return Object.assign(new Error(`${code} ${details}`), { code, details, metadata });
}

test("what is no RPC error", () => {
  const unreadable = {
    get code(): number {
      throw new Error("no");
    },
  };
  const thrown = [
    new Error("boom"),
    Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
    new DOMException("aborted", "AbortError"),
    "a text",
    undefined,
    null,
    42n,
    Symbol("s"),
    Object.create(null),
    unreadable,
    { code: 5, details: "no metadata" },
    { code: 5, rawMessage: "hm", details: [null, 7] },
  ];
  for (const err of thrown) {
    const failure = Failure.from(err);
    assert.equal(failure.code, Code.UNKNOWN);
    assert.equal(failure.fromService, false);
    assert.equal(failure.outcome, Outcome.UNKNOWN);
    assert.equal(failure.cause, err);
    assert.match(failure.message, /^UNKNOWN: .*\(not made by the service; outcome unknown\)$/);
  }
  assert.equal(Failure.from(new Error("boom")).rawMessage, "boom");
});

test("the message is one line", () => {
  const failure = Failure.from(serviceError(14, "Bad\r\n\u0000\u202e gateway\n"));
  assert.equal(failure.rawMessage, "Bad\r\n\u0000\u202e gateway\n");
  assert.equal(failure.message, "UNAVAILABLE: Bad gateway (not made by the service; outcome unknown)");
});

test("a Failure stays what it is", () => {
  const failure = Failure.from("x");
  assert.equal(Failure.from(failure), failure);
  assert.ok(failure instanceof Error);
  assert.equal(failure.name, "Failure");
});

test("codes that gRPC does not have", () => {
  for (const code of [0, 17, 200, -1, 1.5, NaN]) {
    assert.equal(Failure.from(serviceError(code, "odd")).code, Code.UNKNOWN);
    assert.equal(Failure.from(new ConnectError("odd", code)).code, Code.UNKNOWN);
  }
});

test("a ConnectError that a test made up", () => {
  const err = new ConnectError("The user is disabled.", ConnectCode.FailedPrecondition, undefined, [
    { desc: ErrorInfoSchema, value: { ...ours, metadata: { outcome: "OUTCOME_NOT_APPLIED" } } },
  ]);
  const failure = Failure.from(err);
  assert.equal(failure.reason, ErrorReason.USER_DISABLED);
  assert.equal(failure.outcome, Outcome.NOT_APPLIED);
  // That all three compile is part of the test.
  const { code } = failure;
  const same = [code === Code.NOT_FOUND, code === ConnectCode.NotFound, code === status.NOT_FOUND];
  assert.deepEqual(same, [false, false, false]);
});

test("delays: the same table as in Go, Python and Java", () => {
  const delays: [bigint, number, number | undefined][] = [
    [400_000_000_000n, 0, undefined],
    [2n ** 62n, 0, undefined],
    [1n, -5, undefined],
    [-1n, 5, undefined],
    [0n, 2_000_000_000, undefined],
    [-1n, 0, 0],
    [-1n, -5, 0],
    [-315_576_000_000n, 0, 0],
    [0n, 0, 0],
    [1n, 500_000_000, 1_500],
    [315_576_000_000n, 0, 315_576_000_000_000],
  ];
  const delayed = (init: MessageInitShape<typeof RetryInfoSchema>): Failure => {
    const details = [pack(ErrorInfoSchema, ours), pack(RetryInfoSchema, init)];
    return Failure.from(serviceError(8, "later", toBinary(StatusSchema, create(StatusSchema, { code: 8, details }))));
  };
  for (const [seconds, nanos, wanted] of delays) {
    const failure = delayed({ retryDelay: { seconds, nanos } });
    assert.equal(failure.retryDelayMs, wanted, `${seconds} s ${nanos} ns`);
    assert.equal(failure.retryable, wanted !== undefined);
  }
  assert.equal(delayed({ retryDelay: { nanos: 187_654_321 } }).retryDelayMs, 187.654321);
  assert.equal(delayed({}).retryDelayMs, 0);
});

test("details of another code are not believed", () => {
  const info = pack(ErrorInfoSchema, { ...ours, metadata: { outcome: "OUTCOME_NOT_APPLIED" } });
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 9, details: [info] }));
  const details = [{ desc: ErrorInfoSchema, value: { ...ours, metadata: { outcome: "OUTCOME_NOT_APPLIED" } } }];
  const trailers = (status: string) => ({ "grpc-status": status, "grpc-message": "100 %25" });
  for (const failure of [
    Failure.from(serviceError(14, "100 %", bytes)),
    Failure.from(new ConnectError("theirs", 9, trailers("14"), details)),
  ]) {
    assert.equal(failure.code, Code.UNAVAILABLE);
    assert.equal(failure.rawMessage, "100 %");
    assert.equal(failure.fromService, false);
    assert.deepEqual(failure.details, []);
  }
  for (const status of ["0", "99", "x", ""]) {
    const failure = Failure.from(new ConnectError("theirs", 9, trailers(status), details));
    assert.equal(failure.code, Code.UNKNOWN);
    assert.equal(failure.fromService, false);
  }
  assert.equal(Failure.from(new ConnectError("ours", 9, trailers("9"), details)).fromService, true);
  const malformed = new ConnectError("theirs", 9, { "grpc-status": "14", "grpc-message": "100 %" }, details);
  assert.equal(Failure.from(malformed).rawMessage, "100 %");
});

test("details that come twice, once as garbage", () => {
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 9, details: [pack(ErrorInfoSchema, ours)] }));
  const failure = Failure.from(serviceError(9, "odd", new Uint8Array([0xff]), bytes));
  assert.equal(failure.reason, ErrorReason.USER_DISABLED);
});

test("any damage to the details is survived", () => {
  const details = [
    pack(ErrorInfoSchema, { ...ours, metadata: { outcome: "OUTCOME_NOT_SENT", __proto__x: "y" } }),
    pack(RetryInfoSchema, { retryDelay: { seconds: 1n } }),
  ];
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 14, message: "later", details }));
  for (let i = 0; i < bytes.length; i++) {
    for (const value of [0, 1, 0x0a, 0x7f, 0x80, 0xff, (bytes[i] ?? 0) ^ 1]) {
      const damaged = bytes.with(i, value);
      for (const candidate of [damaged, damaged.subarray(0, i)]) {
        const failure = Failure.from(serviceError(14, "later", candidate));
        assert.equal(failure.code, Code.UNAVAILABLE);
        assert.ok(failure.fromService || failure.outcome === Outcome.UNKNOWN);
      }
    }
  }
});
