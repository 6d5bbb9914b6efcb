import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  Code,
  ConfirmSignUpResponse_Result as Result,
  ErrorReason,
  ErrorReasonSchema,
  Failure,
  Outcome,
  resultOf,
} from "@cognito-internal/useradmin";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  HelpSchema,
  PreconditionFailureSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "@cognito-internal/useradmin/google-rpc";
import { type Caller, libraries, type Options } from "./callers.js";
import { type Answer, pack, startServer, type TestServer } from "./server.js";

function info(reason: string, metadata: Record<string, string>, domain = "useradmin.v1") {
  return pack(ErrorInfoSchema, { reason, domain, metadata });
}

const requestInfo = pack(RequestInfoSchema, { requestId: "req-1" });
const retryInfo = pack(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 250_500_000 } });

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
      assert.equal(failure.certainlyNotApplied, false);
      assert.equal(failure.retryable, false);
      assert.deepEqual(failure.metadata, {});
      assert.deepEqual(failure.violations, []);
      assert.equal(failure.retryDelayMs, undefined);
      assert.equal(failure.requestId, "");
      assert.match(failure.message, /not made by the service; outcome unknown/);
    }

    test("a success, with all that was sent", async () => {
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

    test("a success with a result of a newer server, or none", async () => {
      for (const result of [99, 0]) {
        server.on("ok", { result });
        const response = await caller.confirm("ok");
        assert.equal(response.result, result);
        assert.equal(resultOf(response), Result.CONFIRMED_UNATTRIBUTED);
      }
    });

    const reasons = ErrorReasonSchema.values.filter((value) => value.number !== 0);
    for (const { name, number } of reasons) {
      test(`the reason ${name}`, async () => {
        const failure = await failureOf({
          code: Code.FAILED_PRECONDITION,
          message: "It failed; für 100 %.",
          details: [info(name, { outcome: "OUTCOME_NOT_APPLIED", attempts: "1" }), requestInfo],
        });
        assert.equal(failure.code, Code.FAILED_PRECONDITION);
        assert.equal(failure.codeName, "FAILED_PRECONDITION");
        assert.equal(failure.rawMessage, "It failed; für 100 %.");
        assert.equal(
          failure.message,
          `FAILED_PRECONDITION ${name}: It failed; für 100 %. (OUTCOME_NOT_APPLIED)`,
        );
        assert.equal(failure.fromService, true);
        assert.equal(failure.reason, number);
        assert.equal(failure.reasonName, name);
        assert.equal(failure.outcome, Outcome.NOT_APPLIED);
        assert.equal(failure.outcomeName, "OUTCOME_NOT_APPLIED");
        assert.equal(failure.repeated, false);
        assert.equal(failure.certainlyNotApplied, true);
        assert.equal(failure.retryable, false);
        assert.equal(failure.retryDelayMs, undefined);
        assert.equal(failure.requestId, "req-1");
        assert.deepEqual(failure.metadata, { outcome: "OUTCOME_NOT_APPLIED", attempts: "1" });
        assert.deepEqual(
          failure.details.map((detail) => detail.type),
          ["google.rpc.ErrorInfo", "google.rpc.RequestInfo"],
        );
      });
    }

    test("every code", async () => {
      for (let code: number = Code.CANCELLED; code <= Code.UNAUTHENTICATED; code++) {
        const failure = await failureOf({ code, details: [info("ERROR_REASON_INTERNAL", {})] });
        assert.equal(failure.code, code);
        assert.equal(failure.codeName, Code[code]);
        assert.equal(failure.retryable, code === Code.UNAVAILABLE);
      }
    });

    test("RetryInfo", async () => {
      const details = [
        info("ERROR_REASON_TOO_MANY_REQUESTS", { outcome: "OUTCOME_NOT_APPLIED" }),
        requestInfo,
        retryInfo,
      ];
      const failure = await failureOf({ code: Code.RESOURCE_EXHAUSTED, details });
      assert.equal(failure.retryDelayMs, 1250.5);
      assert.equal(failure.retryable, true);
    });

    test("BadRequest, and another detail by its schema", async () => {
      const violations = [
        { field: "username", reason: "REQUIRED", description: "The username is missing." },
        { field: 'client_metadata["ключ"]', reason: "TOO_LONG", description: "The value is too long." },
      ];
      const failure = await failureOf({
        code: Code.INVALID_ARGUMENT,
        details: [
          info("ERROR_REASON_INVALID_REQUEST", { outcome: "OUTCOME_NOT_SENT" }),
          pack(BadRequestSchema, { fieldViolations: violations }),
          pack(PreconditionFailureSchema, { violations: [{ type: "USER_STATUS", subject: "user" }] }),
        ],
      });
      assert.equal(failure.outcome, Outcome.NOT_SENT);
      assert.equal(failure.certainlyNotApplied, true);
      assert.deepEqual(failure.violations, violations);
      assert.equal(failure.detail(PreconditionFailureSchema)?.violations[0]?.type, "USER_STATUS");
      assert.equal(failure.detail(HelpSchema), undefined);
    });

    test("a repeat promises nothing", async () => {
      const metadata = { outcome: "OUTCOME_NOT_APPLIED", repeated: "true" };
      const failure = await failureOf({
        code: Code.NOT_FOUND,
        details: [info("ERROR_REASON_USER_NOT_FOUND", metadata)],
      });
      assert.equal(failure.outcome, Outcome.NOT_APPLIED);
      assert.equal(failure.repeated, true);
      assert.equal(failure.certainlyNotApplied, false);
      assert.equal(failure.outcomeUnknown, false);
    });

    test("a reason of a newer server", async () => {
      const failure = await failureOf({
        code: Code.ABORTED,
        details: [info("ERROR_REASON_OF_TOMORROW", { outcome: "OUTCOME_NOT_SENT" })],
      });
      assert.equal(failure.fromService, true);
      assert.equal(failure.reason, ErrorReason.UNSPECIFIED);
      assert.equal(failure.reasonName, "ERROR_REASON_OF_TOMORROW");
      assert.equal(failure.outcome, Outcome.NOT_SENT);
      assert.equal(failure.certainlyNotApplied, true);
    });

    test("outcomes that are missing, unspecified or of a newer server", async () => {
      const cases: Record<string, string>[] = [
        {},
        { outcome: "" },
        { outcome: "OUTCOME_UNSPECIFIED" },
        { outcome: "OUTCOME_OF_TOMORROW" },
        { outcome: "OUTCOME_UNKNOWN" },
      ];
      for (const metadata of cases) {
        const failure = await failureOf({ code: Code.INTERNAL, details: [info("ERROR_REASON_INTERNAL", metadata)] });
        assert.equal(failure.outcome, Outcome.UNKNOWN);
        assert.equal(failure.outcomeUnknown, true);
        assert.equal(failure.certainlyNotApplied, false);
        assert.equal(failure.fromService, true);
      }
    });

    test("unknown and undecodable details", async () => {
      const unknown = { typeUrl: "type.googleapis.com/tomorrow.v1.News", value: new Uint8Array([1, 2, 3]) };
      const failure = await failureOf({
        code: Code.UNAVAILABLE,
        details: [
          { ...unknown, $typeName: "google.protobuf.Any" },
          { ...requestInfo, value: new Uint8Array([0xff]) },
          info("ERROR_REASON_COGNITO_UNREACHABLE", { outcome: "OUTCOME_NOT_SENT" }),
          { ...retryInfo, value: new Uint8Array([0x0a, 0x7f]) },
        ],
      });
      assert.equal(failure.reason, ErrorReason.COGNITO_UNREACHABLE);
      assert.equal(failure.requestId, "");
      assert.equal(failure.retryDelayMs, undefined);
      assert.equal(failure.retryable, true);
      assert.equal(failure.details[0]?.type, "tomorrow.v1.News");
      assert.deepEqual([...(failure.details[0]?.value ?? [])], [1, 2, 3]);
    });

    test("of several ErrorInfos ours counts", async () => {
      const failure = await failureOf({
        code: Code.NOT_FOUND,
        details: [
          info("API_DISABLED", { outcome: "OUTCOME_NOT_SENT" }, "googleapis.com"),
          info("ERROR_REASON_USER_NOT_FOUND", { outcome: "OUTCOME_NOT_APPLIED" }),
        ],
      });
      assert.equal(failure.reason, ErrorReason.USER_NOT_FOUND);
      assert.equal(failure.outcome, Outcome.NOT_APPLIED);
    });

    test("a status without details", async () => {
      const failure = await failureOf({ code: Code.UNAVAILABLE, message: "upstream connect error" });
      assertForeign(failure);
      assert.equal(failure.code, Code.UNAVAILABLE);
      assert.equal(failure.rawMessage, "upstream connect error");
    });

    test("a status of another service", async () => {
      const details = [info("ERROR_REASON_USER_NOT_FOUND", { outcome: "OUTCOME_NOT_SENT" }, "other.v1"), retryInfo];
      const failure = await failureOf({ code: Code.UNAVAILABLE, details });
      assertForeign(failure);
      assert.ok(failure.detail(RetryInfoSchema));
    });

    test("details of another code are not believed", async () => {
      const details = [info("ERROR_REASON_COGNITO_RESPONSE_LOST", { outcome: "OUTCOME_NOT_APPLIED" }), retryInfo];
      const failure = await failureOf({
        code: Code.ABORTED,
        message: "lost",
        details,
        trailers: { "grpc-status": "14", "grpc-message": "upstream f%C3%BCr 100 %25" },
      });
      assertForeign(failure);
      assert.equal(failure.code, Code.UNAVAILABLE);
      assert.equal(failure.rawMessage, "upstream für 100 %");
      assert.deepEqual(failure.details, []);
    });

    test("garbage in grpc-status-details-bin", async () => {
      for (const rawDetails of ["/////w", "!!!", "CgUKAwo", "", "CAUSAmhp, CAUSAmhp", "AAAA"]) {
        assertForeign(await failureOf({ code: Code.NOT_FOUND, rawDetails }));
      }
    });

    test("an answer of a proxy, a cut connection", async () => {
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

    test("the caller cancels, before and during the call", async () => {
      assertForeign(await failureOf({ result: 1 }, { signal: AbortSignal.abort() }));

      const abort = new AbortController();
      const calls = server.seen.length;
      const pending = failureOf("silence", { signal: abort.signal });
      while (server.seen.length === calls) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      abort.abort();
      const failure = await pending;
      assertForeign(failure);
      assert.equal(failure.code, Code.CANCELLED);
      while (!server.seen.at(-1)?.cancelled) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
  });
}
