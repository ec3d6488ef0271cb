"""From what went wrong on the wire to the exceptions of onehop."""

from __future__ import annotations

import email.utils
import math
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import httpx2
from pydantic_core import from_json

from onehop.client._line import Answer
from onehop.client._options import API, Options
from onehop.errors import (
    UNKNOWN_ADDRESS,
    AuthenticationError,
    DuplicateRequestError,
    ExecutionNotFoundError,
    InvalidRequestError,
    OnehopError,
    Overloaded,
    PermissionDeniedError,
    RateLimitedError,
    RunLostError,
    ServerError,
    ServerTimeoutError,
    ServerUnreachableError,
    SnippetRefusedError,
    ToolsGoneError,
    UnexpectedAnswerError,
)

_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The error body of the server, and what its headers add."""

    status: int
    code: str
    message: str
    field: str | None = None
    request_id: str | None = None
    retry_after: float | None = None


def answer_of(response: httpx2.Response | Answer, options: Options) -> dict[str, Any]:
    """The JSON object of a good answer, empty where there is nothing to say. Raises
    UnexpectedAnswerError."""
    if response.status_code == 204:
        return {}
    found = _object(response.content)
    if found is None:
        told = "it sent no JSON object"
        raise UnexpectedAnswerError(options.server_url, response.status_code, told)
    return found


def raise_refusal(response: httpx2.Response, options: Options) -> NoReturn:
    """Raise the exception of an answer whose status is an error; its body has been read."""
    refusal = _refusal(response)
    if refusal is None or _is_beside(refusal, options.server_url):
        raise _foreign(response, options.server_url)
    if refusal.status == 401:
        what, _, _headers = refusal.message.partition(": ")  # which the client sends by itself
        raise AuthenticationError(f"{what} ({options.key_advice})")
    raise _exception(refusal)


def _is_beside(refusal: _Refusal, server_url: str) -> bool:
    """Whether a server of onehop says that a path in ``server_url``, such as /mcp, is too much."""
    is_unknown = refusal.status == 404 and refusal.message == UNKNOWN_ADDRESS
    return is_unknown and urlsplit(server_url).path.strip("/") != ""


def unreachable(server_url: str, error: httpx2.RequestError) -> ServerUnreachableError:
    """The exception of a connection that was not made, or that broke."""
    causes = list(_causes(error))
    if isinstance(error, httpx2.TimeoutException):
        return ServerTimeoutError(server_url, "no answer in time")
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return ServerUnreachableError(server_url, _tls(cause))
        if isinstance(cause, socket.gaierror):
            return ServerUnreachableError(server_url, f"its name is not known ({cause.strerror})")
        if isinstance(cause, ConnectionRefusedError):
            refused = "nothing listens there. Is it started ('onehop serve'), and is that its port?"
            return ServerUnreachableError(server_url, refused)
    return ServerUnreachableError(server_url, _broken(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error``, what it was raised from, and the members of groups."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        pending += [each.__context__, each.__cause__]
        pending += each.exceptions if isinstance(each, BaseExceptionGroup) else []


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return "it does not speak TLS; is the address http://, not https://?"
    return f"TLS failed: {error.reason or error}"


def _broken(error: httpx2.RequestError) -> str:
    if isinstance(error, httpx2.DecodingError | httpx2.ProtocolError):
        return f"the response was cut off or is not HTTP: {error}"
    return str(error) or type(error).__name__


def _refusal(response: httpx2.Response) -> _Refusal | None:
    body = _object(response.content)
    wait = retry_after(response.headers.get("Retry-After"))
    match body:
        case {"error": {"code": str(code), "message": str(message), **rest}}:
            return _Refusal(
                response.status_code,
                code,
                message,
                _text(rest.get("field")),
                _text(rest.get("requestId")),
                wait,
            )
    if response.status_code in (429, 502, 503, 504):  # what stands before the server may say it
        message = f"the server answers {response.status_code} {response.reason_phrase}"
        return _Refusal(response.status_code, "", message, retry_after=wait)
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _exception(refusal: _Refusal) -> OnehopError:
    """The table of http.md, read backwards."""
    match refusal:
        case _Refusal(code="ambiguous_credentials"):
            return AuthenticationError(refusal.message)
        case _Refusal(status=403):
            return PermissionDeniedError(refusal.message)
        case _Refusal(status=404, field="tools"):
            return _invalid(refusal)
        case _Refusal(status=404):
            return ExecutionNotFoundError(refusal.message)
        case _Refusal(code="tools_gone"):
            return ToolsGoneError(refusal.message)
        case _Refusal(code="run_lost"):
            return RunLostError(refusal.message)
        case _Refusal(code="snippet_refused"):
            return SnippetRefusedError(refusal.message)
        case _Refusal(status=409):
            return DuplicateRequestError(refusal.message)
        case _Refusal(status=429):
            return RateLimitedError(refusal.message, refusal.retry_after or 0)
        case _Refusal(code="overloaded"):
            return _overloaded(refusal)
        case _Refusal(status=400 | 413):
            return _invalid(refusal)
    return _server_error(refusal)


def _server_error(refusal: _Refusal) -> ServerError:
    place = f" (request {refusal.request_id})" if refusal.request_id else ""
    return ServerError(
        refusal.message + place,
        refusal.status,
        refusal.code,
        refusal.request_id,
        refusal.retry_after,
    )


def _overloaded(refusal: _Refusal) -> Overloaded:
    error = Overloaded(0, refusal.retry_after or 0)
    error.args = (refusal.message,)  # only the server knows how many wait
    return error


def _invalid(refusal: _Refusal) -> InvalidRequestError:
    """The message is the server's; what it got and what it allows is read out of it."""
    field = refusal.field or "request"
    told = refusal.message.removeprefix(f"{field}: got ")
    got, _, allowed = told.rpartition("; it must be ")
    error = InvalidRequestError(field, got, allowed)
    error.args = (refusal.message,)
    return error


def _foreign(response: httpx2.Response, server_url: str) -> OnehopError:
    status = response.status_code
    if response.is_redirect:
        where = response.headers.get("Location", "")[:_SHOWN]
        return UnexpectedAnswerError(server_url, status, f"it redirects to {where!r}")
    told = f"it answers {status} {response.reason_phrase}".rstrip()
    if status == 404:
        told += f" to {response.request.url.path}: server_url is the address before {API}"
    if status >= 500:
        return ServerError(f"the server at {server_url} failed: {told}", status)
    return UnexpectedAnswerError(server_url, status, told)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = from_json(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def retry_after(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for; None when there is none that can be read."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        return _until(header)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(date: str) -> float | None:
    try:
        return max(0.0, email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return None
