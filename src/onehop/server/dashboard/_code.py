"""Code by lines, each with what is known of it; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from onehop.records import ExecutionRecord

_LINES: Final = 3000
"""Lines of code that a page shows."""


@dataclass(slots=True)
class CodeLine:
    """One line."""

    number: int
    text: str
    error: str = ""
    """What went wrong here."""
    notes: list[dict[str, Any]] = field(default_factory=list)
    """What validation found here."""


def code_of(record: ExecutionRecord) -> tuple[str, bool]:
    """The code as far as it is kept, and whether that is all of it."""
    kept = record.details.get("ran")
    is_whole = isinstance(kept, dict) and kept.get("hash") == record.code_hash
    code = str(kept["code"]) if is_whole and isinstance(kept, dict) else record.code_snippet
    return code, len(code) >= record.code_length


def numbered(code: str, details: dict[str, Any]) -> list[CodeLine]:
    """The lines, from 1."""
    rows = [CodeLine(place, text) for place, text in enumerate(code.split("\n")[:_LINES], 1)]
    info = details.get("errorInfo")
    if isinstance(info, dict):
        _at(rows, info.get("line"), error=f"{info.get('name')}: {info.get('message')}")
    for finding in details.get("findings") or ():
        if isinstance(finding, dict):
            _at(rows, finding.get("line"), note=finding)
    return rows


def _at(
    rows: list[CodeLine], line: Any, *, error: str = "", note: dict[str, Any] | None = None
) -> None:
    if type(line) is not int or not 1 <= line <= len(rows):
        return
    row = rows[line - 1]
    row.error = row.error or error
    if note is not None:
        row.notes.append(note)
