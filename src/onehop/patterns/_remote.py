"""The shape of a failure as an analysis process finds it, and the answer read by the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onehop.errors import OnehopError
from onehop.patterns._shapes import known, shape_of
from onehop.types import (
    ErrorInfo,
    ExecutionRequest,
    ExecutionResult,
    Finding,
    Language,
)

if TYPE_CHECKING:
    from onehop.analysis import Analyst

_MAX_MESSAGE = 2_000
"""Characters of an error's message that its shape may rest on."""
_MAX_FINDINGS = 10


async def shape(
    analyst: Analyst, agent_id: str, request: ExecutionRequest, result: ExecutionResult
) -> str | None:
    """``shape_of`` a failed run of ``request``, by the process that ``analyst`` has for this agent.

    Without one, what the error alone tells: a shape is a lesson for later runs, and never worth the
    result of this one.
    """
    info = result.error_info
    if info is None or info.line is None:
        return shape_alone(request, result)
    arguments = {"code": request.code, "language": request.language, **_told(result, info)}
    try:
        found = await analyst.ask(agent_id, "shape", arguments)
    except OnehopError:
        found = None
    if isinstance(found, str) and known(found):
        return found
    return shape_alone(request, result)


def shape_alone(request: ExecutionRequest, result: ExecutionResult) -> str | None:
    """What the error alone tells of the shape, wherever in the code it arose."""
    info = result.error_info
    if info is not None:
        info = info.model_copy(update={"line": None, "column": None})
    return shape_of("", request.language, result.model_copy(update={"error_info": info}))


def shape_from(
    code: str, language: Language, info: dict[str, Any], findings: list[dict[str, Any]]
) -> str | None:
    """What the analysis process does with what ``shape`` sends."""
    result = ExecutionResult.model_construct(  # to learn how to check one takes 20 ms
        success=False,
        code_hash="",
        error_info=ErrorInfo(**info),
        findings=[Finding(**each) for each in findings],
    )
    return shape_of(code, language, result)


def _told(result: ExecutionResult, info: ErrorInfo) -> dict[str, Any]:
    short = info.model_copy(
        update={"message": info.message[:_MAX_MESSAGE], "stack": None, "excerpt": None}
    )
    findings = [each.model_dump() for each in (result.findings or ())[:_MAX_FINDINGS]]
    return {"info": short.model_dump(), "findings": findings}
