"""Syntax trees, built with a budget: no text makes this slow, deep or fail.

The text is parsed as UTF-16, so that a byte offset is twice a column as JavaScript counts.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tree_sitter import Language, Node

Grammar = Literal["javascript", "typescript", "tsx"]

MAX_LENGTH = 2 * 1024 * 1024
"""Characters; longer texts are left to the engine."""
_SHORT = 4 * 1024
"""Characters; of such a text nothing takes longer than some tens of milliseconds."""
_SLICE = 64 * 1024
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SPLIT_LET = re.compile(r"\blet(\s*[\n\r]\s*)(?=[\w$\\\[{])")


@dataclass(frozen=True, slots=True)
class SyntaxTree:
    """A tree and the text it stands for."""

    root: Node
    data: bytes
    """The text in UTF-16, to which the nodes' byte offsets point."""
    units: str
    """The text with one character for each UTF-16 unit: half a byte offset is an index of it."""

    def text(self, node: Node) -> str:
        """The source of ``node``."""
        return decode(self.data[node.start_byte : node.end_byte])

    def index(self, node: Node) -> int:
        """Where ``node`` starts, as an index of the Python string."""
        return len(decode(self.data[: node.start_byte]))


def encode(code: str) -> bytes:
    """The text in UTF-16, without a mark of byte order."""
    return code.encode("utf-16-le", "surrogatepass")


def decode(data: bytes | bytearray) -> str:
    """The inverse of ``encode``."""
    return data.decode("utf-16-le", "surrogatepass")


def split(code: str) -> str:
    """The text with two halves in place of each character beyond U+FFFF; ``join`` mends it."""
    return code if code.isascii() else _ASTRAL.sub(_halves, code)


def join(units: str) -> str:
    """The inverse of ``split``."""
    return units if units.isascii() else decode(encode(units))


def _halves(found: re.Match[str]) -> str:
    number = ord(found.group()) - 0x10000
    return chr(0xD800 + (number >> 10)) + chr(0xDC00 + (number & 0x3FF))


def parse(code: str, grammar: Grammar, max_seconds: float = 0.25) -> SyntaxTree | None:
    """The tree of ``code``; None when the text is too long or takes too much CPU time.

    Real code of half a million characters takes about half of the default.
    """
    if len(code) > MAX_LENGTH:
        return None
    data, units = encode(code), split(code)
    root = _root(data, grammar, max_seconds)
    joined = None if root is None else join_lets(root, units, data)
    if joined is not None:
        root = _root(joined, grammar, max_seconds)
    return None if root is None else SyntaxTree(root, data, units)


def _root(data: bytes, grammar: Grammar, max_seconds: float) -> Node | None:
    from tree_sitter import Parser

    parser = Parser(language(grammar))
    if len(data) <= 2 * _SHORT:
        return parser.parse(data, encoding="utf16le").root_node
    deadline = time.thread_time() + max_seconds
    try:
        return parser.parse(
            lambda offset, _point: data[offset : offset + _SLICE],
            encoding="utf16le",
            progress_callback=lambda _offset, _error: time.thread_time() > deadline,
        ).root_node
    except ValueError:  # what the parser raises when it was told to stop
        return None


def join_lets(root: Node, units: str, data: bytes) -> bytes | None:
    """The text of a tree with each ``let`` on the line of what it declares; None if all are.

    The grammars take a ``let`` at the end of a line for a variable of that name.
    """
    gaps = [
        found.span(1)
        for found in _SPLIT_LET.finditer(units)
        if _is_statement(root.descendant_for_byte_range(2 * found.start(), 2 * found.start() + 6))
    ]
    if not gaps:
        return None
    joined = bytearray(data)
    for start, end in gaps:
        joined[2 * start : 2 * end] = encode(" " * (end - start))
    return bytes(joined)


def _is_statement(node: Node | None) -> bool:
    """Whether a name is all of its statement."""
    return (
        node is not None
        and node.type == "identifier"
        and node.parent is not None
        and node.parent.type == "expression_statement"
    )


@cache
def language(grammar: Grammar) -> Language:
    """The grammar itself."""
    from tree_sitter import Language

    if grammar == "javascript":
        import tree_sitter_javascript

        return Language(tree_sitter_javascript.language())
    import tree_sitter_typescript

    if grammar == "typescript":
        return Language(tree_sitter_typescript.language_typescript())
    return Language(tree_sitter_typescript.language_tsx())
