"""The source line of an error, with a caret below the column."""

from __future__ import annotations

import re
import unicodedata

from onehop.source._lines import index_in_line, line_at

_WIDTH = 100
_BEFORE = 60
"""Of a long line, how many characters before the column are kept at most."""
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What could move the cursor or turn the text around, or has no place in UTF-8."""


def excerpt(code: str, line: int | None, column: int | None) -> str | None:
    """The line and a caret, like `` 3 | let b = = 2;``; None if there is no such line."""
    found = line_at(code, line) if line is not None else None
    if found is None:
        return None
    if column is None:
        return f" {line} | {_window(found[0], 0)[0]}"
    text, before = _window(found[0], index_in_line(found[0], column))
    gutter = " " * len(str(line))
    return f" {line} | {text}\n {gutter} | {_padding(text[:before])}^"


def _window(text: str, at: int) -> tuple[str, int]:
    """About a hundred characters around ``at``, and where ``at`` is in them."""
    start = max(0, min(at - _BEFORE, len(text) - _WIDTH)) if len(text) > _WIDTH else 0
    end = min(len(text), start + _WIDTH)
    head, tail = "…" if start else "", "…" if end < len(text) else ""
    shown = _CONTROL.sub("\ufffd", text[start:end])
    return f"{head}{shown}{tail}", at - start + len(head)


def _padding(text: str) -> str:
    """Blanks as wide as ``text`` is on a terminal; tabs stay tabs."""
    return "".join("\t" if char == "\t" else " " * _width(char) for char in text)


def _width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
