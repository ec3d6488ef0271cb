"""The loops of a program: how many, how deep, and whether they end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from onehop.validation._scopes import FUNCTIONS

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.validation._facts import Facts

_STATEMENTS = {
    "for": frozenset({"for_statement", "for_in_statement"}),
    "while": frozenset({"while_statement"}),
    "do": frozenset({"do_statement"}),
}
_LOOPS = frozenset().union(*_STATEMENTS.values())
_WAYS_OUT = ("break", "return", "throw", "yield", "continue")
_JUMPS = frozenset({"break_statement", "continue_statement"})
_BOUNDARIES = FUNCTIONS | {"class_body"}
_TRUE = frozenset({"true", "number", "string", "array", "object"})
_FALSE_TEXTS = frozenset({"0", "0.0", "0n", '""', "''", "-0", "00"})


class Loops:
    """Found once for all rules and for the measure of complexity."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    @cached_property
    def all(self) -> list[Node]:
        """Every loop, in the order of the text."""
        found = [
            parent
            for word, kinds in _STATEMENTS.items()
            for leaf in self._facts.words.leaves(word)
            if leaf.type == word
            and (parent := self._facts.scopes.parent(leaf)) is not None
            and parent.type in kinds
        ]
        return sorted(found, key=lambda node: node.start_byte)

    @cached_property
    def depths(self) -> list[int]:
        """How many loops each one of ``all`` stands in, itself included."""
        open_ends: list[int] = []
        depths = []
        for loop in self.all:
            while open_ends and open_ends[-1] <= loop.start_byte:
                open_ends.pop()
            open_ends.append(loop.end_byte)
            depths.append(len(open_ends))
        return depths

    @cached_property
    def endless(self) -> list[Node]:
        """Loops without a condition that may fail and without a way out."""
        candidates = [loop for loop in self.all if self._always_goes_on(loop)]
        return [loop for loop in candidates if not self._has_way_out(loop)]

    def _always_goes_on(self, loop: Node) -> bool:
        if loop.type == "for_in_statement":
            return False
        condition = loop.child_by_field_name("condition")
        while condition is not None and condition.type in (
            "parenthesized_expression",
            "expression_statement",
        ):
            condition = condition.named_children[0] if condition.named_child_count else None
        if condition is None or condition.type == "empty_statement":
            return loop.type == "for_statement" and not loop.has_error
        return self._is_true(condition)

    def _is_true(self, condition: Node) -> bool:
        text = self._facts.tree.text(condition)
        if condition.type in _TRUE:
            return text not in _FALSE_TEXTS
        return text.replace(" ", "") in ("!0", "!false", "!!1", "!!true", "1===1", "1==1")

    def _has_way_out(self, loop: Node) -> bool:
        return any(self._leaves(jump, loop) for jump in self._jumps(loop))

    def _jumps(self, loop: Node) -> Iterator[Node]:
        for word in _WAYS_OUT:
            leaves = self._facts.words.leaves(word)
            self._facts.budget.spend(len(leaves) // 8)
            for leaf in leaves:
                inside = loop.start_byte < leaf.start_byte < loop.end_byte
                parent = self._facts.scopes.parent(leaf) if inside and leaf.type == word else None
                if parent is not None:
                    yield parent

    def _leaves(self, jump: Node, loop: Node) -> bool:
        """Whether a jump inside of a loop goes beyond it, and not only beyond something in it."""
        label = jump.child_by_field_name("label")
        inner, outer = jump, self._facts.scopes.parent(jump)
        while outer is not None and outer != loop:
            if outer.type in _BOUNDARIES or self._stops(outer, inner, jump, label):
                return False
            inner, outer = outer, self._facts.scopes.parent(outer)
        if label is None:
            return jump.type != "continue_statement"
        is_own = self._label_of(loop) == self._facts.tree.text(label)
        return not (is_own and jump.type == "continue_statement")

    def _stops(self, outer: Node, inner: Node, jump: Node, label: Node | None) -> bool:
        """Whether ``outer`` is where the jump ends."""
        if outer.type == "try_statement" and jump.type == "throw_statement":
            is_body = outer.child_by_field_name("body") == inner
            return is_body and outer.child_by_field_name("handler") is not None
        if jump.type not in _JUMPS:
            return False
        if label is not None:
            if outer.type != "labeled_statement":
                return False
            own = outer.child_by_field_name("label")
            return own is not None and self._facts.tree.text(own) == self._facts.tree.text(label)
        return outer.type in _LOOPS or (
            outer.type == "switch_statement" and jump.type == "break_statement"
        )

    def _label_of(self, loop: Node) -> str | None:
        parent = self._facts.scopes.parent(loop)
        if parent is None or parent.type != "labeled_statement":
            return None
        label = parent.child_by_field_name("label")
        return self._facts.tree.text(label) if label else None
