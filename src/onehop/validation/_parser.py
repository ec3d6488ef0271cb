"""Source text to a syntax tree, within a budget of time; grammars are loaded on first use.

The text is parsed as UTF-16, so that half of a byte offset is a place as JavaScript counts.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from onehop.source._tree import join_lets
from onehop.validation._budget import Budget, OutOfTime

if TYPE_CHECKING:
    from tree_sitter import Language, Node


Grammar = Literal["javascript", "typescript", "tsx"]

MAX_LENGTH = 2 * 1024 * 1024
"""Characters; longer programs are not examined."""
_SLICE = 64 * 1024
_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")
_LONE_CR = re.compile("\r(?!\n)")  # a line end of the language that the grammars do not know
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Tree:
    """A syntax tree and the text it stands for."""

    root: Node
    data: bytes
    """The text in UTF-16, to which the nodes' byte offsets point."""
    units: str
    """One character for each UTF-16 unit, so that pairs of surrogates are two."""

    def text(self, node: Node) -> str:
        """The source of ``node``, one character for each UTF-16 unit."""
        return self.units[node.start_byte >> 1 : node.end_byte >> 1]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self.units))]

    def position(self, unit: int) -> tuple[int, int]:
        """The 1-based line and column of a UTF-16 unit."""
        line = bisect_right(self._line_starts, unit)
        return line, unit - self._line_starts[line - 1] + 1


def parse(code: str, grammar: Grammar, budget: Budget) -> Tree:
    """The tree of ``code``. Raises OutOfTime when that takes too long, or the text is too long."""
    if len(code) > MAX_LENGTH:
        raise OutOfTime
    code = _LONE_CR.sub("\n", code) if "\r" in code else code
    data, units = code.encode("utf-16-le", "surrogatepass"), _units(code)
    root = _root(data, grammar, budget)
    if (joined := join_lets(root, units, data)) is not None:
        root = _root(joined, grammar, budget)
    return Tree(root, data, units)


def _root(data: bytes, grammar: Grammar, budget: Budget) -> Node:
    from tree_sitter import Parser

    try:
        tree = Parser(_language(grammar)).parse(
            lambda offset, _point: data[offset : offset + _SLICE],
            encoding="utf16le",
            progress_callback=lambda _offset, _error: budget.is_spent,
        )
    except ValueError:  # what the parser raises when it was told to stop
        raise OutOfTime from None
    return tree.root_node


def _units(code: str) -> str:
    return code if code.isascii() else _ASTRAL.sub(_surrogates, code)


def _surrogates(found: re.Match[str]) -> str:
    rest = ord(found[0]) - 0x10000
    return chr(0xD800 + (rest >> 10)) + chr(0xDC00 + (rest & 0x3FF))


def _language(grammar: Grammar) -> Language:
    from tree_sitter import Language

    if grammar == "javascript":
        import tree_sitter_javascript

        return Language(tree_sitter_javascript.language())
    import tree_sitter_typescript

    if grammar == "typescript":
        return Language(tree_sitter_typescript.language_typescript())
    return Language(tree_sitter_typescript.language_tsx())
