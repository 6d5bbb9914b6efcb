// Runs the README's snippets, and the callers of the interop matrix, as the programs that they are.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Code } from "@cognito-internal/useradmin";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "@cognito-internal/useradmin/google-rpc";
import { pack, startServer, type TestServer } from "./server.js";

const run = promisify(execFile);

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

const throttled = {
  code: Code.RESOURCE_EXHAUSTED,
  message: "Cognito throttles.",
  details: [
    pack(ErrorInfoSchema, {
      reason: "ERROR_REASON_TOO_MANY_REQUESTS",
      domain: "useradmin.v1",
      metadata: { outcome: "OUTCOME_NOT_APPLIED" },
    }),
    pack(RequestInfoSchema, { requestId: "req-1" }),
    pack(RetryInfoSchema, { retryDelay: { nanos: 10_700_000 } }),
  ],
  trailers: { "x-request-id": "req-1", "grpc-retry-pushback-ms": "10" },
};
const invalid = {
  code: Code.INVALID_ARGUMENT,
  message: "The request is invalid.",
  details: [
    pack(ErrorInfoSchema, {
      reason: "ERROR_REASON_INVALID_REQUEST",
      domain: "useradmin.v1",
      metadata: { outcome: "OUTCOME_NOT_SENT", violation: "REQUIRED" },
    }),
    pack(BadRequestSchema, {
      fieldViolations: [{ field: "username", reason: "REQUIRED", description: "It is missing." }],
    }),
  ],
};
const absent = {
  code: Code.NOT_FOUND,
  message: "The user pool has no such user.",
  details: [
    pack(ErrorInfoSchema, {
      reason: "ERROR_REASON_USER_NOT_FOUND",
      domain: "useradmin.v1",
      metadata: { outcome: "OUTCOME_NOT_APPLIED" },
    }),
  ],
};
const rejected = {
  code: Code.FAILED_PRECONDITION,
  message: "A trigger failed.",
  details: [
    pack(ErrorInfoSchema, {
      reason: "ERROR_REASON_LAMBDA_REJECTED",
      domain: "useradmin.v1",
      metadata: { outcome: "OUTCOME_UNKNOWN", trigger: "PostConfirmation", lambdaError: "no seats left" },
    }),
  ],
};

describe("snippets", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  async function output(name: string): Promise<string> {
    const env = { ...process.env, USERADMIN_ADDRESS: server.address };
    const { stdout } = await run(process.execPath, [path(`../snippets/${name}.js`)], { env, timeout: 20_000 });
    return stdout;
  }

  test("grpc-js", async () => {
    server.on("new-1", throttled, { result: 1 });
    assert.equal(await output("grpc-js"), "confirmed: CONFIRMED\n");
    server.on("new-1", absent);
    assert.equal(await output("grpc-js"), "no such user\n");
    server.on("new-1", invalid);
    assert.match(await output("grpc-js"), /^not confirmed: INVALID_ARGUMENT ERROR_REASON_INVALID_REQUEST: /);
    server.on("new-1", { code: Code.UNAVAILABLE });
    assert.match(await output("grpc-js"), /^perhaps confirmed: UNAVAILABLE: /);
    // The repeat would say that the user is confirmed, and the failed trigger would go unnoticed.
    server.on("new-1", rejected, { result: 2 });
    const calls = server.seen.length;
    const told = await output("grpc-js");
    assert.match(told, /^perhaps confirmed: FAILED_PRECONDITION ERROR_REASON_LAMBDA_REJECTED: /);
    assert.equal(server.seen.length, calls + 1);
  });

  test("connect", async () => {
    server.on("new-1", { result: 2 });
    assert.equal(await output("connect"), "confirmed: ALREADY_CONFIRMED\n");
    server.on("new-1", absent);
    assert.match(await output("connect"), /^not confirmed: NOT_FOUND ERROR_REASON_USER_NOT_FOUND: /);
    server.on("new-1", { code: Code.UNAVAILABLE });
    assert.match(await output("connect"), /^perhaps confirmed: UNAVAILABLE: /);
  });

  test("the README shows them as they are", async () => {
    const readme = await readFile(path("../../README.md"), "utf8");
    for (const name of ["grpc-js", "connect"]) {
      const snippet = await readFile(path(`../../snippets/${name}.ts`), "utf8");
      assert.ok(readme.includes(`\`\`\`ts\n${snippet}\`\`\``), `README.md does not have snippets/${name}.ts`);
    }
  });
});

for (const name of ["grpcjs", "connect"]) {
  describe(`interop/${name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await startServer();
    });
    after(() => server.stop());

    async function answers(...requests: object[]): Promise<Record<string, unknown>[]> {
      const child = run(process.execPath, [path(`../interop/${name}.mjs`)], { timeout: 20_000 });
      child.child.stdin?.end(requests.map((request) => `${JSON.stringify(request)}\n`).join(""));
      const { stdout } = await child;
      return stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
    }

    function request(id: string, fields: object): object {
      return {
        id,
        address: server.address,
        user_pool_id: "us-east-1_EXAMPLE01",
        username: id,
        client_metadata: { k: "v" },
        allow_confirmed: true,
        deadline_ms: 0,
        cancel_ms: 0,
        request_id: "",
        service_config: "",
        calls: 1,
        ...fields,
      };
    }

    test("one answer for each request", async () => {
      server.on("ok", { result: 1, trailers: { "x-request-id": "r" } });
      server.on("throttled", throttled);
      server.on("invalid", invalid);
      server.on("mixed", { result: 1 }, absent, { result: 1 });
      server.on("late", "silence");
      server.on("left", "silence");
      const [ok, failed, violated, mixed, late, left, ...more] = await answers(
        request("ok", { request_id: "abc" }),
        request("throttled", {}),
        request("invalid", { client_metadata: null, calls: 0 }),
        request("mixed", { calls: 4 }),
        request("late", { deadline_ms: 100 }),
        request("left", { cancel_ms: 100 }),
      );
      assert.deepEqual(more, []);
      assert.equal(server.seen[0]?.headers["x-request-id"], "abc");
      assert.deepEqual(
        [ok?.["id"], ok?.["code"], ok?.["result"], ok?.["trailers"]],
        ["ok", "OK", "RESULT_CONFIRMED", { "x-request-id": "r" }],
      );
      assert.deepEqual(failed, {
        id: "throttled",
        code: "RESOURCE_EXHAUSTED",
        message: "Cognito throttles.",
        result: "",
        from_service: true,
        reason: "ERROR_REASON_TOO_MANY_REQUESTS",
        outcome: "OUTCOME_NOT_APPLIED",
        metadata: { outcome: "OUTCOME_NOT_APPLIED" },
        violations: [],
        retry_delay_ms: 10,
        request_id: "req-1",
        trailers: { "x-request-id": "req-1", "grpc-retry-pushback-ms": "10" },
        details: ["google.rpc.ErrorInfo", "google.rpc.RequestInfo", "google.rpc.RetryInfo"],
        codes: { RESOURCE_EXHAUSTED: 1 },
      });
      assert.deepEqual(violated?.["violations"], [
        { field: "username", reason: "REQUIRED", description: "It is missing." },
      ]);
      assert.deepEqual([mixed?.["codes"], mixed?.["code"]], [{ OK: 3, NOT_FOUND: 1 }, "NOT_FOUND"]);
      assert.deepEqual([late?.["code"], late?.["from_service"]], ["DEADLINE_EXCEEDED", false]);
      assert.deepEqual([left?.["code"], left?.["from_service"]], ["CANCELLED", false]);
    });

    test("a service config with a retry policy", async () => {
      const service_config = JSON.stringify({
        methodConfig: [
          {
            name: [{ service: "useradmin.v1.UserAdmin" }],
            retryPolicy: {
              maxAttempts: 3,
              initialBackoff: "0.01s",
              maxBackoff: "0.01s",
              backoffMultiplier: 1,
              retryableStatusCodes: ["UNAVAILABLE"],
            },
          },
        ],
      });
      server.on("busy", { code: Code.UNAVAILABLE }, { code: Code.UNAVAILABLE }, { result: 1 });
      const [answer] = await answers(request("busy", { service_config }));
      if (name === "connect") {
        assert.deepEqual([answer?.["code"], answer?.["service_config_ignored"]], ["UNAVAILABLE", true]);
      } else {
        assert.deepEqual([answer?.["code"], answer?.["service_config_ignored"]], ["OK", undefined]);
      }
    });
  });
}
