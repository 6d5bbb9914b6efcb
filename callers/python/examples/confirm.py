"""Confirms a user's sign-up: confirm.py ADDRESS USER_POOL_ID USERNAME."""

import sys
import time
from datetime import timedelta

import grpc

from useradmin import Failure
from useradmin.v1 import user_admin_pb2, user_admin_pb2_grpc

address, user_pool_id, username = sys.argv[1:]
request = user_admin_pb2.ConfirmSignUpRequest(user_pool_id=user_pool_id, username=username, allow_confirmed=True)

with grpc.insecure_channel(address) as channel:
    stub = user_admin_pb2_grpc.UserAdminStub(channel)
    for attempt in range(1, 4):
        try:
            stub.ConfirmSignUp(request, timeout=20)
            print("confirmed")
            break
        except grpc.RpcError as error:
            failure = Failure.from_error(error)
        if failure.retryable and attempt < 3:
            time.sleep((failure.retry_delay or timedelta(seconds=1)).total_seconds())
        elif failure.reason == "ERROR_REASON_USER_NOT_FOUND":
            sys.exit("there is no such user")
        elif failure.certainly_not_applied:
            sys.exit(f"not confirmed: {failure}")
        else:
            sys.exit(f"perhaps confirmed, the same call again would tell: {failure}")
