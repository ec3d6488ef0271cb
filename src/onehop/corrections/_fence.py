"""A Markdown fence around a whole program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onehop._languages import LANGUAGES

if TYPE_CHECKING:
    from onehop.types import Language

_OPENING = re.compile(r"[\s\ufeff]*+(?P<line>(?P<marks>`{3,}+|~{3,}+)(?P<info>[^`\n\r]*+))[\n\r]")
_NOT_LINE_END = re.compile("[^\n\r\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Fence:
    """Where the two marks of a fence are, and what it says of the language."""

    opening: tuple[int, int]
    closing: tuple[int, int]
    """Empty when the text ends before the fence does, as Markdown allows."""
    language: Language | None


def find_fence(code: str) -> Fence | None:
    """The fence around all of ``code``; None when there is none, or text besides it."""
    opening = _OPENING.match(code)
    if opening is None:
        return None
    tag = opening["info"].split()[:1]
    if tag and tag[0].lower() not in LANGUAGES:
        return None
    closing = _closing(code, opening.end(), opening["marks"])
    if closing is None or not code[opening.end() : closing[0]].strip():
        return None
    return Fence(opening.span("line"), closing, LANGUAGES[tag[0].lower()] if tag else None)


def _closing(code: str, start: int, marks: str) -> tuple[int, int] | None:
    """The first line that closes the fence, if it is the last of the text."""
    line = re.compile(rf"^[ \t]*{re.escape(marks)}{marks[0]}*[ \t\r]*$", re.MULTILINE)
    found = line.search(code, start - 1)
    if found is not None:
        return None if code[found.end() :].strip() else found.span()
    end = len(code.rstrip())
    # Code that ends in three backticks calls a string, so this is no code either.
    return (end - len(marks), end) if code.endswith(marks, start, end) else (end, end)


def without_fence(code: str, fence: Fence) -> str:
    """The text with blanks where the fence was, so that every position stays what it was."""
    (start, stop), (close_start, close_stop) = fence.opening, fence.closing
    return "".join(
        [
            code[:start],
            _NOT_LINE_END.sub(" ", code[start:stop]),
            code[stop:close_start],
            _NOT_LINE_END.sub(" ", code[close_start:close_stop]),
            code[close_stop:],
        ]
    )
