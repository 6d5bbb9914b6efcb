import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import { Metadata, status } from "@grpc/grpc-js";
import { Code, ErrorReason, ErrorReasonSchema, Failure, Outcome } from "@cognito-internal/useradmin";
import { ErrorInfoSchema, RetryInfoSchema, StatusSchema } from "@cognito-internal/useradmin/google-rpc";
import { pack } from "./server.js";

const ours = { reason: "USER_DISABLED", domain: "useradmin.cognito.internal" };

// What grpc-js throws.
function serviceError(code: number, details: string, ...values: Uint8Array[]): Error {
  const metadata = new Metadata();
  values.forEach((value) => metadata.add("grpc-status-details-bin", Buffer.from(value)));
  return Object.assign(new Error(`${code} ${details}`), { code, details, metadata });
}

test("errors that are not RPC errors", () => {
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
    assert.match(failure.toString(), /^UNKNOWN: .*\(not made by useradmin, outcome UNKNOWN\)$/);
  }
  assert.equal(Failure.from(new Error("boom")).message, "boom");
});

test("a Failure is an Error, and stays the same", () => {
  const failure = Failure.from("x");
  assert.equal(Failure.from(failure), failure);
  assert.ok(failure instanceof Error);
  assert.equal(`${failure}`, "UNKNOWN: x (not made by useradmin, outcome UNKNOWN)");
  assert.equal(failure.name, "Failure");
});

test("codes that gRPC does not have", () => {
  for (const code of [0, 17, 200, -1, 1.5, NaN]) {
    assert.equal(Failure.from(serviceError(code, "odd")).code, Code.UNKNOWN);
    assert.equal(Failure.from(new ConnectError("odd", code)).code, Code.UNKNOWN);
  }
});

test("every reason", () => {
  for (const { name, number } of ErrorReasonSchema.values.filter((value) => value.number !== 0)) {
    const details = [pack(ErrorInfoSchema, { ...ours, reason: name.replace("ERROR_REASON_", "") })];
    const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 9, details }));
    const failure = Failure.from(serviceError(9, "no", bytes));
    assert.equal(failure.reason, number);
    assert.equal(ErrorReason[failure.reason], failure.reasonName);
  }
});

test("a ConnectError that a test created", () => {
  const err = new ConnectError("The user is disabled.", ConnectCode.FailedPrecondition, undefined, [
    { desc: ErrorInfoSchema, value: { ...ours, metadata: { outcome: "NOT_APPLIED" } } },
  ]);
  const failure = Failure.from(err);
  assert.equal(failure.reason, ErrorReason.USER_DISABLED);
  assert.equal(failure.outcome, Outcome.NOT_APPLIED);
  // That all three compile is part of the test.
  const { code } = failure;
  const same = [code === Code.NOT_FOUND, code === ConnectCode.NotFound, code === status.NOT_FOUND];
  assert.deepEqual(same, [false, false, false]);
});

test("a delay has a fraction", () => {
  const details = [pack(ErrorInfoSchema, ours), pack(RetryInfoSchema, { retryDelay: { nanos: 187_654_321 } })];
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 8, details }));
  assert.equal(Failure.from(serviceError(8, "later", bytes)).retryDelayMs, 187.654321);
});

test("details of another code are ignored", () => {
  const info = pack(ErrorInfoSchema, { ...ours, metadata: { outcome: "NOT_APPLIED" } });
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 9, details: [info] }));
  const details = [{ desc: ErrorInfoSchema, value: { ...ours, metadata: { outcome: "NOT_APPLIED" } } }];
  const trailers = (status: string) => ({ "grpc-status": status, "grpc-message": "100 %25" });
  for (const failure of [
    Failure.from(serviceError(14, "100 %", bytes)),
    Failure.from(new ConnectError("theirs", 9, trailers("14"), details)),
  ]) {
    assert.equal(failure.code, Code.UNAVAILABLE);
    assert.equal(failure.message, "100 %");
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
  assert.equal(Failure.from(malformed).message, "100 %");
});

test("details that come twice, once as garbage", () => {
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 9, details: [pack(ErrorInfoSchema, ours)] }));
  const failure = Failure.from(serviceError(9, "odd", new Uint8Array([0xff]), bytes));
  assert.equal(failure.reason, ErrorReason.USER_DISABLED);
});

test("no damage to the details makes it throw", () => {
  const details = [
    pack(ErrorInfoSchema, { ...ours, metadata: { outcome: "NOT_SENT", __proto__x: "y" } }),
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
