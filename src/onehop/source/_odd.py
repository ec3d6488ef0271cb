"""Marks that a word processor, a web page or an encoder put into a program, outside of its texts.

A tokenizer in one pass, not a parser: what it takes for a string may be none in a broken text, so
code that changes something on its word looks at the outcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["quotes", "character", "entity", "escape"]

_COMMENT = r"(?P<comment>//[^\n\r]*+|/\*(?s:.)*?(?:\*/|\Z))"
_COMMENT_OF_ONE_LINE = r"(?P<comment>//(?:(?!\\n).)*+|/\*(?s:.)*?(?:\*/|\Z))"
_REST = r"""
  | (?P<plain>(?:[A-Za-z0-9_$]++(?<!return)|[ \t\n\r.)\]>*%^~@\#<-]++)++)
  | (?P<string>'(?:[^'\\\n\r]|\\(?s:.))*+'|"(?:[^"\\\n\r]|\\(?s:.))*+"|`(?:[^`\\]|\\(?s:.))*+`)
  | (?P<regex>(?:[(,=:\[!&|?{};+]|\breturn\b)\s*+
      /(?![*/])(?:[^/\\\[\n\r]|\\.|\[(?:[^\]\\\n\r]|\\.){0,99}+\]){1,500}+/)
  | (?P<quotes>[\u201c-\u201f][^\u201c-\u201f"\n\r]*+[\u201c\u201d"]
             |[\u2018-\u201b][^\u2018-\u201b'\n\r]*+[\u2018\u2019'])
  | (?P<entity>&(?:lt|gt|amp|quot|apos|nbsp|\#[0-9]{1,5}|\#[xX][0-9a-fA-F]{1,4});)
  | (?P<escape>\\(?:r\\n|[nrt"'`]))
  | (?P<character>[^\x00-\x7f])
"""
_TOKEN = re.compile(_COMMENT + _REST, re.VERBOSE)
_TOKEN_OF_ONE_LINE = re.compile(_COMMENT_OF_ONE_LINE + _REST, re.VERBOSE)
_QUOTED = re.compile(
    r"""'(?:[^'\\\n]|\\.)*+(')?|"(?:[^"\\\n]|\\.)*+(")?|`(?:[^`\\]|\\(?s:.))*+(`)?"""
)
"""A text in quotes, or the rest of the line where it is never closed: nothing is read twice."""
_KINDS: dict[str, Kind] = {
    "quotes": "quotes",
    "entity": "entity",
    "escape": "escape",
    "character": "character",
}
SUSPECT = re.compile(
    r"[^\x00-\x7f]|&(?:lt|gt|amp|quot|apos|nbsp|\#[0-9]{1,5}|\#[xX][0-9a-fA-F]{1,4});|\\[nrt\"'`]"
)
"""No text without any of these has one of our marks in it."""
SINGLE = frozenset("\u2018\u2019\u201a\u201b")
"""Typographic quotes that stand for an apostrophe."""
INVISIBLE = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u00ad\u180e")
"""Characters without width that are not white space to JavaScript."""
REPLACEMENTS = {
    **{chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)},  # full width
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    "\u2026": "...",
    "\u2264": "<=",
    "\u2265": ">=",
    "\u00d7": "*",
    "\u00f7": "/",
    "\u3001": ",",
    "\u3002": ".",
}
"""Characters that are not JavaScript, and what was meant by them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One of them, and where."""

    kind: Kind
    start: int
    end: int
    text: str


def odd_marks(code: str) -> Iterator[Mark]:
    """Those outside of strings, templates, regular expressions and comments, in their order.

    In a text of one line, a comment ends where a backslash and an ``n`` stand for a line end.
    """
    if not SUSPECT.search(code):
        return
    is_one_line = "\n" not in code.strip() and "\r" not in code.strip()
    token = _TOKEN_OF_ONE_LINE if is_one_line else _TOKEN
    if not is_one_line and not SUSPECT.search(_QUOTED.sub(_unclosed, code)):
        return  # in most programs all are in texts, which is quicker to tell than which
    for found in token.finditer(code):
        kind = _KINDS.get(found.lastgroup or "")
        if kind == "character" and _may_be_code(found.group()):
            continue
        if kind is not None:
            yield Mark(kind, found.start(), found.end(), found.group())


def _unclosed(quoted: re.Match[str]) -> str:
    return "" if quoted.lastindex else quoted.group()


def _may_be_code(char: str) -> bool:
    """A letter of a name, white space or a line end."""
    return f"a{char}".isidentifier() or char.isspace() or char == "\ufeff"
