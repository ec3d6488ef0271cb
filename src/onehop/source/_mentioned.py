"""Where the name stands that an error is about: of some statements the engine tells the start.

`return name` and `if (name)` are blamed at their first letter, if the name is the first thing that
is looked up in them.
"""

from __future__ import annotations

import re
from typing import Final

from onehop.source._lines import index_at, position

_ABOUT: Final = re.compile(
    r"(?P<name>[\w$]{1,100}) is not defined"
    r"|Cannot access '(?P<early>[\w$]{1,100})' before initialization"
)
_FURTHEST: Final = 2_000
"""Characters between the start of a statement and a name that it looks up first."""


def name_place(code: str, message: str, line: int, column: int) -> tuple[int, int]:
    """The place of the name in ``message``, if it stands behind the one that was told; else that."""
    about = _ABOUT.match(message)
    start = index_at(code, line, column)
    if about is None or start is None:
        return line, column
    named = _mention(code, about["name"] or about["early"], start)
    return (line, column) if named is None else position(code, named)


def _mention(code: str, name: str, start: int) -> int | None:
    """The first time that it stands there as a variable."""
    token = re.compile(
        r"""'(?:[^'\\\n\r]|\\.)*+'|"(?:[^"\\\n\r]|\\.)*+"|//[^\n\r]*+|/\*(?s:.)*?\*/"""
        rf"|(?P<name>(?<![\w$.]){re.escape(name)}(?![\w$]))"
    )
    found = (each for each in token.finditer(code, start, start + _FURTHEST))
    return next((each.start() for each in found if each["name"]), None)
