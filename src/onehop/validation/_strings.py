"""Text that the tree shows to be constant: literals, and what is put together from them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.validation._parser import Tree

MAX_TEXT = 200
"""Characters; no name that matters is longer."""
_MAX_PARTS = 200
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,6}|\d{1,7}")

Name = Callable[["Node"], "Node | None"]
"""What a name stands for: the expression that it was given."""


class Strings:
    """Evaluates constant expressions of one program; never runs anything."""

    def __init__(self, tree: Tree, initial: Name) -> None:
        self._tree = tree
        self._initial = initial

    def text(self, node: Node, depth: int = 0) -> str | None:
        """The text that an expression always has, None when that is not certain."""
        if depth > 20 or node.end_byte - node.start_byte > 100 * MAX_TEXT:
            return None
        text = self._evaluate(node, depth + 1)
        return text if text is not None and len(text) <= MAX_TEXT else None

    def _evaluate(self, node: Node, depth: int) -> str | None:
        match node.type:
            case "string" | "template_string":
                return self._parts(node.named_children, depth)
            case "number":
                return self._tree.text(node)
            case "binary_expression":
                return self._sum(node, depth)
            case "identifier":
                initial = self._initial(node)
                return self.text(initial, depth) if initial else None
            case "call_expression":
                return self._call(node, depth)
            case "parenthesized_expression" | "as_expression" | "satisfies_expression":
                return self.text(node.named_children[0], depth) if node.named_children else None
            case "non_null_expression" | "template_substitution":
                return self.text(node.named_children[0], depth) if node.named_children else None
            case _:
                return None

    def _parts(self, parts: list[Node], depth: int) -> str | None:
        """The pieces of a literal, one behind the other."""
        found = ""
        for part in parts[: _MAX_PARTS + 1]:
            piece = self._piece(part, depth)
            if piece is None or len(found) > MAX_TEXT:
                return None
            found += piece
        return found

    def _piece(self, part: Node, depth: int) -> str | None:
        match part.type:
            case "string_fragment":
                return self._tree.text(part)
            case "escape_sequence":
                return _unescape(self._tree.text(part))
            case _:
                return self.text(part, depth)

    def _sum(self, node: Node, depth: int) -> str | None:
        """A sum, from its right end: long ones lean to the left and must not recurse."""
        pieces: list[str] = []
        rest: Node | None = node
        while rest is not None and rest.type == "binary_expression":
            operator, right = rest.child_by_field_name("operator"), _field(rest, "right")
            piece = self.text(right, depth) if operator and operator.type == "+" else None
            if piece is None or len(pieces) > _MAX_PARTS:
                return None
            pieces.append(piece)
            rest = _field(rest, "left")
        first = self.text(rest, depth) if rest else None
        return None if first is None else first + "".join(reversed(pieces))

    def _call(self, node: Node, depth: int) -> str | None:
        callee, arguments = node.child_by_field_name("function"), _arguments(node)
        if callee is None or arguments is None:
            return None
        if callee.type == "identifier" and self._tree.text(callee) == "atob":
            return _decoded(self._first(arguments, depth))
        if callee.type != "member_expression":
            return None
        return self._method(_field(callee, "object"), callee, arguments, depth)

    def _method(self, base: Node, callee: Node, arguments: list[Node], depth: int) -> str | None:
        match self._tree.text(_field(callee, "property")):
            case "fromCharCode" | "fromCodePoint" if self._tree.text(base) == "String":
                return self._characters(arguments)
            case "concat":
                return self._parts([base, *arguments], depth)
            case "toString" | "valueOf" | "trim":
                return self.text(base, depth)
            case "toLowerCase":
                text = self.text(base, depth)
                return text.lower() if text else None
            case "join":
                return self._join(base, self._first(arguments, depth), depth)
            case _:
                return None

    def _join(self, base: Node, between: str | None, depth: int) -> str | None:
        items = self._items(base, depth)
        if items is None:
            return None
        return ("," if between is None else between).join(items)

    def _items(self, node: Node, depth: int) -> list[str] | None:
        """The elements of an array of constant texts."""
        if depth > 20:
            return None
        if node.type == "array":
            texts = [self.text(each, depth) for each in node.named_children[:_MAX_PARTS]]
            known = [text for text in texts if text is not None]
            return known if len(known) == len(texts) else None
        callee, arguments = node.child_by_field_name("function"), _arguments(node)
        if callee is None or callee.type != "member_expression" or arguments is None:
            return None
        return self._list_method(_field(callee, "object"), callee, arguments, depth + 1)

    def _list_method(
        self, base: Node, callee: Node, arguments: list[Node], depth: int
    ) -> list[str] | None:
        match self._tree.text(_field(callee, "property")):
            case "reverse":
                items = self._items(base, depth)
                return items[::-1] if items else None
            case "split":
                text, by = self.text(base, depth), self._first(arguments, depth)
                return None if text is None else list(text) if by == "" else text.split(by or ",")
            case _:
                return None

    def _first(self, arguments: list[Node], depth: int) -> str | None:
        return self.text(arguments[0], depth) if arguments else None

    def _characters(self, arguments: list[Node]) -> str | None:
        codes = [self._tree.text(each) for each in arguments[:_MAX_PARTS]]
        if not all(map(_NUMBER.fullmatch, codes)):
            return None
        numbers = [int(code, 0 if code[:2] in ("0x", "0X") else 10) for code in codes]
        return "".join(chr(number) for number in numbers if number < 0x110000)


def _unescape(text: str) -> str:
    found = _ESCAPE.match(text)
    if found:
        code = int(found[1] or found[2] or found[3], 16)
        return chr(code) if code < 0x110000 else ""
    rest = text[1:]
    return "" if rest[:1] in "\r\n\u2028\u2029" else _SIMPLE.get(rest, rest)


def _decoded(text: str | None) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode("latin-1") if text else None
    except (binascii.Error, ValueError):
        return None


def _field(node: Node, name: str) -> Node:
    """A field that the grammar guarantees; the node itself in a broken tree."""
    return node.child_by_field_name(name) or node


def _arguments(node: Node) -> list[Node] | None:
    found = node.child_by_field_name("arguments")
    if found is None or found.type != "arguments":
        return None
    return [each for each in found.named_children if each.type != "comment"]
