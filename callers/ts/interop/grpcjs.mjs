// The interop matrix's caller on @grpc/grpc-js.
import { credentials, Metadata } from "@grpc/grpc-js";
import { UserAdminClient } from "@cognito-internal/useradmin/grpc-js";
import { answerLines, headersOf, kept } from "./lines.mjs";

const clients = kept((address, serviceConfig, tls) => {
  const proof = tls === undefined ? credentials.createInsecure() : credentials.createSsl(tls.ca, tls.key, tls.cert);
  return new UserAdminClient(address, proof, {
    "grpc.enable_http_proxy": 0,
    ...(serviceConfig === "" ? {} : { "grpc.service_config": serviceConfig }),
  });
});

await answerLines({
  ignoresServiceConfig: false,
  close: () => {
    for (const client of clients.values()) {
      client.close();
    }
  },
  call: (request, signal, onTrailers) => {
    return clients.get(request).confirmSignUp(
      {
        userPoolId: request.user_pool_id,
        username: request.username,
        clientMetadata: request.client_metadata ?? {},
        allowConfirmed: request.allow_confirmed,
      },
      {
        metadata: Metadata.fromHttp2Headers(headersOf(request)),
        signal,
        onStatus: (status) => onTrailers((name) => status.metadata.get(name)[0]?.toString()),
        ...(request.deadline_ms > 0 ? { deadline: Date.now() + request.deadline_ms } : {}),
      },
    );
  },
});
