import { setTimeout } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import { ConfirmSignUpResponse_Result, ErrorReason, Failure, resultOf } from "@cognito-internal/useradmin";
import { UserAdminClient } from "@cognito-internal/useradmin/grpc-js";

const address = process.env["USERADMIN_ADDRESS"] ?? "localhost:50051";
const client = new UserAdminClient(address, credentials.createInsecure());
const request = { userPoolId: "us-east-1_EXAMPLE01", username: "new-1", allowConfirmed: true };

for (let tries = 1; ; tries++) {
  try {
    const response = await client.confirmSignUp(request, { deadline: Date.now() + 20_000 });
    console.log("confirmed:", ConfirmSignUpResponse_Result[resultOf(response)]);
    break;
  } catch (err) {
    const failure = Failure.from(err);
    // With allowConfirmed the same call is also how to find out, but it runs no trigger again.
    const findOut = failure.outcomeUnknown && failure.metadata["trigger"] === undefined;
    if ((failure.retryable || findOut) && tries < 3) {
      // For a longer time the timer would fire at once.
      await setTimeout(Math.min(failure.retryDelayMs ?? 1_000, 2 ** 31 - 1));
      continue;
    }
    if (failure.reason === ErrorReason.USER_NOT_FOUND) {
      console.log("no such user");
    } else {
      console.log(failure.outcomeUnknown ? "perhaps confirmed:" : "not confirmed:", failure.message);
    }
    break;
  }
}
client.close();
