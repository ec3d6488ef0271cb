"""Conditions that are decided before a run: constants, and ``typeof`` of what does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.validation._parser import Tree
    from onehop.validation._scopes import Scopes

NEVER_THERE: Final = frozenset(
    "process child_process require importScripts Deno Bun WebAssembly AsyncFunction "
    "GeneratorFunction AsyncGeneratorFunction".split()
)
"""Globals that rules look for and that no worker has."""
_TRUE: Final = frozenset(
    "true object array regex arrow_function function_expression class new_expression".split()
)
_FALSE: Final = frozenset({"false", "null", "undefined"})
_FALSE_TEXTS: Final = frozenset({"0", "0n", "0.0", '""', "''", "``"})
_WRAPPERS: Final = frozenset({"parenthesized_expression", "expression_statement"})
_MAX_DEPTH: Final = 20


class Truth:
    """Decides the conditions of one program, as far as that is certain."""

    def __init__(self, tree: Tree, scopes: Scopes) -> None:
        self._tree = tree
        self._scopes = scopes

    def of(self, node: Node | None, depth: int = 0) -> bool | None:
        """Whether ``node`` counts as true in each run; None when only a run tells."""
        if node is None or depth > _MAX_DEPTH:
            return None
        if node.type in _WRAPPERS:
            return self.of(_only(node), depth + 1)
        if node.type in _TRUE or node.type in _FALSE:
            return node.type in _TRUE
        match node.type:
            case "number" | "string":
                return self._tree.text(node) not in _FALSE_TEXTS
            case "unary_expression" if node.children[0].type == "!":
                inner = self.of(node.child_by_field_name("argument"), depth + 1)
                return None if inner is None else not inner
            case "binary_expression":
                return self._comparison(node)
            case _:
                return None

    def _comparison(self, node: Node) -> bool | None:
        """``typeof process === "object"``, either way round."""
        operator = node.children[1].type
        if operator not in ("===", "==", "!==", "!="):
            return None
        sides = [node.child_by_field_name("left"), node.child_by_field_name("right")]
        for asked, text in (sides, reversed(sides)):
            if self._is_undefined(asked) and text is not None and text.type == "string":
                is_equal = self._tree.text(text)[1:-1] == "undefined"
                return is_equal is (operator in ("===", "=="))
        return None

    def _is_undefined(self, asked: Node | None) -> bool:
        if asked is None or asked.type != "unary_expression" or asked.children[0].type != "typeof":
            return False
        name = asked.child_by_field_name("argument")
        if name is None or name.type != "identifier" or self._tree.text(name) not in NEVER_THERE:
            return False
        return self._scopes.is_free(name)


def _only(node: Node) -> Node | None:
    return node.named_children[0] if node.named_child_count == 1 else None
