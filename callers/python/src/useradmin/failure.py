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

__all__ = ["DOMAIN", "REPEAT_METADATA", "Failure", "Outcome", "Violation"]

DOMAIN = "useradmin.cognito.internal"
"""The domain of the ErrorInfo in every status that the service makes."""

REPEAT_METADATA = (("x-useradmin-repeat", "1"),)
"""The metadata of a call that its caller sends again; gRPC marks its own retries.

With it the service says what the call and its earlier sendings did together.
"""

_DETAILS_KEY = "grpc-status-details-bin"
# The bounds of google.protobuf.Duration.
_MAX_SECONDS = 315_576_000_000
_MAX_NANOS = 999_999_999
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_MessageT = TypeVar("_MessageT", bound=Message)


class Outcome(Enum):
    """What a failed call did to the user; each value is the name as it is sent."""

    NOT_SENT = "NOT_SENT"
    """Nothing was sent to Cognito: the call had no effect and will have none."""

    NOT_APPLIED = "NOT_APPLIED"
    """Cognito refused: the call had no effect and will have none."""

    APPLIED = "APPLIED"
    """The call had its effect and failed afterwards."""

    UNKNOWN = "UNKNOWN"
    """The call may have had its effect, or may still have it."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of the request, from google.rpc.BadRequest."""

    field: str
    """The field as in the schema, for example `username` or `client_metadata["key"]`."""

    reason: str
    """Why, for programs: for example `REQUIRED` or `TOO_LONG`."""

    description: str
    """Why, for people; one English sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call failed, what it did, and what to do next.

    Make it with from_error. All fields but code and message come from the details of a status that the service made;
    where from_service is false they have their defaults.
    """

    code: grpc.StatusCode
    """The gRPC code; UNKNOWN for a code that gRPC does not have, and for an exception that is not an RPC error."""

    message: str
    """The text of the status or of the exception, for people and logs; do not parse it."""

    from_service: bool = False
    """Whether the service made the status.

    Otherwise a proxy, a library, a cut connection or the caller's own deadline did.
    """

    reason: ErrorReason.ValueType = ERROR_REASON_UNSPECIFIED
    """Why the call failed: a constant of useradmin.v1.errors_pb2.

    ERROR_REASON_UNSPECIFIED where from_service is false, or where these stubs do not know reason_name: then go by
    code and outcome.
    """

    reason_name: str = ""
    """The name of the reason as it was sent, for example `USER_NOT_FOUND`."""

    outcome: Outcome = Outcome.UNKNOWN
    """What the call did to the user; UNKNOWN if it is missing or not known to this version."""

    retry_delay: timedelta | None = None
    """How long to wait before sending the same call again, from google.rpc.RetryInfo.

    None without a valid RetryInfo. It is never negative, and may be longer than time.sleep accepts.
    """

    violations: tuple[Violation, ...] = ()
    """The faults of the request, field by field, from google.rpc.BadRequest."""

    request_id: str = ""
    """The service's id of the call, from google.rpc.RequestInfo. The service logs it."""

    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    """ErrorInfo.metadata as it was sent; errors.proto describes its keys."""

    @classmethod
    def from_error(cls, error: BaseException) -> "Failure":
        """Read an exception that a call raised: grpc.RpcError, grpc.aio.AioRpcError, or any other.

        It never raises, whatever the exception carries. A cancellation becomes CANCELLED.
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
            reason=_reason(info.reason),
            reason_name=info.reason,
            outcome=_outcome(info.metadata.get("outcome", "")),
            retry_delay=next(map(_delay, _of_type(details, RetryInfo)), None),
            violations=tuple(
                Violation(violation.field, violation.reason, violation.description)
                for request in _of_type(details, BadRequest)
                for violation in request.field_violations
            ),
            request_id=next((info.request_id for info in _of_type(details, RequestInfo)), ""),
            metadata=dict(info.metadata),
        )

    @property
    def code_name(self) -> str:
        """The code's name, for example `NOT_FOUND`."""
        return self.code.name

    @property
    def retryable(self) -> bool:
        """Whether it is safe to send the same call again, with REPEAT_METADATA, after retry_delay.

        The service says so with RetryInfo or UNAVAILABLE. An UNAVAILABLE from something else promises nothing.
        """
        return self.from_service and (self.retry_delay is not None or self.code is grpc.StatusCode.UNAVAILABLE)

    @property
    def not_applied(self) -> bool:
        """Whether the call certainly had no effect and will have none."""
        return self.from_service and self.outcome in {Outcome.NOT_SENT, Outcome.NOT_APPLIED}

    @property
    def applied(self) -> bool:
        """Whether the call had its effect and failed afterwards: the user is confirmed, the pool's trigger failed.

        Another call does not run the trigger again.
        """
        return self.outcome is Outcome.APPLIED

    @property
    def outcome_unknown(self) -> bool:
        """Whether the call may have had its effect, or may still have it.

        To find out, send the same call with `allow_confirmed` and REPEAT_METADATA; OK means that the user is confirmed.
        """
        return self.outcome is Outcome.UNKNOWN

    @property
    def repeated(self) -> bool:
        """Whether the call was marked as a repeat; the outcome then covers its earlier sendings too."""
        return self.metadata.get("repeated") == "true"

    def __str__(self) -> str:
        name = f"{self.code_name} {self.reason_name}" if self.reason_name else self.code_name
        notes = [] if self.from_service else ["not made by useradmin"]
        notes.append(f"outcome {self.outcome.name}")
        if self.request_id:
            notes.append(f"request id {self.request_id}")
        line = f"{name}: {self.message} ({', '.join(notes)})"
        # The text of a proxy may contain what forges log lines or moves a terminal's cursor.
        return "".join(char if char.isprintable() else " " for char in line)


def _ask(error: grpc.RpcError, method: str) -> object:
    """Call a method that grpc's errors have; other subclasses of RpcError may lack it or define it differently."""
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
    """Return the details in the trailers; none if they cannot be decoded or belong to a status of another code."""
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
        # With another code, something on the way replaced the service's.
        if status is not None and _CODES.get(status.code, grpc.StatusCode.UNKNOWN) is code:
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


def _reason(name: str) -> ErrorReason.ValueType:
    try:
        return ErrorReason.Value(f"ERROR_REASON_{name}")
    except ValueError:
        return ERROR_REASON_UNSPECIFIED


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
