import assert from "node:assert/strict";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  credentials,
  makeClientConstructor,
  Metadata,
  Server,
  ServerCredentials,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  type ConfirmSignUpRequest,
  type ConfirmSignUpResponse,
  ConfirmSignUpResponse_Result as Result,
  Failure,
} from "@cognito-internal/useradmin";
import { UserAdminClient, userAdminDefinition } from "@cognito-internal/useradmin/grpc-js";
import { startServer } from "./server.js";

test("a server and a client with callbacks of grpc-js, made of the definition", async (t) => {
  const server = new Server();
  t.after(() => server.forceShutdown());
  server.addService(userAdminDefinition, {
    confirmSignUp: (call: { request: ConfirmSignUpRequest }, callback: (err: null, response: object) => void) =>
      callback(null, { result: call.request.username === "new-1" ? Result.CONFIRMED : Result.UNSPECIFIED }),
  });
  const port = await promisify(server.bindAsync.bind(server))("127.0.0.1:0", ServerCredentials.createInsecure());
  // Only grpc-js before 1.10 needs it; later ones warn.
  process.noDeprecation = true;
  server.start();

  const UserAdminStub = makeClientConstructor(userAdminDefinition, "UserAdmin");
  const stub = new UserAdminStub(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
  t.after(() => stub.close());
  const response = await new Promise<ConfirmSignUpResponse>((resolve, reject) =>
    stub["confirmSignUp"]?.({ username: "new-1" }, (err: Error | null, answer: ConfirmSignUpResponse) =>
      err ? reject(err) : resolve(answer),
    ),
  );
  assert.equal(response.result, Result.CONFIRMED);
});

test("what goes with a call of UserAdminClient", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const client = new UserAdminClient(server.address, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
  t.after(() => client.close());
  server.on("new-1", { result: 1, trailers: { "x-request-id": "from-the-server" } });
  const statuses: StatusObject[] = [];
  const metadata = new Metadata();
  metadata.set("x-request-id", "abc");
  await client.confirmSignUp({ username: "new-1" }, { metadata, onStatus: (status) => statuses.push(status) });
  assert.equal(server.seen[0]?.headers["x-request-id"], "abc");
  assert.deepEqual(statuses[0]?.metadata.get("x-request-id"), ["from-the-server"]);

  // A request that cannot be encoded rejects like any failure.
  const broken = { username: Object.create(null) as string };
  const failure = await client.confirmSignUp(broken).then(() => assert.fail("it was sent"), Failure.from);
  assert.equal(failure.fromService, false);
});
