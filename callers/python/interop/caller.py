"""A caller for the interop matrix: one JSON request a line on stdin, one JSON answer a line on stdout."""

import json
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status

from useradmin import Failure, result_of
from useradmin.v1.user_admin_pb2 import ConfirmSignUpRequest, ConfirmSignUpResponse
from useradmin.v1.user_admin_pb2_grpc import UserAdminStub

Json = dict[str, Any]


class Caller:
    """Makes calls, on one channel for each address, service config and certificate."""

    def __init__(self) -> None:
        self._channels: dict[tuple[str, ...], grpc.Channel] = {}

    def answer(self, request: Json) -> Json:
        """Make the calls of one request; the answer describes the last one that failed, or else the last one."""
        codes: Counter[str] = Counter()
        told: Json = {}
        for _ in range(request.get("calls") or 1):
            answer = self._call(request)
            codes[answer["code"]] += 1
            if not told or answer["code"] != "OK" or told["code"] == "OK":
                told = answer
        return {"id": request.get("id", ""), **told, "codes": dict(codes)}

    def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            channel.close()

    def _call(self, request: Json) -> Json:
        call = None
        timer = None
        try:
            call = self._stub(request).ConfirmSignUp.future(
                ConfirmSignUpRequest(
                    user_pool_id=request.get("user_pool_id", ""),
                    username=request.get("username", ""),
                    client_metadata=request.get("client_metadata"),
                    allow_confirmed=request.get("allow_confirmed", False),
                ),
                timeout=request["deadline_ms"] / 1000 if request.get("deadline_ms") else None,
                metadata=_metadata(request),
            )
            if request.get("cancel_ms"):
                timer = threading.Timer(request["cancel_ms"] / 1000, call.cancel)
                timer.start()
            return _success(call.result(), _trailers(call))
        except Exception as error:
            return _failure(Failure.from_error(error), _trailers(call))
        finally:
            if timer:
                timer.cancel()

    def _stub(self, request: Json) -> UserAdminStub:
        key = tuple(request.get(name) or "" for name in ("address", "service_config", "ca", "cert", "key"))
        if key not in self._channels:
            address, service_config, *files = key
            options: list[tuple[str, str | int]] = [("grpc.enable_http_proxy", 0)]
            if service_config:
                options.append(("grpc.service_config", service_config))
            self._channels[key] = _channel(address, files, options)
        return UserAdminStub(self._channels[key])


def _channel(address: str, files: list[str], options: list[tuple[str, str | int]]) -> grpc.Channel:
    """Open a channel with the CA, and perhaps the certificate and its key, or one without TLS."""
    ca, cert, key = (Path(file).read_bytes() if file else None for file in files)
    if ca is None:
        return grpc.insecure_channel(address, options=options)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(ca, key, cert), options=options)


def _metadata(request: Json) -> tuple[tuple[str, str], ...]:
    headers: dict[str, str] = dict(request.get("headers") or {})
    if request.get("request_id"):
        headers["x-request-id"] = request["request_id"]
    return tuple(headers.items())


def _trailers(call: grpc.Call | None) -> dict[str, str | bytes]:
    return dict((call.trailing_metadata() or ()) if call else ())


def _success(response: ConfirmSignUpResponse, trailers: dict[str, str | bytes]) -> Json:
    result = ConfirmSignUpResponse.Result.Name(result_of(response))
    return _answer(trailers, code="OK", result=result)


def _failure(failure: Failure, trailers: dict[str, str | bytes]) -> Json:
    delay = failure.retry_delay
    return _answer(
        trailers,
        code=failure.code.name,
        message=failure.message,
        from_service=failure.from_service,
        reason=failure.reason_name,
        outcome=failure.outcome.value,
        metadata=dict(failure.metadata),
        violations=[{"field": v.field, "reason": v.reason, "description": v.description} for v in failure.violations],
        retry_delay_ms=None if delay is None else delay // timedelta(milliseconds=1),
        request_id=failure.request_id,
    )


def _answer(trailers: dict[str, str | bytes], **known: object) -> Json:
    return {
        "code": "",
        "message": "",
        "result": "",
        "from_service": False,
        "reason": "",
        "outcome": "",
        "metadata": {},
        "violations": [],
        "retry_delay_ms": None,
        "request_id": "",
        "trailers": {key: trailers[key] for key in ("x-request-id", "grpc-retry-pushback-ms") if key in trailers},
        "details": _details(trailers.get("grpc-status-details-bin", b"")),
        **known,
    }


def _details(value: str | bytes) -> list[str]:
    try:
        status = Status.FromString(value if isinstance(value, bytes) else b"")
    except DecodeError:
        return []
    return [detail.type_url.rpartition("/")[2] for detail in status.details]


def main() -> None:
    """Answer until there are no more requests."""
    caller = Caller()
    try:
        for line in sys.stdin.buffer:
            if line.strip():
                print(json.dumps(caller.answer(json.loads(line))), flush=True)
    finally:
        caller.close()


if __name__ == "__main__":
    main()
