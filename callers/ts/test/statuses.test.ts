// Sends every status of callers/testdata/statuses.json to both libraries; the companions in other languages read the
// same file.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ErrorReason, Failure } from "@cognito-internal/useradmin";
import { type Caller, libraries } from "./callers.js";
import { startServer, type TestServer } from "./server.js";

interface Encoded {
  name: string;
  code: number;
  message: string;
  // The content of grpc-status-details-bin, in base64.
  status?: string;
  want: object;
}

const file = fileURLToPath(new URL("../../statuses.json", import.meta.url));
const statuses = JSON.parse(await readFile(file, "utf8")) as Encoded[];

// Of these, connect loses code and message.
const undecodable = ["broken: bytes that are not a status", "broken: a truncated status"];

function reading(failure: Failure): object {
  return {
    code_name: failure.codeName,
    from_service: failure.fromService,
    reason: ErrorReason[failure.reason],
    reason_name: failure.reasonName,
    outcome: failure.outcomeName,
    not_applied: failure.notApplied,
    applied: failure.applied,
    outcome_unknown: failure.outcomeUnknown,
    repeated: failure.repeated,
    retryable: failure.retryable,
    retry_delay_ms: failure.retryDelayMs === undefined ? null : Math.trunc(failure.retryDelayMs),
    request_id: failure.requestId,
    message: failure.message,
    violations: failure.violations,
    metadata: failure.metadata,
    text: failure.toString(),
  };
}

for (const [library, open] of Object.entries(libraries)) {
  describe(`statuses, ${library}`, () => {
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

    for (const { name, code, message, status, want } of statuses) {
      test(name, async () => {
        server.on("user", { code, message, ...(status === undefined ? {} : { rawDetails: status }) });
        const failure = await caller.confirm("user").then(() => assert.fail("the call succeeded"), Failure.from);
        const read = reading(failure);
        if (library === "connect" && undecodable.includes(name)) {
          assert.deepEqual(read, { ...want, code_name: "DATA_LOSS", message: failure.message, text: `${failure}` });
          return;
        }
        assert.deepEqual(read, want);
      });
    }
  });
}
