"""Confirms a user's sign-up with grpc.aio: confirm_aio.py ADDRESS USER_POOL_ID USERNAME."""

import asyncio
import sys

import grpc

from useradmin import Failure
from useradmin.v1 import user_admin_pb2, user_admin_pb2_grpc


async def confirm(address: str, user_pool_id: str, username: str) -> None:
    """Make one call."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = user_admin_pb2_grpc.UserAdminStub(channel)
        request = user_admin_pb2.ConfirmSignUpRequest(
            user_pool_id=user_pool_id, username=username, allow_confirmed=True
        )
        try:
            await stub.ConfirmSignUp(request, timeout=20)
        except grpc.aio.AioRpcError as error:
            sys.exit(str(Failure.from_error(error)))
        print("confirmed")


asyncio.run(confirm(*sys.argv[1:]))
