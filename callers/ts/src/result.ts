import {
  type ConfirmSignUpResponse,
  ConfirmSignUpResponse_Result as Result,
  ConfirmSignUpResponse_ResultSchema as ResultSchema,
} from "./gen/useradmin/v1/user_admin_pb.js";

/**
 * How the user came to be confirmed, from `ConfirmSignUpResponse.result`.
 *
 * A value that this version does not know is CONFIRMED_UNATTRIBUTED: OK always means that the user is confirmed.
 */
export function resultOf(response: ConfirmSignUpResponse): Result {
  const known = response.result !== Result.UNSPECIFIED && ResultSchema.value[response.result] !== undefined;
  return known ? response.result : Result.CONFIRMED_UNATTRIBUTED;
}
