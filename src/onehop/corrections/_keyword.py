"""The word ``function`` where it is missing: ``async main() { … }`` is a method without a class."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import TYPE_CHECKING, Final

from onehop.corrections._draft import Repair
from onehop.corrections._edits import Edit
from onehop.corrections._entry import MAIN
from onehop.corrections._report import shorten

if TYPE_CHECKING:
    from onehop.corrections._draft import Draft

_HEAD: Final = re.compile(
    r"^(?:(?:export[ ]+(?:default[ ]+)?)?async[ \t]*)?+(?P<at>)(?P<name>[A-Za-z_$][\w$]*+)?[ \t]*+"
    r"\([^()\n]{0,500}\)(?:[ \t]*:[^={}\n]{1,200})?[ \t]*\{",
    re.MULTILINE,
)
_NAME: Final = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$]*+")
_NOT_NAMES: Final = frozenset(
    "async await catch do else export for function if new return super switch throw try typeof "
    "while with yield".split()
)
_MOST: Final = 50


def with_function(draft: Draft) -> Repair | None:
    """The program with ``function`` before each name that has parameters and a body."""
    if "{" not in draft.code:
        return None
    heads = [found for found in _HEAD.finditer(draft.code) if found["name"] not in _NOT_NAMES]
    functions = _functions(draft.code, heads)
    heads = [found for found in heads if _is_function(found, functions)]
    if not heads or not draft.broken:
        return None
    edits = tuple(_keyword(draft.code, found.start("at")) for found in heads[:_MOST])
    if draft.changed(edits).whole is None:
        return None
    shown = shorten(heads[0].group().rstrip("{"))
    at = heads[0].start("at") - heads[0].start()
    return Repair("function", edits, shown, f"{shown[:at]}{edits[0].text}{shown[at:]}")


def _functions(code: str, heads: list[re.Match[str]]) -> frozenset[str]:
    """Names that also stand where no head is: `elif (a) {` is a statement of another language."""
    places = {found.start("name") for found in heads}
    used = (found.group() for found in _NAME.finditer(code) if found.start() not in places)
    return frozenset((*MAIN, *used))


def _is_function(head: re.Match[str], functions: Set[str]) -> bool:
    is_said = head.group().lstrip().startswith(("async", "export"))
    return is_said or head["name"] in functions


def _keyword(code: str, at: int) -> Edit:
    gap = " " if code[at - 1 : at].isalpha() else ""
    return Edit(at, at, f"{gap}function ")
