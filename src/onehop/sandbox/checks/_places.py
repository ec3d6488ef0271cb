"""Where in the text of a refused call the fault stands, when its lines are several."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from onehop import source

_TOKEN: Final = re.compile(
    r"""//[^\n\r]*+|/\*(?s:.)*?(?:\*/|\Z)|(?P<text>'(?:[^'\\\n\r]|\\.)*+'?|"(?:[^"\\\n\r]|\\.)*+"?)"""
    r"|(?P<name>[\w$]++)|(?P<open>[(\[{])|(?P<close>[)\]}])"
)
_KEY_ENDS: Final = re.compile(r"\s*+[:,}]")
_FURTHEST: Final = 20_000
"""Characters between the start of a call and its fault."""


def field_place(code: str, field: str | None, line: int, column: int) -> tuple[int, int]:
    """The place of the argument ``field`` of the call at a place; that of the call if the text does
    not show it."""
    start = source.index_at(code, line, column)
    if start is None or not field:
        return line, column
    wanted = field.partition(".")[0]
    keys = (at for at, name in _keys(code, start) if name == wanted)
    found = next(keys, None)
    return (line, column) if found is None else source.position(code, found)


def member_place(code: str, name: str, line: int, column: int) -> tuple[int, int]:
    """The place of the member ``name``, if it is on another line than the start of the call."""
    start = source.index_at(code, line, column)
    found = None
    if start is not None:
        found = re.compile(rf"\.\s*+({re.escape(name)})(?![\w$])").search(
            code, start, start + _FURTHEST
        )
    place = (line, column) if found is None else source.position(code, found.start(1))
    return (line, column) if place[0] == line else place


def _keys(code: str, start: int) -> Iterator[tuple[int, str]]:
    """The names of the object that is the first argument of the call at ``start``."""
    depth = 0
    for token in _TOKEN.finditer(code, start, start + _FURTHEST):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 2 and _KEY_ENDS.match(code, token.end()):
            name = token["name"] or (token["text"] or "")[1:-1]
            yield token.start(), name
