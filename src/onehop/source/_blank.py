"""Overwrite the types of a program where another process says that they are.

That process reads the texts of strangers and is believed in nothing: it can have parts of a
program blanked, put one of three brackets and marks, and no more.
"""

from __future__ import annotations

import re

from onehop.source._tree import join, split

_ANSWER = re.compile(r"(?:\d{1,5},(?:\d{1,5}|[;()])(?:,(?=\d)|\Z))*", re.ASCII)
_MARKS = frozenset(";()")
_LINE_ENDS = "\n\r\u2028\u2029"
_HALF = re.compile("[\ud800-\udfff]")
_MAY_BE_TYPED = re.compile(
    r"[:<!@\\]|-->|\?\s*[,)(;=]|(?<![\w$.])0[\d_]"
    r"|\b(?:abstract|accessor|as|declare|enum|implements|interface|module|namespace|override"
    r"|private|protected|public|readonly|satisfies|type|with)\b"
)
"""No TypeScript is without any of these, unless it is JavaScript."""
_DIFFERENT = ("<!--", "-->", "use strict")
"""Comments to V8, not to the compiler; and a directive, which may no semicolon precede."""


def may_be_typed(code: str) -> bool:
    """Whether TypeScript ``code`` may be anything but JavaScript."""
    return _MAY_BE_TYPED.search(code) is not None


def may_lose_types(code: str) -> bool:
    """Whether ``code`` may be judged by its text alone, wherever its types are."""
    return not any(text in code for text in _DIFFERENT)


def blank(code: str, answer: str) -> str | None:
    """``code`` with parts overwritten; None when the answer is none.

    The answer is pairs, all divided by commas: how many UTF-16 units further on, and how many units
    are blanked there, or else which of ``;``, ``(`` and ``)`` is put in the place of one. No line
    end and no half of a character is overwritten.
    """
    if not answer:
        return code
    if not _ANSWER.fullmatch(answer):
        return None
    units = split(code)
    blanked = _overwrite(units, answer.split(","))
    if blanked is None or any(blanked.count(end) != units.count(end) for end in _LINE_ENDS):
        return None
    whole = join(blanked)
    return None if not whole.isascii() and _HALF.search(whole) else whole


def _overwrite(units: str, words: list[str]) -> str | None:
    parts: list[str] = []
    at = 0
    for gap, what in zip(words[::2], words[1::2], strict=True):
        start = at + int(gap)
        new = what if what in _MARKS else " " * int(what)
        parts += units[at:start], new
        at = start + len(new)
    return None if at > len(units) else "".join([*parts, units[at:]])
