"""Why a call did not run, as a result that a model reads; never an exception's own words, unless
onehop chose them for callers."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types

from onehop.errors import (
    DuplicateRequestError,
    InvalidRequestError,
    OnehopError,
    Overloaded,
)

ERROR: Final = "onehop/error"
"""In ``_meta`` of a result: what was wrong, as the body of an HTTP error has it."""

_FIELDS: Final = {"capture_console": "captureConsole"}
"""Arguments that Python names otherwise than the wire."""
_CODES: Final[tuple[tuple[type[OnehopError], str], ...]] = (
    (InvalidRequestError, "invalid_request"),
    (DuplicateRequestError, "duplicate_request"),
    (Overloaded, "overloaded"),
)
_BROKEN: Final = "onehop made a mistake; its log has the details under the request id"


def refusal(error: OnehopError, request_id: str | None) -> types.CallToolResult:
    """What onehop says of a call that it does not run."""
    details: dict[str, Any] = {"code": _code(error), "message": str(error)}
    if isinstance(error, InvalidRequestError):
        field = _FIELDS.get(error.field, error.field)
        message = f"{field}: got {error.got}; it must be {error.allowed}"
        details |= {"message": message, "field": field}
    if isinstance(error, Overloaded):
        details["retryAfter"] = error.retry_after
    return _result(details, request_id)


def forbidden(role: str) -> types.CallToolResult:
    """The key may not run code."""
    message = f"this key may look, but not run code: its role is {role}"
    return _result({"code": "forbidden", "message": message}, None)


def cancelled() -> types.CallToolResult:
    """The client has cancelled the call; it hardly waits for this."""
    return _result({"code": "cancelled", "message": "the call was cancelled"}, None)


def broken(request_id: str | None) -> types.CallToolResult:
    """A mistake of onehop, of which nothing is told but that it happened."""
    return _result({"code": "internal", "message": _BROKEN}, request_id)


def _code(error: OnehopError) -> str:
    """The word for it in the HTTP API."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), "unavailable")


def _result(details: dict[str, Any], request_id: str | None) -> types.CallToolResult:
    if request_id is not None:
        details["requestId"] = request_id
    text = f"Error ({details['code'].replace('_', ' ')}): {details['message']}"
    return types.CallToolResult(
        content=[types.TextContent(text=text)], is_error=True, _meta={ERROR: details}
    )
