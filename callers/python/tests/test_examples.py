"""The snippets of the README are the files in examples/, and these do what the README says."""

import re
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf.message import Message
from support import Answer, Server, error_info, request_info, retry_info

HOME = Path(__file__).parents[1]
EXAMPLES = ["confirm.py", "confirm_aio.py"]


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


def test_retries(server: Server) -> None:
    details: list[Message] = [error_info("ERROR_REASON_COGNITO_UNREACHABLE", "OUTCOME_NOT_SENT"), retry_info(0, 1000)]
    busy = Answer(grpc.StatusCode.UNAVAILABLE, "Unreachable.", details)
    server.answers = [busy, busy, Answer()]
    assert run("confirm.py", server).stdout == "confirmed\n"
    assert len(server.requests) == 3

    server.requests.clear()
    server.answers = [busy]
    done = run("confirm.py", server)
    assert done.stderr == (
        "not confirmed: UNAVAILABLE ERROR_REASON_COGNITO_UNREACHABLE: Unreachable. (outcome NOT_SENT)\n"
    )
    assert (done.returncode, len(server.requests)) == (1, 3)


def test_says_what_failed(server: Server) -> None:
    server.answers = [
        Answer(grpc.StatusCode.NOT_FOUND, "Gone.", [error_info("ERROR_REASON_USER_NOT_FOUND"), request_info()]),
        Answer(grpc.StatusCode.UNAVAILABLE, "upstream connect error"),
        Answer(grpc.StatusCode.NOT_FOUND, "Gone.", [error_info("ERROR_REASON_USER_NOT_FOUND"), request_info()]),
    ]
    assert run("confirm.py", server).stderr == "there is no such user\n"
    assert run("confirm.py", server).stderr == (
        "perhaps confirmed, the same call again would tell: "
        "UNAVAILABLE: upstream connect error (not made by useradmin.v1, outcome UNKNOWN)\n"
    )
    assert run("confirm_aio.py", server).stderr == (
        "NOT_FOUND ERROR_REASON_USER_NOT_FOUND: Gone. (outcome NOT_APPLIED, request id req-1)\n"
    )
