import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ConfirmSignUpResponse_Result, Failure, resultOf, UserAdmin } from "@cognito-internal/useradmin";

const address = process.env["USERADMIN_ADDRESS"] ?? "localhost:50051";
const transport = createGrpcTransport({ baseUrl: `http://${address}` });
const client = createClient(UserAdmin, transport);
const request = { userPoolId: "us-east-1_EXAMPLE01", username: "new-1", allowConfirmed: true };

try {
  const response = await client.confirmSignUp(request, { timeoutMs: 20_000 });
  console.log("confirmed:", ConfirmSignUpResponse_Result[resultOf(response)]);
} catch (err) {
  const failure = Failure.from(err);
  console.log(failure.certainlyNotApplied ? "not confirmed:" : "perhaps confirmed:", failure.message);
}
