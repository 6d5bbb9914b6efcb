"""What a successful call tells its caller."""

from useradmin.v1.user_admin_pb2 import ConfirmSignUpResponse

__all__ = ["result_of"]


def result_of(response: ConfirmSignUpResponse) -> ConfirmSignUpResponse.Result.ValueType:
    """Return how the user came to be confirmed: the answer's result, where these stubs know it.

    A value that they do not know, from a newer server, is RESULT_CONFIRMED_UNATTRIBUTED: OK always means that the
    user is confirmed.
    """
    if response.result in ConfirmSignUpResponse.Result.values() and response.result:
        return response.result
    return ConfirmSignUpResponse.RESULT_CONFIRMED_UNATTRIBUTED
