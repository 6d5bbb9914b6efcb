// Both libraries behind one interface, so that every test runs on both.
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { credentials, Metadata } from "@grpc/grpc-js";
import { type ConfirmSignUpResponse, repeatHeaders, UserAdmin } from "@cognito-internal/useradmin";
import { UserAdminClient } from "@cognito-internal/useradmin/grpc-js";

export interface Options {
  timeoutMs?: number;
  signal?: AbortSignal;
  requestId?: string;
  repeat?: boolean;
}

export interface Caller {
  confirm(username: string, options?: Options): Promise<ConfirmSignUpResponse>;
  close(): void;
}

const request = { userPoolId: "us-east-1_EXAMPLE01", clientMetadata: { k: "v" }, allowConfirmed: true };

function grpcJs(address: string): Caller {
  const client = new UserAdminClient(address, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
  return {
    confirm: (username, { timeoutMs, signal, requestId, repeat = false } = {}) => {
      const metadata = Metadata.fromHttp2Headers(repeat ? repeatHeaders : {});
      if (requestId !== undefined) {
        metadata.set("x-request-id", requestId);
      }
      return client.confirmSignUp(
        { ...request, username },
        { metadata, signal, ...(timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }) },
      );
    },
    close: () => client.close(),
  };
}

function connect(address: string): Caller {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const client = createClient(UserAdmin, createGrpcTransport({ baseUrl, sessionManager }));
  return {
    confirm: (username, { timeoutMs, signal, requestId, repeat = false } = {}) =>
      client.confirmSignUp(
        { ...request, username },
        {
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
          ...(signal === undefined ? {} : { signal }),
          headers: { ...(repeat ? repeatHeaders : {}), ...(requestId === undefined ? {} : { "x-request-id": requestId }) },
        },
      ),
    close: () => sessionManager.abort(),
  };
}

export const libraries = { "grpc-js": grpcJs, connect };
