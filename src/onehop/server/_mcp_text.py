"""A result as text that a model reads well: what it returned, or why it failed and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic_core import to_json

from onehop.types import Correction, ErrorInfo, ExecutionResult, Finding

_SHORT: Final = 2000
"""Bytes of JSON up to which an output is set out on several lines."""
_SHOWN: Final = 120
"""Characters of a corrected value that are shown."""


def render(result: ExecutionResult, reference: str | None = None) -> str:
    """The text of a result; ``reference`` is the URI under which all of its output is kept."""
    if _is_plain(result):
        return _json(result.output)
    return "\n\n".join(_sections(result, reference))


def _is_plain(result: ExecutionResult) -> bool:
    """Whether the returned value says it all."""
    beside = result.logs or result.corrections or result.findings or result.warnings
    return result.success and not (beside or result.output_truncated)


def _sections(result: ExecutionResult, reference: str | None) -> Iterator[str]:
    if result.success:
        yield _output(result, reference)
    else:
        yield _failure(result)
    if result.logs:
        yield _console(result)
    if result.corrections:
        yield _list("Corrected before the run", map(_correction, result.corrections))
    if result.warnings:
        yield _list("Warnings", result.warnings)
    if result.findings and result.success:
        yield _list("Worth a look", map(_finding, result.findings))


def _output(result: ExecutionResult, reference: str | None) -> str:
    if not result.output_truncated:
        return f"Output:\n{_json(result.output)}"
    where = f"\nRead it in pages from the resource {reference}" if reference else ""
    return (
        f"Output (too large, this is its beginning as JSON text):\n{result.output}…\n"
        f"{where}\nOr return less: filter, group or count in the code."
    )


def _failure(result: ExecutionResult) -> str:
    info = result.error_info
    lines = [f"Error{_kind(info)}: {result.error}"]
    if info is not None and info.excerpt:
        lines.append(info.excerpt)
    blocking = [item for item in result.findings or () if item.type == "error"]
    if blocking:
        lines.append(_list("What was found", map(_finding, blocking)))
    if result.hints:
        lines.append(_list("Hints", result.hints))
    return "\n".join(lines)


def _kind(info: ErrorInfo | None) -> str:
    return f" ({info.type.replace('_', ' ')})" if info is not None else ""


def _console(result: ExecutionResult) -> str:
    cut = "\n(there was more, which is gone)" if result.logs_truncated else ""
    return "Console:\n" + "\n".join(result.logs) + cut


def _correction(item: Correction) -> str:
    return f"{item.field} ({item.kind}): {_brief(item.from_)} → {_brief(item.to)}"


def _finding(item: Finding) -> str:
    advice = f"; {item.suggestion}" if item.suggestion else ""
    return f"line {item.line}, column {item.column}: {item.message}{advice}"


def _list(title: str, items: Any) -> str:
    return "\n".join([f"{title}:", *(f"- {item}" for item in items)])


def _brief(value: Any) -> str:
    text = _json(value, short=0)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _json(value: Any, short: int = _SHORT) -> str:
    compact = to_json(value, inf_nan_mode="null")
    if len(compact) > short or not isinstance(value, dict | list):
        return compact.decode()
    return to_json(value, indent=2, inf_nan_mode="null").decode()
