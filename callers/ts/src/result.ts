import {
  type ConfirmSignUpResponse,
  ConfirmSignUpResponse_Result as Result,
  ConfirmSignUpResponse_ResultSchema as ResultSchema,
} from "./gen/useradmin/v1/user_admin_pb.js";

/**
 * How the user came to be confirmed, from `ConfirmSignUpResponse.result`.
 *
 * A value that this version does not know (a newer server's) is CONFIRMED_UNATTRIBUTED, as the schema asks for: OK
 * always means that the user is confirmed. It is never UNSPECIFIED.
 */
export function resultOf(response: ConfirmSignUpResponse): Result {
  const known = response.result !== Result.UNSPECIFIED && ResultSchema.value[response.result] !== undefined;
  return known ? response.result : Result.CONFIRMED_UNATTRIBUTED;
}
