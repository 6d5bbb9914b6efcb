import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  Code,
  ConfirmSignUpResponse_Result as Result,
  ErrorReason,
  Failure,
  Outcome,
  resultOf,
} from "@cognito-internal/useradmin";
import {
  ErrorInfoSchema,
  HelpSchema,
  PreconditionFailureSchema,
  RetryInfoSchema,
} from "@cognito-internal/useradmin/google-rpc";
import { type Caller, libraries, type Options } from "./callers.js";
import { type Answer, pack, startServer, type TestServer } from "./server.js";

function info(reason: string, metadata: Record<string, string>) {
  return pack(ErrorInfoSchema, { reason, domain: "useradmin.cognito.internal", metadata });
}

for (const [library, open] of Object.entries(libraries)) {
  describe(library, () => {
    let server: TestServer;
    let caller: Caller;
    before(async () => {
      server = await startServer();
      caller = open(server.address);
    });
    after(async () => {
      caller.close();
      await server.stop();
    });

    async function failureOf(answer: Answer, options?: Options): Promise<Failure> {
      server.on("user", answer);
      try {
        await caller.confirm("user", options);
      } catch (err) {
        const failure = Failure.from(err);
        assert.equal(failure.cause, err);
        return failure;
      }
      return assert.fail("the call succeeded");
    }

    function assertForeign(failure: Failure) {
      assert.equal(failure.fromService, false);
      assert.equal(failure.reason, ErrorReason.UNSPECIFIED);
      assert.equal(failure.reasonName, "");
      assert.equal(failure.outcome, Outcome.UNKNOWN);
      assert.equal(failure.outcomeUnknown, true);
      assert.equal(failure.notApplied, false);
      assert.equal(failure.retryable, false);
      assert.match(failure.toString(), / \(not made by useradmin, outcome UNKNOWN\)$/);
    }

    test("a success, and what was sent", async () => {
      server.on("ok", { result: Result.ALREADY_CONFIRMED });
      const response = await caller.confirm("ok", { requestId: "abc" });
      assert.equal(response.result, Result.ALREADY_CONFIRMED);
      assert.equal(resultOf(response), Result.ALREADY_CONFIRMED);
      const { request, headers } = server.seen.at(-1) ?? assert.fail("the server saw no call");
      assert.equal(headers[":path"], "/useradmin.v1.UserAdmin/ConfirmSignUp");
      assert.equal(headers["x-request-id"], "abc");
      assert.equal(request.userPoolId, "us-east-1_EXAMPLE01");
      assert.deepEqual({ ...request.clientMetadata }, { k: "v" });
      assert.equal(request.allowConfirmed, true);
    });

    test("a repeat is marked", async () => {
      await caller.confirm("ok");
      assert.equal(server.seen.at(-1)?.headers["x-useradmin-repeat"], undefined);
      await caller.confirm("ok", { repeat: true });
      assert.equal(server.seen.at(-1)?.headers["x-useradmin-repeat"], "1");
    });

    test("a success with an unknown result, or none", async () => {
      for (const result of [99, 0]) {
        server.on("ok", { result });
        const response = await caller.confirm("ok");
        assert.equal(response.result, result);
        assert.equal(resultOf(response), Result.CONFIRMED_UNATTRIBUTED);
      }
    });

    test("every code", async () => {
      for (let code: number = Code.CANCELLED; code <= Code.UNAUTHENTICATED; code++) {
        const failure = await failureOf({ code, details: [info("INTERNAL", {})] });
        assert.equal(failure.code, code);
        assert.equal(failure.codeName, Code[code]);
        assert.equal(failure.fromService, true);
        assert.equal(failure.retryable, code === Code.UNAVAILABLE);
      }
    });

    test("the details", async () => {
      const news = { typeUrl: "type.googleapis.com/tomorrow.v1.News", value: new Uint8Array([1, 2, 3]) };
      const failure = await failureOf({
        code: Code.FAILED_PRECONDITION,
        details: [
          info("USER_DISABLED", { outcome: "NOT_APPLIED" }),
          pack(PreconditionFailureSchema, { violations: [{ type: "USER_ENABLED", subject: "user" }] }),
          { ...pack(RetryInfoSchema, {}), value: new Uint8Array([0x0a, 0x7f]) },
          { ...news, $typeName: "google.protobuf.Any" },
        ],
      });
      assert.equal(failure.detail(PreconditionFailureSchema)?.violations[0]?.type, "USER_ENABLED");
      assert.equal(failure.detail(RetryInfoSchema), undefined);
      assert.equal(failure.detail(HelpSchema), undefined);
      assert.deepEqual(
        failure.details.map((detail) => detail.type),
        ["google.rpc.ErrorInfo", "google.rpc.PreconditionFailure", "google.rpc.RetryInfo", "tomorrow.v1.News"],
      );
      assert.deepEqual([...(failure.details[3]?.value ?? [])], [1, 2, 3]);
    });

    test("garbage in grpc-status-details-bin", async () => {
      for (const rawDetails of ["/////w", "!!!", "CgUKAwo", "", "CAUSAmhp, CAUSAmhp", "AAAA"]) {
        assertForeign(await failureOf({ code: Code.NOT_FOUND, rawDetails }));
      }
    });

    test("a response of a proxy, a cut connection", async () => {
      assertForeign(await failureOf("502"));
      assertForeign(await failureOf("cut"));
    });

    test("nobody listens", async (t) => {
      const gone = await startServer();
      await gone.stop();
      const alone = open(gone.address);
      t.after(() => alone.close());
      const failure = await alone.confirm("user").then(() => assert.fail("the call succeeded"), Failure.from);
      assertForeign(failure);
      assert.equal(failure.code, Code.UNAVAILABLE);
    });

    test("the caller's own deadline", async () => {
      const failure = await failureOf("silence", { timeoutMs: 100 });
      assertForeign(failure);
      assert.equal(failure.code, Code.DEADLINE_EXCEEDED);
      assert.ok(server.seen.at(-1)?.headers["grpc-timeout"]);
    });

    test("the caller cancels, during and before the call", async () => {
      const abort = new AbortController();
      const arrived = server.next();
      const pending = failureOf("silence", { signal: abort.signal });
      const call = await arrived;
      abort.abort();
      const failure = await pending;
      assertForeign(failure);
      assert.equal(failure.code, Code.CANCELLED);
      await call.cancelled;

      assertForeign(await failureOf({ result: 1 }, { signal: AbortSignal.abort() }));
    });
  });
}
