// Runs the snippets of the README and the callers of the interop matrix as programs.
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

const execute = promisify(execFile);

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

const throttled = {
  code: Code.RESOURCE_EXHAUSTED,
  message: "Cognito throttles.",
  details: [
    pack(ErrorInfoSchema, {
      reason: "TOO_MANY_REQUESTS",
      domain: "useradmin.cognito.internal",
      metadata: { outcome: "NOT_APPLIED" },
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
      reason: "INVALID_REQUEST",
      domain: "useradmin.cognito.internal",
      metadata: { outcome: "NOT_SENT", violation: "REQUIRED" },
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
      reason: "USER_NOT_FOUND",
      domain: "useradmin.cognito.internal",
      metadata: { outcome: "NOT_APPLIED" },
    }),
  ],
};
const applied = {
  code: Code.FAILED_PRECONDITION,
  message: "The trigger failed.",
  details: [
    pack(ErrorInfoSchema, {
      reason: "LAMBDA_REJECTED",
      domain: "useradmin.cognito.internal",
      metadata: { outcome: "APPLIED", trigger: "PostConfirmation" },
    }),
  ],
};

describe("snippets", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  async function run(name: string): Promise<{ stdout: string; stderr: string; marks: unknown[] }> {
    const before = server.seen.length;
    const env = { ...process.env, USERADMIN_ADDRESS: server.address };
    const ended = await execute(process.execPath, [path(`../snippets/${name}.js`)], { env, timeout: 20_000 });
    return { ...ended, marks: server.seen.slice(before).map((one) => one.headers["x-useradmin-repeat"]) };
  }

  for (const name of ["grpc-js", "connect"]) {
    test(`${name}: a repeat is marked`, async () => {
      server.on("new-1", throttled, { result: 1 });
      const { stdout, stderr, marks } = await run(name);
      assert.equal(stdout, "confirmed: CONFIRMED\n");
      assert.match(stderr, /^try 1: RESOURCE_EXHAUSTED TOO_MANY_REQUESTS: .*\n$/);
      assert.deepEqual(marks, [undefined, "1"]);
    });

    test(`${name}: three retries`, async () => {
      server.on("new-1", throttled);
      const { stdout, marks } = await run(name);
      assert.equal(stdout, "not confirmed\n");
      assert.deepEqual(marks, [undefined, "1", "1", "1"]);
    });

    test(`${name}: one question after UNKNOWN`, async () => {
      server.on("new-1", { code: Code.INTERNAL });
      const { stdout, marks } = await run(name);
      assert.equal(stdout, "perhaps confirmed\n");
      assert.deepEqual(marks, [undefined, "1"]);
    });

    test(`${name}: no repeat after APPLIED, or after a refusal`, async () => {
      server.on("new-1", applied);
      const { stdout, marks } = await run(name);
      assert.equal(stdout, "confirmed, but the trigger failed: do its work yourself\n");
      assert.deepEqual(marks, [undefined]);

      server.on("new-1", absent);
      const refused = await run(name);
      assert.equal(refused.stdout, "not confirmed\n");
      assert.deepEqual(refused.marks, [undefined]);
    });
  }

  test("the README shows them as they are", async () => {
    const readme = await readFile(path("../../README.md"), "utf8");
    for (const name of ["confirm", "grpc-js", "connect"]) {
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
      const child = execute(process.execPath, [path(`../interop/${name}.mjs`)], { timeout: 20_000 });
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
        request("ok", { request_id: "abc", headers: { "x-useradmin-repeat": "1" } }),
        request("throttled", {}),
        request("invalid", { client_metadata: null, calls: 0 }),
        request("mixed", { calls: 4 }),
        request("late", { deadline_ms: 100 }),
        request("left", { cancel_ms: 100 }),
      );
      assert.deepEqual(more, []);
      assert.equal(server.seen[0]?.headers["x-request-id"], "abc");
      assert.equal(server.seen[0]?.headers["x-useradmin-repeat"], "1");
      assert.equal(server.seen[1]?.headers["x-useradmin-repeat"], undefined);
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
        reason: "TOO_MANY_REQUESTS",
        outcome: "NOT_APPLIED",
        metadata: { outcome: "NOT_APPLIED" },
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
