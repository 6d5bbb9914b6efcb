import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { UserAdmin } from "@cognito-internal/useradmin";
import { confirm } from "./confirm.js";

const address = process.env["USERADMIN_ADDRESS"] ?? "localhost:50051";
const transport = createGrpcTransport({ baseUrl: `http://${address}` });
const client = createClient(UserAdmin, transport);
const request = { userPoolId: "us-east-1_EXAMPLE01", username: "new-1", allowConfirmed: true };

const outcome = await confirm((headers) => client.confirmSignUp(request, { timeoutMs: 20_000, headers }));
console.log(outcome);
