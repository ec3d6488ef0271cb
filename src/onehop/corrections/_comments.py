"""Comments of Python and of shells, `x = 1  # one`, where JavaScript has `//`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from onehop.corrections._draft import Repair
from onehop.corrections._edits import Edit
from onehop.corrections._standing import types_of

if TYPE_CHECKING:
    from onehop.corrections._draft import Draft

_TOKEN: Final = re.compile(
    r"""
    //[^\n\r]*+ | /\*(?s:.)*?(?:\*/|\Z)
  | '(?:[^'\\\n\r]|\\.)*+'? | "(?:[^"\\\n\r]|\\.)*+"? | `(?:[^`\\]|\\(?s:.))*+`?
  | (?P<hash>(?:^|(?<=[\s;,{}()\[\]]))\#++(?=[\s]|\Z)[^\n\r]*+)
    """,
    re.VERBOSE | re.MULTILINE,
)
_LONGEST: Final = 100_000
_MOST: Final = 500


def respell_comments(draft: Draft) -> Repair | None:
    """The program with its comments as JavaScript has them."""
    if "#" not in draft.code or len(draft.code) > _LONGEST:
        return None
    edits = tuple(_hashes(draft.code))
    if not 0 < len(edits) <= _MOST or not draft.broken:
        return None
    after = draft.changed(edits)
    if after.whole is None or {*types_of(after.whole, after.code, edits)} != {"comment"}:
        return None
    return Repair("comment", edits, "#", "//")


def _hashes(code: str) -> Iterator[Edit]:
    for found in _TOKEN.finditer(code):
        text = found["hash"]
        if text is not None:
            marks = len(text) - len(text.lstrip("#"))
            yield Edit(found.start(), found.start() + marks, "//")
