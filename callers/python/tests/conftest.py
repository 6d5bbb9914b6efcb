"""The server under test and the two ways to call it, as fixtures."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from support import Call, Server, call_aio, call_sync

from useradmin.v1.user_admin_pb2_grpc import add_UserAdminServicer_to_server

# Examples, run as processes, inherit it.
os.environ.update(no_grpc_proxy="127.0.0.1,localhost")


@pytest.fixture
def server() -> Iterator[Server]:
    servicer = Server()
    running = grpc.server(ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
    add_UserAdminServicer_to_server(servicer, running)
    servicer.address = f"127.0.0.1:{running.add_insecure_port('127.0.0.1:0')}"
    running.start()
    yield servicer
    servicer.stopped.set()
    running.stop(None).wait(10)


@pytest.fixture(params=[call_sync, call_aio], ids=["grpc", "grpc.aio"])
def call(request: pytest.FixtureRequest) -> Call:
    chosen: Call = request.param
    return chosen
