"""Confirms a user's sign-up with grpc.aio: confirm_aio.py ADDRESS USER_POOL_ID USERNAME."""

import asyncio
import sys
from datetime import timedelta

import grpc

from useradmin import REPEAT_METADATA, Failure
from useradmin.v1 import user_admin_pb2, user_admin_pb2_grpc


async def confirm(channel: grpc.aio.Channel, request: user_admin_pb2.ConfirmSignUpRequest) -> Failure | None:
    """Return None if the user is confirmed, otherwise the last failure."""
    stub = user_admin_pb2_grpc.UserAdminStub(channel)
    calls, asked = 0, False
    while True:
        try:
            await stub.ConfirmSignUp(request, timeout=20, metadata=REPEAT_METADATA if calls else None)
            return None
        except grpc.aio.AioRpcError as error:
            failure = Failure.from_error(error)
        calls += 1
        if failure.applied:
            return failure
        if not (failure.retryable and calls < 4):
            if asked or not failure.outcome_unknown:
                return failure
            asked = True
        await asyncio.sleep((failure.retry_delay or timedelta(seconds=1)).total_seconds())


async def main(address: str, user_pool_id: str, username: str) -> None:
    """Confirm the user and say what happened."""
    async with grpc.aio.insecure_channel(address) as channel:
        request = user_admin_pb2.ConfirmSignUpRequest(
            user_pool_id=user_pool_id, username=username, allow_confirmed=True
        )
        failure = await confirm(channel, request)
    if failure is None:
        print("confirmed")
    elif failure.applied:
        sys.exit(f"confirmed, but the trigger's work is missing: {failure}")
    elif failure.not_applied:
        sys.exit(f"not confirmed: {failure}")
    else:
        sys.exit(f"perhaps confirmed: {failure}")


asyncio.run(main(*sys.argv[1:]))
