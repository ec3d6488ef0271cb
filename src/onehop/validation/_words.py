"""Where a word stands in the text, as leaves of the tree.

Text search finds the few places that matter many times faster than a walk over the whole tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.validation._budget import Budget
    from onehop.validation._parser import Tree

NAMES = frozenset({"identifier", "shorthand_property_identifier"})
"""Leaves that refer to a variable, unless they declare one."""
_ESCAPED_NAME = re.compile(r"(?:[\w$]|\\u(?:[0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,8}\}))+")
_ESCAPE = re.compile(r"\\u(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{4}))")


def unescape_name(text: str) -> str:
    """An identifier with its unicode escapes resolved."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    code = int(found[1] or found[2], 16)
    return chr(code) if code < 0x110000 else "\ufffd"


class Words:
    """Finds words in one program; each is looked for once."""

    def __init__(self, tree: Tree, budget: Budget) -> None:
        self._tree = tree
        self._budget = budget
        self._found: dict[str, list[Node]] = {}

    def leaves(self, word: str) -> list[Node]:
        """The leaves that hold ``word`` as a whole word, in the order of the text.

        Identifiers that spell it with escapes are among them, comments are not.
        """
        if word not in self._found:
            # A name that is missing in broken code is empty.
            offsets = self._offsets(word) if word else ()
            plain = [self.leaf(at, at + len(word)) for at in offsets]
            both = plain + self._escaped.get(word, [])
            both.sort(key=lambda node: node.start_byte)
            self._found[word] = [node for node in both if node.type != "comment"]
        return self._found[word]

    def matches(self, pattern: re.Pattern[str]) -> Iterator[Node]:
        """The leaf at the first character of each match of ``pattern``."""
        for found in pattern.finditer(self._tree.units):
            yield self.leaf(found.start(), found.start() + 1)

    def leaf(self, start: int, end: int) -> Node:
        """The smallest node around a range of UTF-16 units."""
        self._budget.spend()
        root = self._tree.root
        return root.descendant_for_byte_range(start * 2, end * 2 - 1) or root

    def name(self, node: Node) -> str:
        """What an identifier is called, its escapes resolved."""
        return unescape_name(self._tree.text(node))

    def _offsets(self, word: str) -> Iterator[int]:
        units = self._tree.units
        at = units.find(word)
        while at >= 0:
            end = at + len(word)
            if not (_continues(units[at - 1 : at]) or _continues(units[end : end + 1])):
                yield at
            at = units.find(word, end)

    @cached_property
    def _escaped(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for match in self._escaped_names():
            node = self.leaf(match.start(), match.end())
            if "identifier" in node.type and node.start_byte == match.start() * 2:
                found.setdefault(unescape_name(match[0]), []).append(node)
        return found

    def _escaped_names(self) -> Iterator[re.Match[str]]:
        units = self._tree.units
        at = units.find("\\u")
        while at >= 0:
            start = at
            while _continues(units[start - 1 : start]):
                start -= 1
            match = _ESCAPED_NAME.match(units, start)
            if match:
                yield match
            at = units.find("\\u", max(match.end() if match else 0, at + 2))


def _continues(character: str) -> bool:
    return character.isalnum() or (character != "" and character in "_$")
