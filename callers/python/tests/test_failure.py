"""Failure on statuses: those that all companions share, and what only Python can meet."""

import asyncio
import base64
import copy
import dataclasses
import json
import pickle
import random
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from support import REQUEST, Answer, Call, Server, call_aio, call_sync, error_info, pack, request_info, retry_info

from useradmin import REPEAT_METADATA, Failure, Outcome
from useradmin.v1.errors_pb2 import ERROR_REASON_UNSPECIFIED, ErrorReason
from useradmin.v1.errors_pb2 import Outcome as SchemaOutcome
from useradmin.v1.user_admin_pb2_grpc import UserAdminStub

Json = dict[str, Any]

STATUSES = json.loads((Path(__file__).parents[2] / "testdata" / "statuses.json").read_text("utf-8"))
CODES = {code.value[0]: code for code in grpc.StatusCode}


def fail(server: Server, call: Call, answer: Answer) -> Failure:
    server.answers = [answer]
    with pytest.raises(grpc.RpcError) as caught:
        call(server.address)
    return Failure.from_error(caught.value)


class Crafted(grpc.RpcError):
    """An RPC error such as a wrapper around grpc may raise."""

    def __init__(self, code: object, metadata: object, message: str = "crafted") -> None:
        self._code, self._metadata, self._message = code, metadata, message

    def code(self) -> object:  # type: ignore[override]
        return self._code

    def details(self) -> str:
        return self._message

    def trailing_metadata(self) -> object:  # type: ignore[override]
        if isinstance(self._metadata, Exception):
            raise self._metadata
        return self._metadata


def crafted(code: grpc.StatusCode, *details: Message) -> Failure:
    status = Status(code=code.value[0], details=map(pack, details)).SerializeToString()
    return Failure.from_error(Crafted(code, [("grpc-status-details-bin", status)]))


def reading(failure: Failure) -> dict[str, object]:
    """Say what the shared file says."""
    delay = failure.retry_delay
    return {
        "code_name": failure.code_name,
        "from_service": failure.from_service,
        "reason": ErrorReason.Name(failure.reason).removeprefix("ERROR_REASON_"),
        "reason_name": failure.reason_name,
        "outcome": failure.outcome.value,
        "not_applied": failure.not_applied,
        "applied": failure.applied,
        "outcome_unknown": failure.outcome_unknown,
        "repeated": failure.repeated,
        "retryable": failure.retryable,
        "retry_delay_ms": None if delay is None else delay // timedelta(milliseconds=1),
        "request_id": failure.request_id,
        "message": failure.message,
        "violations": [dataclasses.asdict(violation) for violation in failure.violations],
        "metadata": failure.metadata,
        "text": str(failure),
    }


def raw(status: Json) -> bytes | None:
    return base64.b64decode(status["status"]) if "status" in status else None


@pytest.mark.parametrize("status", STATUSES, ids=lambda status: status["name"])
def test_shared_statuses(status: Json) -> None:
    # grpcio has UNKNOWN in place of a code that gRPC does not have.
    code = CODES.get(status["code"], grpc.StatusCode.UNKNOWN)
    details = raw(status)
    trailers = [] if details is None else [("grpc-status-details-bin", details)]
    assert reading(Failure.from_error(Crafted(code, trailers, status["message"]))) == status["want"]


def test_shared_statuses_from_a_server(server: Server, call: Call) -> None:
    sendable = [status for status in STATUSES if status["code"] in CODES]
    assert len(sendable) > 60
    for status in sendable:
        server.requests.clear()
        failure = fail(server, call, Answer(CODES[status["code"]], status["message"], raw=raw(status)))
        assert (status["name"], reading(failure)) == (status["name"], status["want"])


def test_outcomes_are_the_schemas() -> None:
    names = [name.removeprefix("OUTCOME_") for name, value in SchemaOutcome.items() if value]
    assert [outcome.value for outcome in Outcome] == names == [outcome.name for outcome in Outcome]


def test_every_reason_is_known() -> None:
    for name, value in ErrorReason.items():
        info = error_info(name.removeprefix("ERROR_REASON_"))
        assert crafted(grpc.StatusCode.ABORTED, info).reason == value


def test_the_mark_of_a_repeat(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        UserAdminStub(channel).ConfirmSignUp(REQUEST, timeout=20, metadata=REPEAT_METADATA)
    assert server.metadata[0]["x-useradmin-repeat"] == "1"


def assert_foreign(failure: Failure, code: grpc.StatusCode) -> None:
    assert failure == Failure(code=code, message=failure.message)
    assert failure.reason == ERROR_REASON_UNSPECIFIED
    assert failure.outcome_unknown
    assert not failure.retryable
    assert not failure.not_applied
    assert str(failure) == f"{code.name}: {failure.message} (not made by useradmin, outcome UNKNOWN)"


@pytest.mark.parametrize("call", [partial(call_sync, timeout=0.2), partial(call_aio, timeout=0.2)])
def test_the_callers_own_deadline(server: Server, call: Call) -> None:
    server.hang = True
    with pytest.raises(grpc.RpcError) as caught:
        call(server.address)
    assert_foreign(Failure.from_error(caught.value), grpc.StatusCode.DEADLINE_EXCEEDED)


def test_no_connection(call: Call) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call("127.0.0.1:1")
    assert_foreign(Failure.from_error(caught.value), grpc.StatusCode.UNAVAILABLE)


class MuteError(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("not an RPC"), grpc.StatusCode.UNKNOWN, "not an RPC"),
        (ValueError(), grpc.StatusCode.UNKNOWN, "ValueError"),
        (MuteError(), grpc.StatusCode.UNKNOWN, "MuteError"),
        (grpc.RpcError("bare"), grpc.StatusCode.UNKNOWN, ""),
        (grpc.FutureTimeoutError(), grpc.StatusCode.UNKNOWN, "FutureTimeoutError"),
        (grpc.FutureCancelledError(), grpc.StatusCode.CANCELLED, "FutureCancelledError"),
        (asyncio.CancelledError(), grpc.StatusCode.CANCELLED, "CancelledError"),
    ],
)
def test_other_exceptions(error: BaseException, code: grpc.StatusCode, message: str) -> None:
    failure = Failure.from_error(error)
    assert_foreign(failure, code)
    assert failure.message == message


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        7,
        RuntimeError("no trailers"),
        [("only key",)],
        [None],
        [("grpc-status-details-bin", "text")],
        [("grpc-status-details-bin", None)],
    ],
)
def test_odd_trailers(metadata: object) -> None:
    assert_foreign(Failure.from_error(Crafted(grpc.StatusCode.ABORTED, metadata)), grpc.StatusCode.ABORTED)


def test_odd_code() -> None:
    assert_foreign(Failure.from_error(Crafted(14, ())), grpc.StatusCode.UNKNOWN)


def test_damaged_details_never_raise() -> None:
    seed = random.Random(1)
    details = [error_info("INTERNAL"), request_info(), retry_info(1), BadRequest(field_violations=[{}])]
    whole = Status(code=10, message="Aborted.", details=map(pack, details)).SerializeToString()
    for _ in range(5_000):
        damaged = bytearray(whole[: seed.randrange(1, len(whole) + 1)])
        for _ in range(seed.randrange(4)):
            damaged[seed.randrange(len(damaged))] = seed.randrange(256)
        failure = Failure.from_error(Crafted(grpc.StatusCode.ABORTED, [("grpc-status-details-bin", bytes(damaged))]))
        assert str(failure).startswith("ABORTED")
        assert failure.from_service or failure == Failure(code=failure.code, message="crafted")


def test_a_failure_is_a_value() -> None:
    failure = crafted(grpc.StatusCode.ABORTED, error_info("INTERNAL"))
    assert copy.deepcopy(failure) == pickle.loads(pickle.dumps(failure)) == failure
    assert len({failure, copy.copy(failure)}) == 1


def test_only_the_service_promises() -> None:
    assert not Failure(code=grpc.StatusCode.ABORTED, message="", outcome=Outcome.NOT_APPLIED).not_applied
