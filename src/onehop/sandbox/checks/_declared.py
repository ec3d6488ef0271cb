"""The types of the tools that a program names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from onehop.sandbox.snippets import types_of
from onehop.tools import Bound, Declared, ambient, is_identifier

if TYPE_CHECKING:
    from onehop.sandbox.calls import Grant

_MOST: Final = 200
"""Tools."""
_WORDS: Final = re.compile(r"[\w$]+")
_TOKENS: Final = re.compile(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"|\bunknown\b', re.DOTALL)
NONE: Final = "declare const tools: any;\ndeclare const snippets: any;\n"


def tools_declaration(grant: Grant | None, code: str, *, observed: bool = False) -> str:
    """Declarations of the tools whose names stand in ``code``; the others are anything. What a
    schema leaves open is ``any``: code may do with it what it likes. ``observed`` types of answers
    are hints after a failure, and never a reason to refuse."""
    if grant is None:
        return NONE
    found = _named(grant, code)
    named = [grant.discovery.seen(bound) if observed else bound for bound in found]
    snippets = _snippets(grant, code)
    if not named and not snippets:
        return NONE
    aliases = json.loads(grant.catalogue.names_json())["aliases"]
    return _TOKENS.sub(_opened, ambient(named, aliases, is_open=True, snippets=snippets))


def _snippets(grant: Grant, code: str) -> list[Declared]:
    """Those whose names stand in the code."""
    if grant.snippets is None or "snippets" not in code:
        return []
    words = set(_WORDS.findall(code))
    bounds = grant.snippets.catalogue.bound.values()
    return types_of(bound for bound in bounds if bound.member in words)


def _named(grant: Grant, code: str) -> Iterator[Bound]:
    words = set(_WORDS.findall(code))
    found = 0
    for bound in grant.catalogue.bound.values():
        if found < _MOST and _is_named(bound, code, words):
            found += 1
            yield bound


def _is_named(bound: Bound, code: str, words: set[str]) -> bool:
    names = {path.removeprefix(f"{bound.namespace}.") for path in bound.spellings} | {bound.member}
    return any(name in words if is_identifier(name) else name in code for name in names)


def _opened(found: re.Match[str]) -> str:
    return "any" if found[0] == "unknown" else found[0]
