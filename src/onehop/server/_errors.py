"""The one table from what went wrong to a status and a code, and the one body of every error."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Mapping
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from onehop.errors import (
    UNKNOWN_ADDRESS,
    AgentChangedError,
    AgentExistsError,
    AgentNotFoundError,
    ApprovalNotFoundError,
    ArtifactNotFoundError,
    AuditUnavailableError,
    InvalidRequestError,
    JournalFullError,
    JournalUnavailableError,
    MissingExtraError,
    NotReplayableError,
    OnehopError,
    OutputNotFoundError,
    Overloaded,
    RunLostError,
    RunNotFoundError,
    SandboxClosedError,
    SandboxUnavailableError,
    SessionNotFoundError,
    SnippetNotFoundError,
    SnippetRefusedError,
    StoreError,
    ToolsGoneError,
    TooManySessionsError,
    UnauthorizedError,
    UnknownToolsError,
)

_MISTAKE: Final = "internal error; the server's log has the details under the request id"
_STORE_AWAY: Final = "the audit trail's database does not answer; try again later"
_NO_JOURNAL: Final = (
    "runs cannot be recorded now, and so nothing is run: the server's journal cannot be written; "
    "its disk may be full"
)
_JOURNAL_FULL: Final = (
    "nothing is run now: the audit trail's database has been away for so long that no more records "
    "may wait for it"
)
_NO_PART: Final = "the server lacks a part that this needs; its log says which"
_NO_WORKER: Final = "no code can be run here now: try again later; the server's log says why"
_STOPPING: Final = "the server is stopping"
_RETRY: Final = 5.0
"""Seconds to wait for what is away."""

_log = logging.getLogger(__name__)


class ForbiddenError(OnehopError):
    """The role of the key does not allow it."""


class AmbiguousCredentialsError(OnehopError):
    """Two different keys, or names, came with one request."""


class NotFoundError(OnehopError, LookupError):
    """No such thing, or another agent's: which of the two is not told."""


class BodyTooLargeError(OnehopError):
    """The body is larger than it may be, or holds more values."""


class BodyTooSlowError(OnehopError):
    """The body did not come in time."""


class WrongMediaTypeError(OnehopError):
    """Content-Type is not JSON."""


class WrongHostError(OnehopError):
    """The Host header names no host that is answered here."""


class TooMuchAtOnceError(OnehopError):
    """An agent has more open, or starts more in a minute, than it may. ``retry_after``: seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotReadyError(OnehopError):
    """A part of the server cannot do its work; the words are meant for the caller."""


class ServerBusyError(OnehopError):
    """All agents together ask for more than the server holds. ``retry_after``: seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ClientLeftError(Exception):
    """Nobody waits for an answer any more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """An error as it goes over the wire."""

    status: int
    code: str
    message: str
    field: str | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        """The JSON that every error has."""
        error: dict[str, Any] = {"code": self.code, "message": _encodable(self.message)}
        if self.field is not None:
            error["field"] = _encodable(self.field)
        return to_json({"error": {**error, "requestId": request_id}})


def _encodable(text: str) -> str:
    """Callers' own words, in which half a surrogate pair is shown by its escape."""
    return text.encode(errors="backslashreplace").decode()


_TABLE: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (AmbiguousCredentialsError, 400, "ambiguous_credentials"),
    (UnauthorizedError, 401, "unauthorized"),
    (ForbiddenError, 403, "forbidden"),
    (NotFoundError, 404, "not_found"),
    (OutputNotFoundError, 404, "not_found"),
    (ArtifactNotFoundError, 404, "not_found"),
    (RunNotFoundError, 404, "not_found"),
    (NotReplayableError, 404, "not_found"),
    (SessionNotFoundError, 404, "not_found"),
    (AgentNotFoundError, 404, "not_found"),
    (SnippetNotFoundError, 404, "not_found"),
    (ApprovalNotFoundError, 404, "not_found"),
    (BodyTooSlowError, 408, "timeout"),
    (AgentExistsError, 409, "exists"),
    (AgentChangedError, 409, "changed"),
    (RunLostError, 409, "run_lost"),
    (SnippetRefusedError, 409, "snippet_refused"),
    (ToolsGoneError, 409, "tools_gone"),
    (BodyTooLargeError, 413, "too_large"),
    (WrongMediaTypeError, 415, "unsupported_media_type"),
    (WrongHostError, 421, "wrong_host"),
    (TooMuchAtOnceError, 429, "rate_limited"),
    (TooManySessionsError, 429, "too_many_sessions"),
    (ServerBusyError, 503, "overloaded"),
    (Overloaded, 503, "overloaded"),
)
"""Errors whose own words are meant for callers."""
_AWAY: Final[tuple[tuple[type[Exception], str], ...]] = (
    (JournalUnavailableError, _NO_JOURNAL),
    (JournalFullError, _JOURNAL_FULL),
    (AuditUnavailableError, _STORE_AWAY),
    (StoreError, _STORE_AWAY),
    (MissingExtraError, _NO_PART),
    (SandboxClosedError, _STOPPING),
    (SandboxUnavailableError, _NO_WORKER),
)
"""Errors whose own words (addresses, paths) are for the operator's log."""
_HTTP_CODES: Final = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def problem_of(error: Exception) -> Problem:
    """What the caller hears about ``error``; the rest is logged."""
    if isinstance(error, InvalidRequestError):
        # Names of Python; what callers made up themselves stays as they wrote it.
        ours = (
            error.field.isidentifier() and error.field.islower() and error.got != "an unknown field"
        )
        name = to_camel(error.field) if ours else error.field
        what = f"got {error.got}; it must be {error.allowed}"
        if isinstance(error, UnknownToolsError):
            return Problem(404, "not_found", f"{name}: {what}", name)
        return invalid(name, what)
    if isinstance(error, RequestValidationError | ValidationError):
        return _unfit(error.errors()[0])
    if isinstance(error, HTTPException):
        return _of_framework(error)
    for kind, status, code in _TABLE:
        if isinstance(error, kind):
            return Problem(status, code, str(error), headers=_headers(error))
    if isinstance(error, NotReadyError):
        _log.warning("not ready: %s", error)
        return Problem(503, "unavailable", str(error), headers=_wait(_RETRY))
    for kind, words in _AWAY:
        if isinstance(error, kind):
            _log.warning("%s", error)
            return Problem(503, "unavailable", words, headers=_wait(_RETRY))
    _log.error("a request failed by an internal error", exc_info=error)
    return Problem(500, "internal", _MISTAKE)


def invalid(name: str, what: str) -> Problem:
    """One argument is at fault."""
    return Problem(400, "invalid_request", f"{name}: {what}", name)


def _unfit(detail: Mapping[str, Any]) -> Problem:
    places = [
        str(part) for part in detail["loc"] if part not in ("body", "query", "header", "path")
    ]
    name = ".".join(places) or "body"
    words = {"extra_forbidden": "there is no such field", "missing": "it is missing"}
    message = words.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    return invalid(name[:80], message[:1].lower() + message[1:])


def _of_framework(error: HTTPException) -> Problem:
    status = error.status_code if error.status_code in _HTTP_CODES else 400
    code = _HTTP_CODES.get(status, "invalid_request")
    words = {404: UNKNOWN_ADDRESS, 405: "the address does not know this method"}
    return Problem(status, code, words.get(status, str(error.detail)), headers=error.headers or {})


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, UnauthorizedError):
        return {"WWW-Authenticate": 'Bearer realm="onehop"'}
    if isinstance(error, Overloaded | TooMuchAtOnceError | ServerBusyError):
        return _wait(error.retry_after)
    return {}


def _wait(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
