// Shared by both callers of the interop matrix: reads JSON requests from stdin and prints JSON answers, one per line.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ConfirmSignUpResponse_ResultSchema as ResultSchema, Failure, resultOf } from "@cognito-internal/useradmin";

/**
 * @typedef {object} Request One line of stdin; a time of 0 or an empty text means none.
 * @property {string} id
 * @property {string} address `host:port`; in plaintext without a CA
 * @property {string} user_pool_id
 * @property {string} username
 * @property {Record<string, string> | null} client_metadata
 * @property {boolean} allow_confirmed
 * @property {number} deadline_ms
 * @property {number} cancel_ms
 * @property {string} request_id sent as metadata `x-request-id`
 * @property {Record<string, string>} headers sent as metadata
 * @property {string} service_config
 * @property {number} calls how many calls to make, one after another; at least one
 * @property {string} ca a file in PEM, as the next two
 * @property {string} cert
 * @property {string} key
 */

/**
 * @typedef {(name: string) => string | undefined} Trailers
 */

/**
 * @typedef {object} Caller One library.
 * @property {(request: Request, signal: AbortSignal, onTrailers: (trailers: Trailers) => void)
 *   => Promise<import("@cognito-internal/useradmin").ConfirmSignUpResponse>} call Makes one call.
 * @property {() => void} close Closes all channels.
 * @property {boolean} ignoresServiceConfig Whether the library does not support service configs.
 */

/** @type {Request} */
const defaults = {
  id: "",
  address: "",
  user_pool_id: "",
  username: "",
  client_metadata: {},
  allow_confirmed: false,
  deadline_ms: 0,
  cancel_ms: 0,
  request_id: "",
  headers: {},
  service_config: "",
  calls: 1,
  ca: "",
  cert: "",
  key: "",
};

/**
 * Answers every line of stdin, until its end.
 *
 * @param {Caller} caller
 */
export async function answerLines(caller) {
  try {
    for await (const line of createInterface({ input: process.stdin })) {
      if (line.trim() !== "") {
        const answer = await answerTo({ ...defaults, ...JSON.parse(line) }, caller);
        process.stdout.write(`${JSON.stringify(answer)}\n`);
      }
    }
  } finally {
    caller.close();
  }
}

/**
 * @param {Request} request
 * @param {Caller} caller
 */
async function answerTo(request, caller) {
  /** @type {Record<string, number>} */
  const codes = {};
  /** @type {Awaited<ReturnType<typeof callOnce>> | undefined} */
  let last;
  for (let i = 0; i < Math.max(request.calls, 1); i++) {
    const answer = await callOnce(request, caller);
    codes[answer.code] = (codes[answer.code] ?? 0) + 1;
    // The last failure, or the last success if no call failed.
    if (answer.code !== "OK" || last === undefined || last.code === "OK") {
      last = answer;
    }
  }
  const ignored = request.service_config !== "" && caller.ignoresServiceConfig ? { service_config_ignored: true } : {};
  return { id: request.id, ...last, codes, ...ignored };
}

/**
 * @param {Request} request
 * @param {Caller} caller
 */
async function callOnce(request, caller) {
  /** @type {Record<string, string>} */
  const trailers = {};
  const abort = new AbortController();
  const timer = request.cancel_ms > 0 ? setTimeout(() => abort.abort(), request.cancel_ms) : undefined;
  try {
    const response = await caller.call(request, abort.signal, (get) => {
      for (const name of ["x-request-id", "grpc-retry-pushback-ms"]) {
        const value = get(name);
        if (value !== undefined) {
          trailers[name] = value;
        }
      }
    });
    return { ...empty, code: "OK", result: ResultSchema.value[resultOf(response)].name, trailers };
  } catch (err) {
    return { ...answerOf(Failure.from(err)), trailers };
  } finally {
    clearTimeout(timer);
  }
}

const empty = {
  code: "",
  message: "",
  result: "",
  from_service: false,
  reason: "",
  outcome: "",
  metadata: {},
  violations: [],
  retry_delay_ms: null,
  request_id: "",
  trailers: {},
  details: [],
};

/**
 * @param {Failure} failure
 */
function answerOf(failure) {
  return {
    ...empty,
    code: failure.codeName,
    message: failure.message,
    from_service: failure.fromService,
    reason: failure.reasonName,
    outcome: failure.outcomeName,
    metadata: failure.metadata,
    violations: failure.violations,
    retry_delay_ms: failure.retryDelayMs === undefined ? null : Math.trunc(failure.retryDelayMs),
    request_id: failure.requestId,
    details: failure.details.map((detail) => detail.type),
  };
}

/**
 * @typedef {{ ca: Buffer, cert?: Buffer, key?: Buffer }} Tls
 */

/**
 * @param {string} ca
 * @param {string} cert empty for a caller without a certificate
 * @param {string} key
 * @returns {Tls}
 */
function tlsOf(ca, cert, key) {
  return { ca: readFileSync(ca), ...(cert === "" ? {} : { cert: readFileSync(cert), key: readFileSync(key) }) };
}

/**
 * The metadata of a request.
 *
 * @param {Request} request
 * @returns {Record<string, string>}
 */
export function headersOf({ headers, request_id }) {
  return request_id === "" ? headers : { ...headers, "x-request-id": request_id };
}

/**
 * Caches the results of `make`, one for each address, service config and certificate.
 *
 * @template T
 * @param {(address: string, serviceConfig: string, tls: Tls | undefined) => T} make
 */
export function kept(make) {
  /** @type {Map<string, T>} */
  const all = new Map();
  return {
    /**
     * @param {Request} request
     * @returns {T}
     */
    get({ address, service_config, ca, cert, key }) {
      const name = JSON.stringify([address, service_config, ca, cert, key]);
      const existing = all.get(name);
      if (existing !== undefined) {
        return existing;
      }
      const made = make(address, service_config, ca === "" ? undefined : tlsOf(ca, cert, key));
      all.set(name, made);
      return made;
    },
    values: () => all.values(),
  };
}
