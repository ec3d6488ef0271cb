"""Take out of TypeScript what the engine refuses inside a function body though it is only a type.

Every position stays where it was: what goes is overwritten with spaces. JavaScript passes as it
is; its imports and exports are explained by ``diagnose`` once the engine has refused them.
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
_LINE_ENDS = frozenset(char.encode("utf-16-le") for char in "\n\r\u2028\u2029")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Text for the guest, of the same lines and columns as the user's."""

    code: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the text cannot run, in the user's coordinates."""

    message: str
    line: int
    column: int


def prepare(code: str, language: Language) -> Prepared | Problem:
    """Make the body of a function fit to run, or say what in it never will."""
    if language != "typescript" or not _may_be_module(code):
        return Prepared(code)
    from onehop.source._tree import parse

    tree = parse(code, "typescript")
    return _take_out(code, tree) if tree else Prepared(code)


def _may_be_module(code: str) -> bool:
    # Plain containment is a hundred times faster than the pattern.
    return ("import" in code or "export" in code) and bool(_MODULE_WORD.search(code))


def _take_out(code: str, tree: SyntaxTree) -> Prepared | Problem:
    from onehop.source._modules import judge

    edits: list[Edit] = []
    for statement in tree.root.named_children:
        verdict = judge(statement, tree)
        if isinstance(verdict, list):
            edits += verdict
        # In a broken tree the words may stand in a string; then the engine shall judge.
        elif verdict and not tree.root.has_error:
            return Problem(verdict, *position(code, tree.index(statement)))
    return Prepared(_apply(tree.data, edits) if edits else code)


def _apply(data: bytes, edits: list[Edit]) -> str:
    from onehop.source._tree import decode

    result = bytearray(data)
    for edit in edits:
        text = edit.text.encode("utf-16-le")
        blank = _blank(data[edit.start + len(text) : edit.end])
        result[edit.start : edit.end] = text + blank
    return decode(result)


def _blank(data: bytes) -> bytes:
    """Spaces in place of all but line ends, one for each UTF-16 unit."""
    units = (data[at : at + 2] for at in range(0, len(data), 2))
    return b"".join(unit if unit in _LINE_ENDS else b" \0" for unit in units)
