"""Failure on statuses as they come from a server, through both APIs."""

import asyncio
import copy
import pickle
import random
from datetime import timedelta
from functools import partial

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from support import Answer, Call, Server, call_aio, call_sync, error_info, pack, request_info, retry_info

from useradmin import Failure, FieldViolation, Outcome
from useradmin.v1.errors_pb2 import ERROR_REASON_UNSPECIFIED, ErrorReason
from useradmin.v1.errors_pb2 import Outcome as SchemaOutcome

CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
REASONS = [name for name, value in ErrorReason.items() if value]


def fail(server: Server, call: Call, answer: Answer) -> Failure:
    server.answers = [answer]
    with pytest.raises(grpc.RpcError) as caught:
        call(server.address)
    return Failure.from_error(caught.value)


class Crafted(grpc.RpcError):
    """An RPC error such as a wrapper of other people's may raise."""

    def __init__(self, code: object, metadata: object) -> None:
        self._code, self._metadata = code, metadata

    def code(self) -> object:  # type: ignore[override]
        return self._code

    def details(self) -> str:
        return "crafted"

    def trailing_metadata(self) -> object:  # type: ignore[override]
        if isinstance(self._metadata, Exception):
            raise self._metadata
        return self._metadata


def crafted(code: grpc.StatusCode, *details: Message) -> Failure:
    status = Status(code=code.value[0], details=map(pack, details)).SerializeToString()
    return Failure.from_error(Crafted(code, [("grpc-status-details-bin", status)]))


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason(server: Server, call: Call, reason: str) -> None:
    code = CODES[REASONS.index(reason) % len(CODES)]
    info = error_info(reason, attempts="1")
    failure = fail(server, call, Answer(code, "Ünï.", [info, request_info(), QuotaFailure()]))
    assert failure == Failure(
        code=code,
        message="Ünï.",
        from_service=True,
        reason=reason,
        outcome=Outcome.NOT_APPLIED,
        request_id="req-1",
        metadata={"outcome": "OUTCOME_NOT_APPLIED", "attempts": "1"},
    )
    assert failure.reason_value == ErrorReason.Value(reason)
    assert str(failure) == f"{code.name} {reason}: Ünï. (outcome NOT_APPLIED, request id req-1)"


def test_outcomes_are_the_schemas() -> None:
    assert [outcome.value for outcome in Outcome] == [name for name, value in SchemaOutcome.items() if value]


def test_violations(server: Server, call: Call) -> None:
    field = 'client_metadata["k"]'
    violations = [
        BadRequest.FieldViolation(field="username", reason="REQUIRED", description="The username is missing."),
        BadRequest.FieldViolation(field=field, reason="TOO_LONG", description="The value is too long."),
    ]
    info = error_info("ERROR_REASON_INVALID_REQUEST", "OUTCOME_NOT_SENT")
    details: list[Message] = [info, BadRequest(field_violations=violations)]
    failure = fail(server, call, Answer(grpc.StatusCode.INVALID_ARGUMENT, "Bad.", details))
    assert failure.violations == (
        FieldViolation("username", "REQUIRED", "The username is missing."),
        FieldViolation(field, "TOO_LONG", "The value is too long."),
    )
    assert failure.outcome is Outcome.NOT_SENT
    assert failure.request_id is None


def test_unknown_reason_outcome_and_detail(server: Server, call: Call) -> None:
    info = error_info("ERROR_REASON_OF_TOMORROW", "OUTCOME_OF_TOMORROW")
    newer = Any(type_url="type.googleapis.com/useradmin.v9.Detail", value=b"\xff\xff")
    failure = fail(server, call, Answer(grpc.StatusCode.FAILED_PRECONDITION, "New.", [newer, info, Help(), newer]))
    assert failure.from_service
    assert failure.reason == "ERROR_REASON_OF_TOMORROW"
    assert failure.reason_value == ERROR_REASON_UNSPECIFIED
    assert failure.outcome is Outcome.UNKNOWN
    assert failure.metadata == {"outcome": "OUTCOME_OF_TOMORROW"}


@pytest.mark.parametrize("outcome", ["", "OUTCOME_UNSPECIFIED", "NOT_SENT", "outcome_not_sent"])
def test_outcomes_that_are_none(outcome: str) -> None:
    failure = crafted(grpc.StatusCode.ABORTED, error_info("ERROR_REASON_INTERNAL", outcome))
    assert failure.from_service
    assert failure.outcome_unknown
    assert not failure.certainly_not_applied


def assert_foreign(failure: Failure, code: grpc.StatusCode) -> None:
    assert failure == Failure(code=code, message=failure.message)
    assert failure.reason is None
    assert failure.reason_value == ERROR_REASON_UNSPECIFIED
    assert failure.outcome is Outcome.UNKNOWN
    assert failure.outcome_unknown
    assert not failure.from_service
    assert not failure.retryable
    assert not failure.certainly_not_applied
    assert str(failure) == f"{code.name}: {failure.message} (not made by useradmin.v1, outcome UNKNOWN)"


def test_foreign_status_without_details(server: Server, call: Call) -> None:
    failure = fail(server, call, Answer(grpc.StatusCode.UNAVAILABLE, "upstream connect error"))
    assert_foreign(failure, grpc.StatusCode.UNAVAILABLE)
    assert failure.message == "upstream connect error"


def test_foreign_status_with_details(server: Server, call: Call) -> None:
    details: list[Message] = [ErrorInfo(domain="example.com", reason="X"), retry_info(1), request_info()]
    failure = fail(server, call, Answer(grpc.StatusCode.UNAVAILABLE, "Busy.", details))
    assert_foreign(failure, grpc.StatusCode.UNAVAILABLE)


def test_garbage_in_the_details(server: Server, call: Call) -> None:
    failure = fail(server, call, Answer(grpc.StatusCode.UNAVAILABLE, "Garbled.", raw=b"\xff\x00garbage"))
    assert_foreign(failure, grpc.StatusCode.UNAVAILABLE)


def test_garbage_in_one_detail(server: Server, call: Call) -> None:
    ours = pack(error_info("ERROR_REASON_TOO_MANY_REQUESTS"))
    broken = [Any(type_url=ours.type_url, value=b"\xff"), Any(type_url=pack(RetryInfo()).type_url, value=b"\xff")]
    failure = fail(server, call, Answer(grpc.StatusCode.RESOURCE_EXHAUSTED, "Slow.", [*broken, ours, retry_info(2)]))
    assert failure.reason == "ERROR_REASON_TOO_MANY_REQUESTS"
    assert failure.retry_delay == timedelta(seconds=2)


def test_the_error_info_of_our_domain_counts(server: Server, call: Call) -> None:
    infos: list[Message] = [
        ErrorInfo(domain="example.com", reason="THEIRS", metadata={"outcome": "OUTCOME_NOT_SENT"}),
        error_info("ERROR_REASON_USER_DISABLED"),
        error_info("ERROR_REASON_INTERNAL", "OUTCOME_UNKNOWN"),
    ]
    failure = fail(server, call, Answer(grpc.StatusCode.FAILED_PRECONDITION, "Disabled.", infos))
    assert failure.reason == "ERROR_REASON_USER_DISABLED"
    assert failure.outcome is Outcome.NOT_APPLIED


def test_details_of_another_code_are_not_believed(server: Server, call: Call) -> None:
    info = pack(error_info("ERROR_REASON_COGNITO_RESPONSE_LOST"))
    raw = Status(code=grpc.StatusCode.ABORTED.value[0], details=[info]).SerializeToString()
    failure = fail(server, call, Answer(grpc.StatusCode.UNAVAILABLE, "Rewritten.", raw=raw))
    assert_foreign(failure, grpc.StatusCode.UNAVAILABLE)


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
    """An exception that can't even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("no RPC"), grpc.StatusCode.UNKNOWN, "no RPC"),
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
    details = [error_info("ERROR_REASON_INTERNAL"), request_info(), retry_info(1), BadRequest(field_violations=[{}])]
    whole = Status(code=10, message="Aborted.", details=map(pack, details)).SerializeToString()
    for _ in range(5_000):
        damaged = bytearray(whole[: seed.randrange(1, len(whole) + 1)])
        for _ in range(seed.randrange(4)):
            damaged[seed.randrange(len(damaged))] = seed.randrange(256)
        failure = Failure.from_error(Crafted(grpc.StatusCode.ABORTED, [("grpc-status-details-bin", bytes(damaged))]))
        assert str(failure).startswith("ABORTED")
        assert failure.from_service or failure == Failure(code=failure.code, message="crafted")


@pytest.mark.parametrize(
    ("info", "delay"),
    [
        # The same table as in Go, TypeScript and Java.
        (retry_info(400_000_000_000), None),
        (retry_info(2**62), None),
        (retry_info(1, -5), None),
        (retry_info(-1, 5), None),
        (retry_info(0, 2_000_000_000), None),
        (retry_info(-1), timedelta(0)),
        (retry_info(-1, -5), timedelta(0)),
        (retry_info(-315_576_000_000), timedelta(0)),
        (retry_info(0), timedelta(0)),
        (retry_info(1, 500_000_000), timedelta(seconds=1.5)),
        (retry_info(315_576_000_000), timedelta(seconds=315_576_000_000)),
        (retry_info(0, 183_456_789), timedelta(microseconds=183_456)),
        (RetryInfo(), timedelta(0)),
    ],
)
def test_retry_delay(info: RetryInfo, delay: timedelta | None) -> None:
    failure = crafted(grpc.StatusCode.RESOURCE_EXHAUSTED, error_info("ERROR_REASON_TOO_MANY_REQUESTS"), info)
    assert failure.retry_delay == delay
    assert failure.retryable == (delay is not None)


@pytest.mark.parametrize(
    ("code", "details", "retryable", "not_applied", "unknown"),
    [
        ("UNAVAILABLE", [error_info("ERROR_REASON_COGNITO_CREDENTIALS", "OUTCOME_NOT_SENT")], True, True, False),
        ("UNAVAILABLE", [error_info("ERROR_REASON_SERVER_STOPPING", "OUTCOME_UNKNOWN")], True, False, True),
        ("RESOURCE_EXHAUSTED", [error_info("ERROR_REASON_TOO_MANY_REQUESTS"), retry_info(1)], True, True, False),
        ("RESOURCE_EXHAUSTED", [error_info("ERROR_REASON_LIMIT_EXCEEDED")], False, True, False),
        ("ABORTED", [error_info("ERROR_REASON_COGNITO_RESPONSE_LOST", "OUTCOME_UNKNOWN")], False, False, True),
        ("NOT_FOUND", [error_info("ERROR_REASON_USER_NOT_FOUND", repeated="true")], False, False, False),
        ("NOT_FOUND", [error_info("ERROR_REASON_USER_NOT_FOUND", repeated="false")], False, True, False),
        ("UNAVAILABLE", [], False, False, True),
        ("UNAVAILABLE", [retry_info(1)], False, False, True),
    ],
)
def test_questions(code: str, details: list[Message], retryable: bool, not_applied: bool, unknown: bool) -> None:
    failure = crafted(grpc.StatusCode[code], *details)
    assert failure.retryable == retryable
    assert failure.certainly_not_applied == not_applied
    assert failure.outcome_unknown == unknown


def test_str_is_one_printable_line() -> None:
    failure = Failure(code=grpc.StatusCode.UNAVAILABLE, message="a\r\nb\x1b[2Jc\u202ed\ufffd")
    assert str(failure) == "UNAVAILABLE: a  b [2Jc d\ufffd (not made by useradmin.v1, outcome UNKNOWN)"


def test_a_failure_is_a_value() -> None:
    failure = crafted(grpc.StatusCode.ABORTED, error_info("ERROR_REASON_INTERNAL"))
    assert copy.deepcopy(failure) == pickle.loads(pickle.dumps(failure)) == failure
    assert len({failure, copy.copy(failure)}) == 1
