"""Where the name stands that an error is about: of some statements the engine tells the start.

`return name` and `if (name)` are blamed at their first letter, if the name is the first thing that
is looked up in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from onehop.source._lines import index_at, position

_ABOUT: Final = re.compile(
    r"(?P<name>[\w$]{1,100}) is not defined"
    r"|Cannot access '(?P<early>[\w$]{1,100})' before initialization"
)
_FURTHEST: Final = 2_000
"""Characters between the start of a statement and a name that it looks up first."""
_WHOLE: Final = 100_000
"""Characters of a text in which a name is looked for without a place."""


def name_place(
    code: str, message: str, line: int | None, column: int | None
) -> tuple[int | None, int | None]:
    """The place of the name in ``message``, if it stands behind the one that was told; else that.

    Of what a compiler has added, such as the calls of decorators, none is told: then it is the one
    place where the text has the name.
    """
    about = _ABOUT.match(message)
    start = index_at(code, line or 1, column or 1)
    if about is None or start is None:
        return line, column
    mentions = _mentions(code, about["name"] or about["early"], start, line is not None)
    first = next(mentions, None)
    is_sure = first is not None and (line is not None or next(mentions, None) is None)
    return position(code, first) if first is not None and is_sure else (line, column)


def _mentions(code: str, name: str, start: int, is_near: bool) -> Iterator[int]:
    """The places where it stands as a variable."""
    token = re.compile(
        r"""'(?:[^'\\\n\r]|\\.)*+'?|"(?:[^"\\\n\r]|\\.)*+"?|//[^\n\r]*+|/\*(?s:.)*?(?:\*/|\Z)"""
        rf"|(?P<name>(?<![\w$.]){re.escape(name)}(?![\w$]))"
    )
    end = start + (_FURTHEST if is_near else _WHOLE)
    return (each.start() for each in token.finditer(code, start, end) if each["name"])
