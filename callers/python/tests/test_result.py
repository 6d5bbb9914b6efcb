"""What an OK means."""

import pytest
from support import Answer, Call, Server

from useradmin import result_of
from useradmin.v1.user_admin_pb2 import ConfirmSignUpResponse

UNATTRIBUTED = ConfirmSignUpResponse.RESULT_CONFIRMED_UNATTRIBUTED


@pytest.mark.parametrize(
    ("sent", "result"),
    [
        (b"", UNATTRIBUTED),
        (b"\x08\x01", ConfirmSignUpResponse.RESULT_CONFIRMED),
        (b"\x08\x02", ConfirmSignUpResponse.RESULT_ALREADY_CONFIRMED),
        (b"\x08\x03", UNATTRIBUTED),
        (b"\x08\x63", UNATTRIBUTED),
    ],
)
def test_result(server: Server, call: Call, sent: bytes, result: int) -> None:
    server.answers = [Answer(response=ConfirmSignUpResponse.FromString(sent))]
    assert result_of(call(server.address)) == result
