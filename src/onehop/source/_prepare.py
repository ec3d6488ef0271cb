"""Take imports and exports of types out of a text, to see whether it has others.

Every position stays where it was: what goes is overwritten with spaces. Nothing of it is run: so
``diagnose`` knows TypeScript that was sent as JavaScript.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onehop.source._lines import position

if TYPE_CHECKING:
    from onehop.source._modules import Edit
    from onehop.source._tree import SyntaxTree
    from onehop.types import Language

_MODULE_WORD = re.compile(r"(?<![.\w$#])(?:import|export)\b(?!\s*[(.:])")
_LINE_ENDS = "\n\r\u2028\u2029"
_NO_LINE_END = re.compile(f"[^{_LINE_ENDS}]")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Text of the same lines and columns as the user's."""

    code: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the text cannot run, in the user's coordinates."""

    message: str
    line: int
    column: int


def prepare(code: str, language: Language) -> Prepared | Problem:
    """The body of a function without imports and exports of types, or what else it has."""
    if language != "typescript":
        return Prepared(code)
    if not _may_be_module(code):
        return Prepared(code)
    from onehop.source._tree import parse

    tree = parse(code, "typescript")
    if tree is None:
        return Prepared(code)
    taken_out = _take_out(code, tree)
    if isinstance(taken_out, Problem):
        return taken_out
    return Prepared(_apply(code, tree, taken_out))


def _may_be_module(code: str) -> bool:
    # Plain containment is a hundred times faster than the pattern.
    return ("import" in code or "export" in code) and bool(_MODULE_WORD.search(code))


def _take_out(code: str, tree: SyntaxTree) -> list[Edit] | Problem:
    from onehop.source._modules import judge

    edits: list[Edit] = []
    for statement in tree.root.named_children:
        verdict = judge(statement, tree)
        if isinstance(verdict, list):
            edits += verdict
        # In a broken tree the words may stand in a string; then the engine shall judge.
        elif verdict and not tree.root.has_error:
            return Problem(verdict, *position(code, tree.index(statement)))
    return edits


def _apply(code: str, tree: SyntaxTree, edits: list[Edit]) -> str:
    """The text with each edit's part overwritten; they come in order and do not overlap."""
    if not edits:
        return code
    from onehop.source._tree import join

    parts: list[str] = []
    at = 0
    for edit in edits:
        start, end = edit.start // 2, edit.end // 2
        parts += tree.units[at:start], edit.text, _blank(tree.units[start + len(edit.text) : end])
        at = end
    return join("".join([*parts, tree.units[at:]]))


def _blank(units: str) -> str:
    """Spaces in place of all but line ends."""
    if units.isascii() and "\n" not in units and "\r" not in units:
        return " " * len(units)
    return _NO_LINE_END.sub(" ", units)
