"""What an operator's own rule sees of a program: its text, its tree, and what names mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from onehop.types import Finding, IssueType, Language, Severity

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.validation._facts import Facts


class Source:
    """A program to be examined; read-only. Nodes are those of tree-sitter."""

    def __init__(self, code: str, facts: Facts, rule: str) -> None:
        self._code = code
        self._facts = facts
        self._rule = rule

    @property
    def code(self) -> str:
        """The program as it was submitted."""
        return self._code

    @property
    def language(self) -> Language:
        """What it is written in."""
        return self._facts.language

    @property
    def root(self) -> Node:
        """The root of the syntax tree."""
        return self._facts.tree.root

    def text(self, node: Node) -> str:
        """The source of a node."""
        data = self._facts.tree.data[node.start_byte : node.end_byte]
        return data.decode("utf-16-le", "surrogatepass")

    def words(self, word: str) -> Iterator[Node]:
        """The leaves that hold ``word`` as a whole word; comments are left out."""
        yield from self._facts.words.leaves(word)

    def uses(self, *names: str) -> Iterator[Node]:
        """Where globals of these names are used, also through aliases and computed names.

        Locals, properties, types, comments and text that bear such a name do not use it.
        """
        for _, node in self._facts.uses(*names):
            yield node

    def nodes(self, *types: str) -> Iterator[Node]:
        """Every node of these types, in the order of the text; walks the whole tree."""
        cursor = self.root.walk()
        while True:
            self._facts.budget.spend()
            node = cursor.node
            if node is not None and node.type in types:
                yield node
            if cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return

    def position(self, node: Node) -> tuple[int, int]:
        """The 1-based line and column of a node, in UTF-16 units."""
        return self._facts.tree.position(node.start_byte >> 1)

    def finding(
        self,
        node: Node,
        message: str,
        *,
        type: Literal["error", "warning"] = "error",  # noqa: A002  # the contract's word
        severity: Severity = "high",
        issue_type: IssueType = "dangerous_pattern",
        suggestion: str | None = None,
    ) -> Finding:
        """A finding of this rule at a node."""
        line, column = self.position(node)
        return Finding(
            type=type,
            message=message,
            pattern=self._rule,
            severity=severity,
            line=line,
            column=column,
            issue_type=issue_type,
            suggestion=suggestion,
        )


Rule = Callable[[Source], Iterable[Finding]]
"""An operator's rule; its name is the function's."""
