"""What tests need: a server with given answers, details for them, and the two ways to call."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from useradmin import DOMAIN
from useradmin.v1.user_admin_pb2 import ConfirmSignUpRequest, ConfirmSignUpResponse
from useradmin.v1.user_admin_pb2_grpc import UserAdminServicer, UserAdminStub

REQUEST = ConfirmSignUpRequest(user_pool_id="us-east-1_EXAMPLE01", username="new-1")


def pack(detail: Message) -> Any:
    """Pack a detail, unless it is packed already."""
    if isinstance(detail, Any):
        return detail
    packed = Any()
    packed.Pack(detail)
    return packed


def error_info(reason: str, outcome: str = "NOT_APPLIED", **metadata: str) -> ErrorInfo:
    """Make the ErrorInfo of a status that the service made."""
    return ErrorInfo(domain=DOMAIN, reason=reason, metadata={"outcome": outcome, **metadata})


def retry_info(seconds: int = 0, nanos: int = 0) -> RetryInfo:
    """Make a RetryInfo."""
    return RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos))


def request_info() -> RequestInfo:
    """Make the RequestInfo of a status that the service made."""
    return RequestInfo(request_id="req-1")


@dataclass
class Answer:
    """What the server answers: a status with details or with raw bytes in their place, or a response."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""
    details: list[Message] = field(default_factory=list)
    raw: bytes | None = None
    trailers: dict[str, str] = field(default_factory=dict)
    response: ConfirmSignUpResponse = field(
        default_factory=lambda: ConfirmSignUpResponse(result=ConfirmSignUpResponse.RESULT_CONFIRMED)
    )

    def metadata(self) -> list[tuple[str, str | bytes]]:
        """Return the trailers."""
        raw = self.raw
        if self.details:
            status = Status(code=self.code.value[0], message=self.message, details=map(pack, self.details))
            raw = status.SerializeToString()
        details: list[tuple[str, str | bytes]] = [] if raw is None else [("grpc-status-details-bin", raw)]
        return [*self.trailers.items(), *details]


class Server(UserAdminServicer):
    """Gives `answers` one after the other, then the last one again and again, and keeps what it received."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer()]
        self.requests: list[ConfirmSignUpRequest] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.peers: list[str] = []
        self.stopped = threading.Event()
        self.hang = False
        self.address = ""

    def ConfirmSignUp(self, request: ConfirmSignUpRequest, context: grpc.ServicerContext) -> ConfirmSignUpResponse:
        number = len(self.requests)
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.peers.append(context.peer())
        if self.hang:
            self.stopped.wait(20)
        answer = self.answers[min(number, len(self.answers) - 1)]
        context.set_trailing_metadata(tuple(answer.metadata()))
        if answer.code is not grpc.StatusCode.OK:
            context.abort(answer.code, answer.message)
        return answer.response


def call_sync(address: str, timeout: float | None = 20) -> ConfirmSignUpResponse:
    """Call with the API grpc."""
    with grpc.insecure_channel(address) as channel:
        return UserAdminStub(channel).ConfirmSignUp(REQUEST, timeout=timeout)


def call_aio(address: str, timeout: float | None = 20) -> ConfirmSignUpResponse:
    """Call with the API grpc.aio."""

    async def call() -> ConfirmSignUpResponse:
        async with grpc.aio.insecure_channel(address) as channel:
            return await UserAdminStub(channel).ConfirmSignUp(REQUEST, timeout=timeout)

    return asyncio.run(call())


Call = Callable[[str], ConfirmSignUpResponse]
