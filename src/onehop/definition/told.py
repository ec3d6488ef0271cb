"""What a model reads about a run. The text and the data of an answer are two forms of this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from onehop.types import (
    Correction,
    ErrorInfo,
    ExecutionResult,
    Finding,
    PlannedCall,
    Status,
)

_SHOWN: Final = 120
"""Characters of a corrected value that are shown."""
_MORE: Final = "… (more lines were printed than the console may hold; the rest is gone)"


@dataclass(frozen=True, slots=True)
class Told:
    """The parts of a result that a model can act on; whatever else there is, programs read."""

    success: bool
    output: Any
    """The value, or the beginning of its JSON text when it was too large."""
    is_preview: bool
    logs: Sequence[str]
    error: str
    """Empty after a success."""
    error_kind: str
    warnings: Sequence[str]
    corrections: Sequence[str]
    findings: Sequence[str]
    """What validation has seen in the code, with what to write instead."""
    hints: Sequence[str]
    running: str
    """What to do about a run that goes on, or waits for a person; empty for one that has ended."""
    status: Status
    artifacts: Sequence[str]
    """Files that the code has shown."""
    plan: Sequence[str] | None
    """The calls that the code would make, if that was asked; nothing was executed then."""
    reading: str
    """How to come by the rest of an output that was too large."""


def told_of(
    result: ExecutionResult, lines: Sequence[str] | None = None, reference: str | None = None
) -> Told:
    """``lines`` are the console's if not all of them are shown; ``reference`` is the URI under
    which all of a large output is kept."""
    return Told(
        success=result.success,
        output=result.output,
        is_preview=bool(result.output_truncated),
        logs=console(result) if lines is None else lines,
        error=_error(result),
        error_kind=_kind(result.error_info),
        warnings=result.warnings or (),
        corrections=[*map(_correction, result.corrections or ())],
        findings=[*_findings(result.findings or (), result.error_info)],
        hints=result.hints or (),
        running=_running(result),
        status=result.status,
        artifacts=[
            f"{each.name} ({each.type}, {each.size} bytes)" for each in result.artifacts or ()
        ],
        plan=None if result.plan is None else [*map(planned, result.plan)],
        reading=_reading(reference) if result.output_truncated else "",
    )


def _running(result: ExecutionResult) -> str:
    if result.status == "paused":
        return _paused(result)
    if result.status != "running":
        return ""
    return f"The run goes on: call code_wait with requestId {result.request_id!r} for the rest."


def _paused(result: ExecutionResult) -> str:
    calls = [f"{each.tool}({_brief(each.arguments)})" for each in result.approvals or ()]
    return (
        f"The run is paused: a person must decide about {' and '.join(calls) or 'its calls'}. "
        "Tell your user; do not run the code again. When it is decided, call code_wait with "
        f"requestId {result.request_id!r} for the rest."
    )


def console(result: ExecutionResult) -> list[str]:
    """The console lines, and that there were more if the sandbox has dropped some."""
    return [*result.logs, _MORE] if result.logs_truncated else result.logs


def planned(call: PlannedCall) -> str:
    """A call that the code would make, and what the rules say of it."""
    given = "…" if call.arguments is None else _brief(call.arguments)
    notes = [
        f"line {call.line}",
        call.effect or "unknown tool",
        _decision(call),
        "" if call.certain else "perhaps",
        "perhaps several times" if call.repeats else "",
    ]
    return f"{call.tool or '(a computed name)'}({given}): {', '.join(filter(None, notes))}"


def _decision(call: PlannedCall) -> str:
    words = {None: "", "allow": "", "ask": "asks first", "deny": "denied"}[call.action]
    if words and call.depends:
        words += ", depending on its arguments"
    return f"{words} ({call.rule})" if words and call.rule else words


def _error(result: ExecutionResult) -> str:
    excerpt = result.error_info.excerpt if result.error_info else None
    return "\n".join(filter(None, (result.error, excerpt)))


def _kind(info: ErrorInfo | None) -> str:
    return info.type.replace("_", " ") if info is not None else ""


def _correction(item: Correction) -> str:
    return f"{item.field} ({item.kind}): {_brief(item.from_)} → {_brief(item.to)}"


def _findings(findings: Iterable[Finding], error: ErrorInfo | None) -> Iterator[str]:
    for item in findings:
        words = [item.message, item.suggestion]
        if _is_same(item, error):  # it has been told, so only the advice is new
            words = [item.suggestion]
        if any(words):
            yield f"line {item.line}, column {item.column}: {'; '.join(filter(None, words))}"


def _is_same(item: Finding, error: ErrorInfo | None) -> bool:
    if error is None or (item.line, item.column) != (error.line, error.column):
        return False
    return error.message.startswith(item.message)


def _reading(reference: str | None) -> str:
    advice = "Return less: filter, group or count in the code."
    if reference is None:
        return advice
    return f"{advice} Or read the output in pages from the resource {reference}"


def _brief(value: Any) -> str:
    text = to_json(value, inf_nan_mode="null").decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
