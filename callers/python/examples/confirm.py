"""Confirms a user's sign-up: confirm.py ADDRESS USER_POOL_ID USERNAME."""

import sys
import time
from datetime import timedelta

import grpc

from useradmin import REPEAT_METADATA, Failure
from useradmin.v1 import errors_pb2, user_admin_pb2, user_admin_pb2_grpc


def confirm(channel: grpc.Channel, request: user_admin_pb2.ConfirmSignUpRequest) -> Failure | None:
    """Return None if the user is confirmed, otherwise the last failure."""
    stub = user_admin_pb2_grpc.UserAdminStub(channel)
    calls, asked = 0, False
    while True:
        try:
            stub.ConfirmSignUp(request, timeout=20, metadata=REPEAT_METADATA if calls else None)
            return None
        except grpc.RpcError as error:
            failure = Failure.from_error(error)
        calls += 1
        if failure.applied:
            return failure
        if not (failure.retryable and calls < 4):
            # Where the outcome is unknown, the same call finds out; once is enough.
            if asked or not failure.outcome_unknown:
                return failure
            asked = True
        time.sleep((failure.retry_delay or timedelta(seconds=1)).total_seconds())


address, user_pool_id, username = sys.argv[1:]
with grpc.insecure_channel(address) as channel:
    # With allow_confirmed, OK means that the user is confirmed, whichever of the calls did it.
    request = user_admin_pb2.ConfirmSignUpRequest(user_pool_id=user_pool_id, username=username, allow_confirmed=True)
    failure = confirm(channel, request)
if failure is None:
    print("confirmed")
elif failure.applied:
    sys.exit(f"confirmed, but the trigger's work is missing: {failure}")
elif failure.reason == errors_pb2.ERROR_REASON_USER_NOT_FOUND:
    sys.exit("there is no such user")
elif failure.not_applied:
    sys.exit(f"not confirmed: {failure}")
else:
    sys.exit(f"perhaps confirmed: {failure}")
