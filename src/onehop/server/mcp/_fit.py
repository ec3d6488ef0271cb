"""Keeps an answer small enough for every client: what is too large in it is cut, and says so.

Clients refuse one event of more than 1 MiB. A result appears in it up to three times: as data, as
text, where JSON inside JSON may take twice the room, and in ``_meta``. Each part has a bound of its
own, so that no part is cut because another is long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from pydantic_core import to_json

from onehop.definition.told import console
from onehop.types import Correction, ErrorInfo, ExecutionResult, LogEntry

MAX_OUTPUT: Final = 256 * 1024
"""Bytes of an output's JSON; a larger one comes as a preview."""
_ANSWER: Final = 960_000
"""Bytes of a whole answer."""
_SMALL: Final = 64 * 1024
"""Bytes of a result's JSON up to which nothing in it can be too large."""
_PREVIEW: Final = 16 * 1024
"""Bytes of a large output that are shown."""
_CONSOLE: Final = 192 * 1024
"""Bytes that console lines may take of an answer: about 64 KB of long lines."""
_TEXT: Final = 4 * 1024
"""Bytes of any other text."""
_VALUE: Final = 2 * 1024
"""Bytes of a corrected value."""
_LIST: Final = 8 * 1024
"""Bytes of all findings, of all corrections, of all hints, of all warnings."""

_Row = tuple[str, LogEntry | None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A result that fits into an answer."""

    result: ExecutionResult
    lines: Sequence[str]
    """Its console lines, with one that tells how many were left out."""


def fit(result: ExecutionResult, keep: Callable[[str], str]) -> Fitted:
    """The result itself if it is small enough. Otherwise with what is too large in it cut, and
    the output kept by ``keep``, which gives the id to read it by."""
    if _size(result) <= _SMALL:
        return Fitted(result, console(result))
    smaller = _cut_words(_cut_output(result, keep))
    room = _ANSWER - _cost(smaller.output) - 3 * _size_of_words(smaller)
    return _cut_console(smaller, min(room, _CONSOLE))


def _size(value: Any) -> int:
    return len(to_json(value, inf_nan_mode="null"))


def _cost(output: Any) -> int:
    """Bytes that an output takes as data and as text."""
    text = to_json(output, inf_nan_mode="null").decode()
    return _size(text) + len(text.encode())


# --- the output ---


def _cut_output(result: ExecutionResult, keep: Callable[[str], str]) -> ExecutionResult:
    if result.output_truncated:  # the sandbox has kept it, and gave the beginning of its text
        return result.model_copy(update={"output": _beginning(str(result.output))})
    data = to_json(result.output, inf_nan_mode="null")
    if len(data) <= MAX_OUTPUT:
        return result
    text = data.decode()
    changes = {
        "output": _beginning(text),
        "output_truncated": True,
        "persisted_output_id": keep(text),
    }
    return result.model_copy(update=changes)


def _beginning(text: str) -> str:
    return text.encode()[:_PREVIEW].decode(errors="ignore")


# --- errors and advice ---


def _cut_words(result: ExecutionResult) -> ExecutionResult:
    changes: dict[str, Any] = {
        "error": _short(result.error),
        "error_info": _cut_error(result.error_info),
        "hints": result.hints and _few(map(_short, result.hints)),
        "warnings": result.warnings and _few(map(_short, result.warnings)),
        "corrections": result.corrections and _few(map(_cut_correction, result.corrections)),
        "findings": result.findings and _few(result.findings),
    }
    return result.model_copy(update=changes)


def _size_of_words(result: ExecutionResult) -> int:
    words = (result.error, result.error_info, result.hints)
    return _size([*words, result.warnings, result.corrections, result.findings])


def _cut_error(info: ErrorInfo | None) -> ErrorInfo | None:
    if info is None:
        return None
    names = ("name", "message", "stack", "excerpt")
    return info.model_copy(update={name: _short(getattr(info, name)) for name in names})


def _cut_correction(item: Correction) -> Correction:
    changes = {"from_": _short_value(item.from_), "to": _short_value(item.to)}
    return item.model_copy(update=changes)


def _short_value(value: Any) -> Any:
    if _size(value) <= _VALUE:
        return value
    text = value if isinstance(value, str) else to_json(value, inf_nan_mode="null").decode()
    return _short(text, _VALUE)


def _few(items: Iterable[Any]) -> list[Any]:
    """The first of them, as many as there is room for."""
    kept: list[Any] = []
    room = _LIST
    for item in items:
        room -= _size(item)
        if room < 0:
            break
        kept.append(item)
    return kept


def _short(text: str | None, limit: int = _TEXT) -> str | None:
    if text is None or _size(text) <= limit:
        return text
    kept = text[:limit]
    while (size := _size(kept)) > limit:
        kept = kept[: len(kept) * limit // size]
    return f"{kept}… ({len(text) - len(kept)} more characters)"


# --- the console ---


def _cut_console(result: ExecutionResult, room: int) -> Fitted:
    """The beginning and the end of the console, and between them how much is missing."""
    rows: list[_Row] = [*zip_longest(console(result), result.log_entries)]
    if sum(map(_row_cost, rows)) <= room:
        return Fitted(result, console(result))
    rows = [_cut_row(row, room // 8) for row in rows]
    head = _as_many(rows, room // 2)
    tail = _as_many(rows[len(head) :][::-1], room // 2)[::-1]
    gone = len(rows) - len(head) - len(tail)
    told = [f"… ({gone} lines left out) …"] if gone else []
    lines = [*(line for line, _ in head), *told, *(line for line, _ in tail)]
    entries = [entry for _, entry in (*head, *tail) if entry is not None]
    changes = {"log_entries": entries, "logs_truncated": True}
    return Fitted(result.model_copy(update=changes), lines)


def _row_cost(row: _Row) -> int:
    """Bytes of a line as data, as text and in ``_meta``."""
    line, entry = row
    return 2 * _size(line) + (_size(entry) if entry is not None else 0)


def _cut_row(row: _Row, limit: int) -> _Row:
    line, entry = row
    if entry is not None:
        entry = entry.model_copy(update={"message": _short(entry.message, limit)})
    return _short(line, limit) or "", entry


def _as_many(rows: Sequence[_Row], room: int) -> list[_Row]:
    kept: list[_Row] = []
    for row in rows:
        room -= _row_cost(row)
        if room < 0:
            break
        kept.append(row)
    return kept
