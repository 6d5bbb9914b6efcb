import { setTimeout } from "node:timers/promises";
import {
  type ConfirmSignUpResponse,
  ConfirmSignUpResponse_Result as Result,
  Failure,
  repeatHeaders,
  resultOf,
} from "@cognito-internal/useradmin";

type Send = (headers: Record<string, string>) => Promise<ConfirmSignUpResponse>;

/** Confirms a user; `send` sends the request, which must have `allowConfirmed`, with these headers. */
export async function confirm(send: Send): Promise<string> {
  let asked = false;
  for (let tries = 1; ; tries++) {
    try {
      const response = await send(tries > 1 ? repeatHeaders : {});
      return `confirmed: ${Result[resultOf(response)]}`;
    } catch (err) {
      const failure = Failure.from(err);
      console.error(`try ${tries}: ${failure}`);
      if (failure.applied) {
        return "confirmed, but the trigger failed: do its work yourself";
      }
      const retry = failure.retryable && tries < 4;
      const ask: boolean = !retry && failure.outcomeUnknown && !asked;
      if (!retry && !ask) {
        return failure.notApplied ? "not confirmed" : "perhaps confirmed";
      }
      asked ||= ask;
      // setTimeout fires at once for a longer delay.
      await setTimeout(Math.min(failure.retryDelayMs ?? 1_000, 2 ** 31 - 1));
    }
  }
}
