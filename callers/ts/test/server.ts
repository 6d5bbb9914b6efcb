// A gRPC server on loopback that returns what a test has set for the request's username. It is plain HTTP/2, so that it
// can also send what no gRPC library would.
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import {
  type Code,
  type ConfirmSignUpRequest,
  ConfirmSignUpRequestSchema,
  ConfirmSignUpResponseSchema,
} from "@cognito-internal/useradmin";
import { StatusSchema } from "@cognito-internal/useradmin/google-rpc";

export interface ErrorAnswer {
  code: Code;
  message?: string;
  details?: Any[];
  // Sent as grpc-status-details-bin instead of `details`.
  rawDetails?: string;
  trailers?: Record<string, string>;
}

export type Answer = ErrorAnswer | { result: number; trailers?: Record<string, string> } | "silence" | "cut" | "502";

export interface Seen {
  request: ConfirmSignUpRequest;
  headers: IncomingHttpHeaders;
  // Resolves when the caller has cancelled the call.
  cancelled: Promise<void>;
}

export interface TestServer {
  address: string;
  seen: Seen[];
  // Sets the answers to the calls for this username: one after another, then the last one for all further calls.
  on(username: string, ...answers: Answer[]): void;
  // Resolves with the next call.
  next(): Promise<Seen>;
  stop(): Promise<void>;
}

export function pack<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Any {
  return anyPack(schema, create(schema, init));
}

export async function startServer(): Promise<TestServer> {
  const answers = new Map<string, Answer[]>();
  const seen: Seen[] = [];
  const waiting: ((one: Seen) => void)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      // The first five bytes are the frame's flag and length.
      const request = fromBinary(ConfirmSignUpRequestSchema, Buffer.concat(chunks).subarray(5));
      const cancelled = new Promise<void>((resolve) => stream.on("aborted", resolve));
      const one: Seen = { request, headers, cancelled };
      seen.push(one);
      waiting.splice(0).forEach((resolve) => resolve(one));
      const queue = answers.get(request.username) ?? [];
      reply(stream, (queue.length > 1 ? queue.shift() : queue[0]) ?? { result: 1 });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    on: (username, ...list) => void answers.set(username, list),
    next: () => new Promise((resolve) => waiting.push(resolve)),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

function reply(stream: ServerHttp2Stream, answer: Answer): void {
  if (answer === "silence" || stream.destroyed) {
    return;
  }
  if (answer === "cut") {
    stream.session?.destroy();
    return;
  }
  if (answer === "502") {
    stream.respond({ ":status": 502, "content-type": "text/html" });
    stream.end("<h1>Bad Gateway</h1>");
    return;
  }
  const headers = { ":status": 200, "content-type": "application/grpc" };
  if ("code" in answer) {
    // Trailers-Only, as the service answers.
    stream.respond({ ...headers, ...errorTrailers(answer) }, { endStream: true });
    return;
  }
  const message = toBinary(ConfirmSignUpResponseSchema, create(ConfirmSignUpResponseSchema, { result: answer.result }));
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  stream.respond(headers, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", ...answer.trailers }));
  stream.end(Buffer.concat([frame, message]));
}

function errorTrailers(answer: ErrorAnswer): OutgoingHttpHeaders {
  const { code, message = "", details = [], trailers } = answer;
  const status = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  // Without padding, as grpc-go sends it.
  const packed = details.length > 0 ? Buffer.from(status).toString("base64").replace(/=+$/, "") : undefined;
  const raw = answer.rawDetails ?? packed;
  return {
    "grpc-status": String(code),
    // Like grpc-go: everything but printable ASCII, and the percent sign.
    "grpc-message": message.replace(/[^ -$&-~]+/gu, encodeURIComponent),
    ...(raw === undefined ? {} : { "grpc-status-details-bin": raw }),
    ...trailers,
  };
}
