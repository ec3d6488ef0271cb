"""Why a call did not run, as a result that a model reads; in the words and codes of HTTP errors."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types

from onehop.server._errors import Problem, problem_of

ERROR: Final = "onehop/error"
"""In ``_meta`` of a result: what was wrong, as the body of an HTTP error has it."""
_CANCELLED: Final = Problem(499, "cancelled", "the call was cancelled")


def refusal(error: Exception, request_id: str | None = None) -> types.CallToolResult:
    """What callers hear about ``error``; the rest is logged."""
    return _result(problem_of(error), request_id)


def cancelled() -> types.CallToolResult:
    """The client has cancelled the call; it hardly waits for this."""
    return _result(_CANCELLED, None)


def _result(problem: Problem, request_id: str | None) -> types.CallToolResult:
    details: dict[str, Any] = {"code": problem.code, "message": problem.message}
    if problem.field is not None:
        details["field"] = problem.field
    if "Retry-After" in problem.headers:
        details["retryAfter"] = int(problem.headers["Retry-After"])
    if request_id is not None:
        details["requestId"] = request_id
    text = f"Error ({problem.code.replace('_', ' ')}): {problem.message}{_advice(details)}"
    return types.CallToolResult(
        content=[types.TextContent(text=text)], is_error=True, _meta={ERROR: details}
    )


def _advice(details: dict[str, Any]) -> str:
    seconds = details.get("retryAfter")
    return f" (try again in {seconds} s)" if seconds is not None else ""
