import { credentials, Metadata } from "@grpc/grpc-js";
import { UserAdminClient } from "@cognito-internal/useradmin/grpc-js";
import { confirm } from "./confirm.js";

const address = process.env["USERADMIN_ADDRESS"] ?? "localhost:50051";
const client = new UserAdminClient(address, credentials.createInsecure());
const request = { userPoolId: "us-east-1_EXAMPLE01", username: "new-1", allowConfirmed: true };

const outcome = await confirm((headers) => {
  const metadata = Metadata.fromHttp2Headers(headers);
  return client.confirmSignUp(request, { metadata, deadline: Date.now() + 20_000 });
});
console.log(outcome);
client.close();
