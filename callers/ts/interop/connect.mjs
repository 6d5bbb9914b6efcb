// The interop matrix's caller on @connectrpc/connect, with connect-node's gRPC transport (HTTP/2).
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { UserAdmin } from "@cognito-internal/useradmin";
import { answerLines, headersOf, kept } from "./lines.mjs";

const clients = kept((address, _serviceConfig, tls) => {
  const baseUrl = `${tls === undefined ? "http" : "https"}://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl, undefined, tls);
  const client = createClient(UserAdmin, createGrpcTransport({ baseUrl, sessionManager }));
  return { client, close: () => sessionManager.abort() };
});

// Over TLS, connect-node 2.2.0 throws this outside of any call when the service ends a connection without calls
// (connect-es#1768), and that would end the program.
process.on("uncaughtException", (err) => {
  if (!(err instanceof ConnectError) || err.rawMessage !== "received GOAWAY without any open streams") {
    throw err;
  }
});

await answerLines({
  ignoresServiceConfig: true,
  close: () => {
    for (const { close } of clients.values()) {
      close();
    }
  },
  call: async (request, signal, onTrailers) => {
    /** @param {Headers} headers */
    const show = (headers) => onTrailers((name) => headers.get(name) ?? undefined);
    try {
      return await clients.get(request).client.confirmSignUp(
        {
          userPoolId: request.user_pool_id,
          username: request.username,
          clientMetadata: request.client_metadata ?? {},
          allowConfirmed: request.allow_confirmed,
        },
        {
          onTrailer: show,
          signal,
          headers: headersOf(request),
          ...(request.deadline_ms > 0 ? { timeoutMs: request.deadline_ms } : {}),
        },
      );
    } catch (err) {
      // A failed call does not call onTrailer; its trailers are in the error.
      if (err instanceof ConnectError) {
        show(err.metadata);
      }
      throw err;
    }
  },
});
