"""The snippets of the README are the files in examples/, and these do what the README says."""

import re
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from support import Answer, Server, error_info, request_info, retry_info

HOME = Path(__file__).parents[1]
EXAMPLES = ["confirm.py", "confirm_aio.py"]

BUSY = Answer(
    grpc.StatusCode.UNAVAILABLE,
    "Unreachable.",
    [error_info("COGNITO_UNREACHABLE", "NOT_SENT"), retry_info(0, 1000)],
)
LOST = Answer(grpc.StatusCode.ABORTED, "Lost.", [error_info("COGNITO_RESPONSE_LOST", "UNKNOWN")])
PROXY = Answer(grpc.StatusCode.UNAVAILABLE, "upstream connect error")
TRIGGER = Answer(
    grpc.StatusCode.FAILED_PRECONDITION,
    "Rejected.",
    [error_info("LAMBDA_REJECTED", "APPLIED"), request_info()],
)
GONE = Answer(grpc.StatusCode.NOT_FOUND, "Gone.", [error_info("USER_NOT_FOUND")])


def run(name: str, server: Server) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HOME / "examples" / name), server.address, "us-east-1_EXAMPLE01", "new-1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_readme_shows_the_examples() -> None:
    shown = re.findall(r"^```python\n(.*?)^```$", (HOME / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown == [(HOME / "examples" / name).read_text("utf-8") for name in EXAMPLES]


@pytest.mark.parametrize("name", EXAMPLES)
def test_confirms(server: Server, name: str) -> None:
    done = run(name, server)
    assert (done.stdout, done.stderr, done.returncode) == ("confirmed\n", "", 0)
    assert server.requests[0].username == "new-1"
    assert server.requests[0].allow_confirmed


def failed(server: Server, name: str, answers: list[Answer]) -> tuple[str, int]:
    """Run an example on these answers; return what it says and how many calls it made."""
    server.requests.clear()
    server.metadata.clear()
    server.answers = answers
    done = run(name, server)
    assert (done.stdout, done.returncode) == ("", 1)
    return done.stderr, len(server.requests)


def marks(server: Server) -> list[str | bytes | None]:
    return [metadata.get("x-useradmin-repeat") for metadata in server.metadata]


@pytest.mark.parametrize("name", EXAMPLES)
def test_retries(server: Server, name: str) -> None:
    server.answers = [BUSY, BUSY, Answer()]
    assert run(name, server).stdout == "confirmed\n"
    assert marks(server) == [None, "1", "1"]

    said = "not confirmed: UNAVAILABLE COGNITO_UNREACHABLE: Unreachable. (outcome NOT_SENT)\n"
    assert failed(server, name, [BUSY]) == (said, 4)


@pytest.mark.parametrize("name", EXAMPLES)
def test_asks_once_after_an_unknown_outcome(server: Server, name: str) -> None:
    server.answers = [LOST, Answer()]
    assert run(name, server).stdout == "confirmed\n"
    assert marks(server) == [None, "1"]
    assert all(request.allow_confirmed for request in server.requests)

    said = "perhaps confirmed: UNAVAILABLE: upstream connect error (not made by useradmin, outcome UNKNOWN)\n"
    assert failed(server, name, [LOST, PROXY]) == (said, 2)


@pytest.mark.parametrize("name", EXAMPLES)
def test_stops_where_the_trigger_failed(server: Server, name: str) -> None:
    said = (
        "confirmed, but the trigger's work is missing: "
        "FAILED_PRECONDITION LAMBDA_REJECTED: Rejected. (outcome APPLIED, request id req-1)\n"
    )
    assert failed(server, name, [TRIGGER]) == (said, 1)


def test_says_what_failed(server: Server) -> None:
    assert failed(server, "confirm.py", [GONE]) == ("there is no such user\n", 1)
    said = "not confirmed: NOT_FOUND USER_NOT_FOUND: Gone. (outcome NOT_APPLIED)\n"
    assert failed(server, "confirm_aio.py", [GONE]) == (said, 1)
