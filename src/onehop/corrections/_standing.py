"""What edits have become in the tree of the text that they made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from onehop.source._tree import encode

if TYPE_CHECKING:
    from onehop.corrections._edits import Edit
    from onehop.source._tree import SyntaxTree


def types_of(tree: SyntaxTree, code: str, edits: tuple[Edit, ...]) -> Iterator[str]:
    """Of each edit, in the order of the text, the type of the node that it begins in ``code``."""
    shift = 0
    for edit in edits:
        byte = len(encode(code[: edit.start + shift]))
        node = tree.root.descendant_for_byte_range(byte, byte + 2)
        yield "" if node is None else node.type
        shift += len(edit.text) - (edit.end - edit.start)
