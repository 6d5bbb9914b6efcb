"""The caller of the interop matrix, as a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import BadRequest
from support import Answer, Server, error_info, request_info, retry_info

from useradmin.v1.user_admin_pb2 import ConfirmSignUpResponse

Json = dict[str, Any]
Ask = Callable[[Json], Json]

RETRY = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{"service": "useradmin.v1.UserAdmin"}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.01s",
                    "maxBackoff": "0.1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)
OK: Json = {
    "code": "OK",
    "message": "",
    "result": "RESULT_CONFIRMED",
    "from_service": False,
    "reason": "",
    "outcome": "",
    "metadata": {},
    "violations": [],
    "retry_delay_ms": None,
    "request_id": "",
    "trailers": {},
    "details": [],
}


@pytest.fixture
def ask(server: Server) -> Iterator[Ask]:
    command = [sys.executable, str(Path(__file__).parents[1] / "interop" / "caller.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdin
        assert caller.stdout
        asked, answers = caller.stdin, caller.stdout

        def send(request: Json) -> Json:
            full = {"id": "1", "address": server.address, "user_pool_id": "p_1", "username": "new-1", **request}
            print(json.dumps(full), file=asked, flush=True)
            answer: Json = json.loads(answers.readline())
            return answer

        yield send
        asked.close()
        assert answers.read() == ""
        assert caller.wait(20) == 0


def test_success(server: Server, ask: Ask) -> None:
    server.answers = [Answer(trailers={"x-request-id": "r"})]
    request = {"client_metadata": {"k": "ü"}, "allow_confirmed": True, "request_id": "r", "deadline_ms": 9000}
    assert ask(request) == {**OK, "id": "1", "codes": {"OK": 1}, "trailers": {"x-request-id": "r"}}
    assert server.metadata[0]["x-request-id"] == "r"
    assert dict(server.requests[0].client_metadata) == {"k": "ü"}
    assert server.requests[0].allow_confirmed


def test_headers(server: Server, ask: Ask) -> None:
    ask({"headers": {"x-useradmin-repeat": "1"}, "request_id": "r"})
    ask({"headers": {"x-useradmin-repeat": "1"}})
    assert [seen.get("x-useradmin-repeat") for seen in server.metadata] == ["1", "1"]
    assert [seen.get("x-request-id") for seen in server.metadata] == ["r", None]


def test_unknown_result(server: Server, ask: Ask) -> None:
    server.answers = [Answer(response=ConfirmSignUpResponse.FromString(b"\x08\x63"))]
    assert ask({})["result"] == "RESULT_CONFIRMED_UNATTRIBUTED"


def test_failure(server: Server, ask: Ask) -> None:
    violation = BadRequest.FieldViolation(field="username", reason="REQUIRED", description="Missing.")
    details = [
        error_info("INVALID_REQUEST", "NOT_SENT", violation="REQUIRED"),
        request_info(),
        BadRequest(field_violations=[violation]),
        retry_info(0, 250_000_000),
        AnyMessage(type_url="type.googleapis.com/useradmin.v9.Detail"),
    ]
    trailers = {"x-request-id": "req-1", "grpc-retry-pushback-ms": "250", "other": "x"}
    server.answers = [Answer(grpc.StatusCode.INVALID_ARGUMENT, "Bad.", details, trailers=trailers)]
    assert ask({}) == {
        "id": "1",
        "code": "INVALID_ARGUMENT",
        "message": "Bad.",
        "result": "",
        "from_service": True,
        "reason": "INVALID_REQUEST",
        "outcome": "NOT_SENT",
        "metadata": {"outcome": "NOT_SENT", "violation": "REQUIRED"},
        "violations": [{"field": "username", "reason": "REQUIRED", "description": "Missing."}],
        "retry_delay_ms": 250,
        "request_id": "req-1",
        "trailers": {"x-request-id": "req-1", "grpc-retry-pushback-ms": "250"},
        "details": [
            "google.rpc.ErrorInfo",
            "google.rpc.RequestInfo",
            "google.rpc.BadRequest",
            "google.rpc.RetryInfo",
            "useradmin.v9.Detail",
        ],
        "codes": {"INVALID_ARGUMENT": 1},
    }


def test_foreign_failure(server: Server, ask: Ask) -> None:
    server.answers = [Answer(grpc.StatusCode.INTERNAL, "Garbled.", raw=b"\xff\x00")]
    answer = ask({})
    assert (answer["code"], answer["from_service"], answer["outcome"]) == ("INTERNAL", False, "UNKNOWN")
    assert (answer["reason"], answer["details"]) == ("", [])


def test_many_calls_describe_the_last_failure(server: Server, ask: Ask) -> None:
    first, last = (Answer(grpc.StatusCode.ABORTED, message) for message in ("First.", "Last."))
    server.answers = [Answer(), first, last, Answer()]
    answer = ask({"calls": 5})
    assert answer["codes"] == {"OK": 3, "ABORTED": 2}
    assert (answer["code"], answer["message"]) == ("ABORTED", "Last.")


def test_deadline_and_cancel(server: Server, ask: Ask) -> None:
    server.hang = True
    assert ask({"deadline_ms": 100})["code"] == "DEADLINE_EXCEEDED"
    answer = ask({"cancel_ms": 100})
    assert (answer["code"], answer["outcome"]) == ("CANCELLED", "UNKNOWN")


def test_a_late_cancel_changes_nothing(ask: Ask) -> None:
    assert ask({"cancel_ms": 5000})["code"] == "OK"


def test_service_config(server: Server, ask: Ask) -> None:
    details = [error_info("COGNITO_UNREACHABLE", "NOT_SENT"), retry_info(0, 1_000_000)]
    busy = Answer(grpc.StatusCode.UNAVAILABLE, "Unreachable.", details)
    server.answers = [busy, busy, Answer()]
    assert ask({"service_config": RETRY})["code"] == "OK"
    assert [seen.get("grpc-previous-rpc-attempts") for seen in server.metadata] == [None, "1", "2"]

    server.requests.clear()
    assert ask({})["code"] == "UNAVAILABLE"
    assert len(server.requests) == 1


def test_channels_are_kept(server: Server, ask: Ask) -> None:
    for _ in range(3):
        ask({})
    assert len(set(server.peers)) == 1


def test_what_cannot_be_sent(ask: Ask) -> None:
    answer = ask({"username": "\ud800"})
    assert (answer["code"], answer["from_service"]) == ("UNKNOWN", False)
    assert ask({})["code"] == "OK"
