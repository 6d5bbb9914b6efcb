"""What the response of a successful call means."""

from useradmin.v1.user_admin_pb2 import ConfirmSignUpResponse

__all__ = ["result_of"]


def result_of(response: ConfirmSignUpResponse) -> ConfirmSignUpResponse.Result.ValueType:
    """Return how the user came to be confirmed.

    A result that these stubs do not know becomes RESULT_CONFIRMED_UNATTRIBUTED: OK always means that the user is
    confirmed.
    """
    if response.result in ConfirmSignUpResponse.Result.values() and response.result:
        return response.result
    return ConfirmSignUpResponse.RESULT_CONFIRMED_UNATTRIBUTED
