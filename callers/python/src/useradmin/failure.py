"""What a failed call tells its caller: Failure, made from the exception of either API, grpc or grpc.aio."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TypeVar

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from useradmin.v1.errors_pb2 import ERROR_REASON_UNSPECIFIED, ErrorReason

__all__ = ["DOMAIN", "Failure", "FieldViolation", "Outcome"]

DOMAIN = "useradmin.v1"
"""The domain of the ErrorInfo by which a status made by the service is known."""

_DETAILS_KEY = "grpc-status-details-bin"
# The bounds of google.protobuf.Duration.
_MAX_SECONDS = 315_576_000_000
_MAX_NANOS = 999_999_999
_MessageT = TypeVar("_MessageT", bound=Message)


class Outcome(Enum):
    """The effect of a failed call on the user; each value is the name in the schema.

    It speaks of this call alone: see Failure.repeated.
    """

    NOT_SENT = "OUTCOME_NOT_SENT"
    """Nothing went out to Cognito: the call had no effect and will have none."""

    NOT_APPLIED = "OUTCOME_NOT_APPLIED"
    """Cognito said no: the call had no effect and will have none."""

    UNKNOWN = "OUTCOME_UNKNOWN"
    """It can't be told whether the call confirmed the user, or still will."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One thing that is wrong with the request, from google.rpc.BadRequest."""

    field: str
    """The field as in the schema, for example `username` or `client_metadata["key"]`."""

    reason: str
    """Why, for programs: for example `REQUIRED` or `TOO_LONG`."""

    description: str
    """Why, for people; one English sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call failed, what it did, and what to do next.

    Make it with from_error. All but code and message comes from the service's own status details, so it has its
    default where from_service is false.
    """

    code: grpc.StatusCode
    """The gRPC code; UNKNOWN for an exception that is no RPC error, but CANCELLED for a cancellation."""

    message: str
    """The status message, or an exception's own text; for people and logs, not to be parsed."""

    from_service: bool = False
    """Whether the service made the status.

    If not, something else did (a proxy, a library, a cut connection, the caller's own deadline), and what became of
    the call is unknown.
    """

    reason: str | None = None
    """The name of an ErrorReason, for example `ERROR_REASON_USER_NOT_FOUND`, as it was sent.

    A newer server may send one that these stubs do not know: then go by code and outcome. None where from_service is
    false.
    """

    outcome: Outcome = Outcome.UNKNOWN
    """What the call did to the user; UNKNOWN where from_service is false, or the value is a newer server's."""

    retry_delay: timedelta | None = None
    """How long to wait before the same call is sent again, from google.rpc.RetryInfo.

    None if there is none, or it is no valid google.protobuf.Duration. It is never negative, and may be longer than
    time.sleep can take.
    """

    violations: tuple[FieldViolation, ...] = ()
    """What is wrong with the request, field by field, from google.rpc.BadRequest."""

    request_id: str | None = None
    """The service's id of the call, from google.rpc.RequestInfo; its operators find the call in their logs by it."""

    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    """ErrorInfo.metadata as it was sent; its keys are described in errors.proto."""

    @classmethod
    def from_error(cls, error: BaseException) -> "Failure":
        """Read an exception that a call raised: grpc.RpcError, grpc.aio.AioRpcError, or any other.

        It never raises, whatever the exception carries.
        """
        if not isinstance(error, grpc.RpcError):
            cancelled = isinstance(error, grpc.FutureCancelledError | asyncio.CancelledError)
            code = grpc.StatusCode.CANCELLED if cancelled else grpc.StatusCode.UNKNOWN
            return cls(code=code, message=_text(error) or type(error).__name__)
        answer = _ask(error, "code")
        code = answer if isinstance(answer, grpc.StatusCode) else grpc.StatusCode.UNKNOWN
        message = str(_ask(error, "details") or "")
        details = _details(code, _ask(error, "trailing_metadata"))
        info = next((info for info in _of_type(details, ErrorInfo) if info.domain == DOMAIN), None)
        if info is None:
            return cls(code=code, message=message)
        return cls(
            code=code,
            message=message,
            from_service=True,
            reason=info.reason or None,
            outcome=_outcome(info.metadata.get("outcome", "")),
            retry_delay=next(map(_delay, _of_type(details, RetryInfo)), None),
            violations=tuple(
                FieldViolation(violation.field, violation.reason, violation.description)
                for request in _of_type(details, BadRequest)
                for violation in request.field_violations
            ),
            request_id=next((info.request_id or None for info in _of_type(details, RequestInfo)), None),
            metadata=dict(info.metadata),
        )

    @property
    def reason_value(self) -> ErrorReason.ValueType:
        """The reason as a constant of useradmin.v1.errors_pb2; ERROR_REASON_UNSPECIFIED if unset or not known."""
        return ErrorReason.Value(self.reason) if self.reason in ErrorReason.keys() else ERROR_REASON_UNSPECIFIED  # noqa: SIM118

    @property
    def repeated(self) -> bool:
        """Whether a library or a proxy had sent the same call before; that earlier one may have had an effect."""
        return self.metadata.get("repeated") == "true"

    @property
    def retryable(self) -> bool:
        """Whether exactly the same call may be sent again now, after retry_delay if there is one.

        The service says so with RetryInfo or UNAVAILABLE; an UNAVAILABLE that others made promises nothing.
        """
        return self.from_service and (self.retry_delay is not None or self.code is grpc.StatusCode.UNAVAILABLE)

    @property
    def certainly_not_applied(self) -> bool:
        """Whether nothing happened to the user and nothing will: neither by this call nor by an earlier sending."""
        return self.from_service and self.outcome is not Outcome.UNKNOWN and not self.repeated

    @property
    def outcome_unknown(self) -> bool:
        """Whether one has to find out: send the same call with `allow_confirmed`; OK means the user is confirmed."""
        return self.outcome is Outcome.UNKNOWN

    def __str__(self) -> str:
        name = f"{self.code.name} {self.reason}" if self.reason else self.code.name
        notes = [] if self.from_service else [f"not made by {DOMAIN}"]
        notes.append(f"outcome {self.outcome.name}")
        if self.request_id:
            notes.append(f"request id {self.request_id}")
        line = f"{name}: {self.message} ({', '.join(notes)})"
        # Others' messages may hold what forges log lines or moves a terminal's cursor.
        return "".join(char if char.isprintable() else " " for char in line)


def _ask(error: grpc.RpcError, method: str) -> object:
    """Call a method that grpc's own errors have, and other people's RpcErrors may lack or have otherwise."""
    try:
        return getattr(error, method)()
    except Exception:
        return None


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _details(code: grpc.StatusCode, metadata: object) -> Sequence[Any]:
    """Return the details in the trailers; none if they can't be read or belong to a status of another code."""
    try:
        pairs = list(metadata)  # type: ignore[call-overload]
    except TypeError:
        return ()
    for pair in pairs:
        try:
            key, value = pair
            status = Status.FromString(value) if key == _DETAILS_KEY else None
        except (DecodeError, TypeError, ValueError):
            continue
        # Something on the way has put its own code in place of the service's.
        if status is not None and status.code == code.value[0]:
            return status.details
    return ()


def _of_type(details: Sequence[Any], kind: type[_MessageT]) -> Iterator[_MessageT]:
    for detail in details:
        message = kind()
        try:
            if detail.Unpack(message):
                yield message
        except DecodeError:
            continue


def _outcome(name: str) -> Outcome:
    try:
        return Outcome(name)
    except ValueError:
        return Outcome.UNKNOWN


def _delay(info: RetryInfo) -> timedelta | None:
    seconds, nanos = info.retry_delay.seconds, info.retry_delay.nanos
    if abs(seconds) > _MAX_SECONDS or abs(nanos) > _MAX_NANOS or seconds * nanos < 0:
        return None
    return max(timedelta(seconds=seconds, microseconds=int(nanos / 1000)), timedelta(0))
