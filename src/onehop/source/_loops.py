"""Loops of a session's call that may hold its variables as their own, at the speed of a plain run.

A name of the session is a property of the global object, which the engine reads and writes slowly.
A loop holds a variable in a local one, and gives it back at its end, if nothing can see the
difference: no function of this call or an earlier one has the name in it, no block declares it
again, and nothing gets at names of the session by text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Final

from onehop._data import data

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.source._tree import SyntaxTree

MOST_LOOPS: Final = 100
MOST_MENTIONS: Final = 20_000
_MOST_NAMES: Final = 60
"""Of one loop."""
_FUNCTIONS: Final = frozenset(
    "function_declaration generator_function_declaration function_expression generator_function "
    "arrow_function method_definition class_static_block class_declaration class".split()
)
_LOOPS: Final = frozenset("for_statement for_in_statement while_statement do_statement".split())
_NAMES: Final = frozenset(
    "identifier shorthand_property_identifier shorthand_property_identifier_pattern".split()
)
_WRITES: Final = frozenset(
    "assignment_expression augmented_assignment_expression update_expression for_in_statement "
    "variable_declarator".split()
)
_TARGETS: Final = ("left", "argument", "name")
_GLOBALS: Final = frozenset("globalThis self window global frames eval arguments".split())


@data(frozen=True, slots=True)
class Loop:
    """An outermost loop: from which UTF-16 unit to which, and names that it has."""

    start: int
    end: int
    names: list[str]
    written: list[str]
    """Those of the names that it assigns."""
    before: list[str]
    """Variables that the call has declared at its top level by then."""


@data(frozen=True, slots=True)
class Loops:
    """Of one program."""

    found: list[Loop] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    """Names that stand in a function or class."""
    hidden: list[str] = field(default_factory=list)
    """Names that a block declares."""
    is_dynamic: bool = False
    """Whether it may get at names of the session in other ways than by their names."""


def read_loops(tree: SyntaxTree) -> Loops:
    """Look at a program in JavaScript."""
    reader = _Reader(tree)
    reader.walk()
    names = len(reader.mentions) + len(reader.hidden)
    too_many = names > MOST_MENTIONS or len(reader.found) > MOST_LOOPS
    if reader.is_dynamic or too_many:
        return Loops(is_dynamic=True)
    return Loops(reader.found, sorted(reader.mentions), sorted(reader.hidden))


class _Reader:
    def __init__(self, tree: SyntaxTree) -> None:
        self._tree = tree
        self._before: list[str] = []
        self.found: list[Loop] = []
        self.mentions: set[str] = set()
        self.hidden: set[str] = set()
        self.is_dynamic = False

    def walk(self) -> None:
        for statement in self._tree.root.named_children:
            self._look(statement)
            if statement.type in ("lexical_declaration", "variable_declaration"):
                for each in statement.named_children:
                    name = each.child_by_field_name("name")
                    self._before += [] if name is None else self._within(name)

    def _look(self, statement: Node) -> None:
        """Everything in it, each node once; ``depth`` is 1 in a function, 2 in a class."""
        pending = [(statement, 0, False)]
        while pending:
            node, depth, in_loop = pending.pop()
            self._note(node, depth)
            if depth == 0 and not in_loop and _starts_loop(node):
                self._loop(node)
                in_loop = True
            if node.type in _FUNCTIONS:
                depth = 2 if depth == 2 or node.type.startswith("class") else 1
            pending += [(child, depth, in_loop) for child in node.named_children]

    def _note(self, node: Node, depth: int) -> None:
        kind = node.type
        if kind in _NAMES:
            name = self._tree.text(node)
            self.is_dynamic |= name in _GLOBALS or "\\" in name
            if depth:
                self.mentions.add(name)
        elif kind in ("with_statement", "ERROR") or (kind == "this" and depth < 2):
            self.is_dynamic = True
        elif kind == "unary_expression" and node.children[0].type == "delete":
            self.is_dynamic |= node.named_children[0].type == "identifier"
        elif depth == 0 and node.parent != self._tree.root:
            self._hide(node)

    def _hide(self, node: Node) -> None:
        """What a block declares is not the session's."""
        if node.type == "lexical_declaration":
            for each in node.named_children:
                self._hide_names(each.child_by_field_name("name"))
        elif node.type in ("catch_clause", "class_declaration", "function_declaration"):
            self._hide_names(node.child_by_field_name("parameter"))
            self._hide_names(node.child_by_field_name("name"))
        elif node.type == "generator_function_declaration":
            self._hide_names(node.child_by_field_name("name"))
        if node.type == "for_in_statement":
            self._hide_head(node)

    def _hide_head(self, node: Node) -> None:
        kind = node.child_by_field_name("kind")
        if kind is not None and self._tree.text(kind) != "var":
            self._hide_names(node.child_by_field_name("left"))

    def _hide_names(self, pattern: Node | None) -> None:
        if pattern is not None:
            self.hidden.update(self._within(pattern))

    def _loop(self, node: Node) -> None:
        if node.type == "for_in_statement":
            self._hide_head(node)
        names, written = self._names_of(node)
        if 0 < len(names) <= _MOST_NAMES:
            place = node.start_byte // 2, node.end_byte // 2
            self.found.append(Loop(*place, sorted(names), sorted(written), [*self._before]))

    def _names_of(self, loop: Node) -> tuple[set[str], set[str]]:
        names: set[str] = set()
        written: set[str] = set()
        pending = [loop]
        while pending:
            node = pending.pop()
            if node.type in _NAMES:
                names.add(self._tree.text(node))
            elif node.type in _WRITES:
                for field_name in _TARGETS:
                    target = node.child_by_field_name(field_name)
                    written.update([] if target is None else self._within(target))
            pending += node.named_children
        return names, written

    def _within(self, node: Node) -> list[str]:
        """All names in a pattern; a few more than it assigns do no harm."""
        return [*_identifiers(self._tree, node)]


def _identifiers(tree: SyntaxTree, node: Node) -> Iterator[str]:
    pending = [node]
    while pending:
        each = pending.pop()
        if each.type in _NAMES:
            yield tree.text(each)
        pending += each.named_children


def _starts_loop(node: Node) -> bool:
    """A loop with its labels, which belong to it."""
    while node.type == "labeled_statement":
        body = node.child_by_field_name("body")
        if body is None:
            return False
        node = body
    return node.type in _LOOPS
