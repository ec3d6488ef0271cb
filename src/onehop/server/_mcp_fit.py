"""Keeps a result small enough for every client: what is too large comes as a preview.

Clients refuse one event of more than 1 MiB. A result appears in it twice, as data and as text,
where JSON inside JSON may take twice the room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pydantic_core import to_json

from onehop.types import Correction, ErrorInfo, ExecutionResult

MAX_RESULT: Final = 256 * 1024
"""Bytes of a result's JSON."""
_PREVIEW: Final = 16 * 1024
"""Bytes of a large output that are shown."""
_CONSOLE: Final = 64 * 1024
"""Bytes of console lines that remain when a result is too large; they appear in it twice."""
_TEXT: Final = 4 * 1024
"""Characters of any other text that remain then."""
_ITEMS: Final = 20
"""Findings, corrections and hints that remain of each then."""


def fit(result: ExecutionResult, keep: Callable[[str], str]) -> ExecutionResult:
    """The result itself if it is small enough. Otherwise with what is too large in it cut, and
    the output kept by ``keep``, which gives the id to read it by."""
    if _size(result.to_dict()) <= MAX_RESULT:
        return result
    smaller = _cut_words(_cut_console(result))
    if _size(smaller.to_dict()) <= MAX_RESULT:
        return smaller
    return _cut_output(smaller, keep)


def _size(value: Any) -> int:
    return len(to_json(value, inf_nan_mode="null"))


def _cut_console(result: ExecutionResult) -> ExecutionResult:
    kept, room = 0, _CONSOLE
    for line in result.logs:
        room -= _size(line)
        if room < 0:
            break
        kept += 1
    if kept == len(result.logs):
        return result
    changes = {"logs": result.logs[:kept], "log_entries": result.log_entries[:kept]}
    return result.model_copy(update={**changes, "logs_truncated": True})


def _cut_words(result: ExecutionResult) -> ExecutionResult:
    changes: dict[str, Any] = {
        "error": _short(result.error),
        "error_info": _cut_error(result.error_info),
        "hints": result.hints and [_short(hint) for hint in result.hints[:_ITEMS]],
        "corrections": result.corrections and [*map(_cut_correction, result.corrections[:_ITEMS])],
        "findings": result.findings and result.findings[:_ITEMS],
    }
    return result.model_copy(update=changes)


def _cut_error(info: ErrorInfo | None) -> ErrorInfo | None:
    if info is None:
        return None
    changes = {name: _short(getattr(info, name)) for name in ("name", "message", "stack")}
    return info.model_copy(update=changes)


def _cut_correction(item: Correction) -> Correction:
    changes = {"from_": _short_value(item.from_), "to": _short_value(item.to)}
    return item.model_copy(update=changes)


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _TEXT else text[:_TEXT] + "…"


def _short_value(value: Any) -> Any:
    if isinstance(value, str):
        return _short(value)
    text = to_json(value, inf_nan_mode="null").decode()
    return value if len(text) <= _TEXT else text[:_TEXT] + "…"


def _cut_output(result: ExecutionResult, keep: Callable[[str], str]) -> ExecutionResult:
    if result.output_truncated:  # the sandbox has kept it, and gave the beginning of its text
        return result.model_copy(update={"output": _beginning(str(result.output))})
    text = to_json(result.output, inf_nan_mode="null").decode()
    changes = {
        "output": _beginning(text),
        "output_truncated": True,
        "persisted_output_id": keep(text),
    }
    return result.model_copy(update=changes)


def _beginning(text: str) -> str:
    return text.encode()[:_PREVIEW].decode(errors="ignore")
