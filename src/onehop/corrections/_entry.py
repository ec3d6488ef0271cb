"""Which function of a program is the program, if nothing in it is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onehop.corrections._edits import Edit
from onehop.corrections._program import (
    Declared,
    argument,
    declared,
    is_declaration,
    is_used,
)

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.source._tree import SyntaxTree

MAIN: Final = (
    "main",
    "run",
    "handler",
    "execute",
    "solve",
    "solution",
    "handle",
    "start",
    "program",
    "script",
    "entry",
    "entrypoint",
)
"""A function of such a name is the program."""
_MOST_NAMES: Final = 200
"""Names at the top level; of a program with more, it is not worked out which are used."""
_FUNCTION: Final = frozenset(
    "arrow_function function_expression function_declaration generator_function "
    "generator_function_declaration method_definition class_static_block".split()
)
_MAY_BE_ASYNC: Final = frozenset({"arrow_function", "function_expression", "function_declaration"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A function to call, and with what."""

    name: str
    function: Node
    argument: str


def entry_of(tree: SyntaxTree, statements: list[Node]) -> Entry | None:
    """The function that is meant by a program that only declares; None where it is not certain.

    One of a telling name, or the only name that nothing else uses. Never one that the program
    itself calls.
    """
    if not all(map(is_declaration, statements)):
        return None
    unused = unused_names(tree, statements)
    if unused is None:
        return None
    chosen = _chosen(unused)
    if chosen is None or chosen.function is None:
        return None
    given = argument(chosen.function)
    return None if given is None else Entry(chosen.name, chosen.function, given)


def unused_names(tree: SyntaxTree, statements: list[Node]) -> list[Declared] | None:
    """What the top level declares and nothing else uses; None if that takes too long to say."""
    found = list(declared(tree, statements))
    if len(found) > _MOST_NAMES:
        return None
    uses = [is_used(tree, thing) for thing in found]
    if None in uses:
        return None
    return [thing for thing, used in zip(found, uses, strict=True) if not used]


def _chosen(unused: list[Declared]) -> Declared | None:
    named = {thing.name: thing for thing in unused if thing.name in MAIN and thing.function}
    if len(named) == 1 or "main" in named:
        return named.get("main") or next(iter(named.values()))
    if named or len(unused) != 1:
        return None
    return unused[0]


def made_async(tree: SyntaxTree, function: Node) -> Iterator[Edit]:
    """``async`` in front of a function that awaits without it, which cannot compile."""
    is_async = any(child.type == "async" for child in function.children)
    if is_async or function.type not in _MAY_BE_ASYNC or not _awaits(tree, function):
        return
    start = tree.index(function)
    yield Edit(start, start, "async ")


def _awaits(tree: SyntaxTree, function: Node) -> bool:
    start, end = function.start_byte // 2, function.end_byte // 2
    for found in re.finditer(r"(?<![\w$.])await\b", tree.units[start:end]):
        byte = 2 * (start + found.start())
        node = tree.root.descendant_for_byte_range(byte, byte + 2)
        if node is not None and node.type == "await" and innermost(node) == function:
            return True
    return False


def innermost(node: Node) -> Node | None:
    """The function that a node stands in."""
    around = node.parent
    while around is not None and around.type not in _FUNCTION:
        around = around.parent
    return around
