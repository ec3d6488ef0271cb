"""Exports, which mean nothing in the body of a function: what they name is returned or called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from onehop.corrections._completion import is_value
from onehop.corrections._draft import Draft, Repair
from onehop.corrections._edits import Edit, edited
from onehop.corrections._entry import MAIN, made_async
from onehop.corrections._program import (
    FUNCTIONS,
    TYPES,
    argument,
    bare,
    declared,
    expression_of,
    meaningful,
    returns_at_top,
)
from onehop.corrections._report import shorten

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.source._tree import SyntaxTree

_WORD = re.compile(r"\bexport\b|\bexports\b")
_MODULE = re.compile(r"(?:module\s*\.\s*)?exports(?:\s*\.\s*[\w$]+)?|module\s*\.\s*exports")
_MOST_EXPORTS: Final = 100
_KEYWORDS = frozenset({"export", "default"})


def without_exports(draft: Draft) -> Repair | None:
    """The program without its exports; what is exported by default is its result."""
    if "export" not in draft.code or not _WORD.search(draft.code):
        return None
    tree = draft.whole
    if tree is None:
        return None
    statements = meaningful(tree)
    exports = [node for node in statements if _exports(tree, node)]
    if not 0 < len(exports) <= _MOST_EXPORTS or _is_module_use(tree, exports):
        return None
    edits = [_edits(tree, statements, node) for node in exports]
    if any(made is None for made in edits):
        return None
    made = tuple(edit for each in edits if each for edit in each)
    return Repair("export", made, *_shown(tree, exports[0], made)) if made else None


def _shown(tree: SyntaxTree, node: Node, edits: tuple[Edit, ...]) -> tuple[str, str]:
    """An export as it was written, and what becomes of it."""
    start, text = tree.index(node), tree.text(node)
    inside = [edit for edit in edits if start <= edit.start and edit.end <= start + len(text)]
    moved = [Edit(edit.start - start, edit.end - start, edit.text) for edit in inside]
    return shorten(text), shorten(edited(text, moved).after.strip(" ;"))


def _exports(tree: SyntaxTree, node: Node) -> bool:
    return node.type == "export_statement" or _assigned(tree, node) is not None


def _assigned(tree: SyntaxTree, statement: Node) -> Node | None:
    """What is assigned to ``module.exports`` or to a field of ``exports``."""
    inner = expression_of(statement)
    if inner is None or inner.type != "assignment_expression":
        return None
    left, right = inner.child_by_field_name("left"), inner.child_by_field_name("right")
    is_export = left is not None and _MODULE.fullmatch(tree.text(left)[:100])
    return right if is_export else None


def _is_module_use(tree: SyntaxTree, exports: list[Node]) -> bool:
    """Whether `module` or `exports` are used otherwise, or declared, so that they stay."""
    assigned = [node for node in exports if node.type != "export_statement"]
    if not assigned:
        return False
    uses = re.findall(r"(?<![\w$.])(?:module|exports)(?![\w$])", tree.units)
    return len(assigned) > 1 or len(uses) > 1 or bool(returns_at_top(tree))


def _edits(tree: SyntaxTree, statements: list[Node], node: Node) -> list[Edit] | None:
    """What becomes of one export; None when that is not certain."""
    declaration = node.child_by_field_name("declaration")
    if node.type == "export_statement" and declaration is not None:
        return _of_declaration(tree, statements, node, declaration)
    if node.type == "export_statement" and node.child_by_field_name("value") is None:
        return _of_clause(tree, node)
    value = node.child_by_field_name("value") or _assigned(tree, node)
    return None if value is None else _of_value(tree, statements, node, value)


def _of_declaration(
    tree: SyntaxTree, statements: list[Node], node: Node, declaration: Node
) -> list[Edit]:
    if declaration.type in TYPES:  # a compiler of TypeScript takes them out
        return []
    edits = list(_without_keywords(tree, node))
    is_default = any(child.type == "default" for child in node.children)
    name = declaration.child_by_field_name("name")
    given = argument(declaration) if declaration.type == "function_declaration" else None
    if not is_default or name is None or given is None or returns_at_top(tree):
        return edits
    last = statements[-1]
    end = tree.index(last) + len(tree.text(last))
    call = Edit(end, end, f"; return {tree.text(name)}({given});")
    return [*edits, *made_async(tree, declaration), call]


def _without_keywords(tree: SyntaxTree, node: Node) -> Iterator[Edit]:
    for child in node.children:
        if child.type in _KEYWORDS:
            start = tree.index(child)
            yield Edit(start, start + len(child.type), " " * len(child.type))


def _of_clause(tree: SyntaxTree, node: Node) -> list[Edit] | None:
    """A list of names; what comes from elsewhere is not there."""
    if node.child_by_field_name("source") is not None:
        return None
    text = tree.text(node)
    if not text.removeprefix("export").lstrip().startswith("{"):
        return []
    start = tree.index(node)
    kept = "".join(char if char in "\r\n\u2028\u2029" else " " for char in text[1:])
    return [Edit(start, start + len(text), ";" + kept)]


def _of_value(
    tree: SyntaxTree, statements: list[Node], node: Node, value: Node
) -> list[Edit] | None:
    if node != statements[-1] or returns_at_top(tree):
        return None
    start, text = tree.index(value), tree.text(value)
    before = Edit(tree.index(node), start, "return ")
    inner = bare(value)
    if inner.type in FUNCTIONS:
        given = argument(inner)
        if given is None:
            return None
        before = Edit(before.start, start, "return (")
        end = start + len(text)
        return [before, *made_async(tree, inner), Edit(end, end, f")({given})")]
    function = _function_named(tree, statements, text)
    if function is not None:
        given = argument(function)
        end = start + len(text)
        made = [*made_async(tree, function), before, Edit(end, end, f"({given})")]
        return None if given is None else made
    names = _functions_and_classes(tree, statements)
    if _names_main(tree, inner, names):
        return [Edit(before.start, before.start + len(tree.text(node)), ";")]
    return [before] if is_value(tree, value) and not _holds_any(tree, inner, names) else None


def _function_named(tree: SyntaxTree, statements: list[Node], name: str) -> Node | None:
    found = declared(tree, _unwrapped(statements))
    return next((each.function for each in found if each.name == name), None)


def _unwrapped(statements: list[Node]) -> list[Node]:
    return [node.child_by_field_name("declaration") or node for node in statements]


def _functions_and_classes(tree: SyntaxTree, statements: list[Node]) -> set[str]:
    found = declared(tree, _unwrapped(statements))
    return {each.name for each in found if each.function or "variable" not in each.node.type}


def _names_main(tree: SyntaxTree, value: Node, names: set[str]) -> bool:
    """Whether it is an object of names, and one of them says that it is the program."""
    if value.type != "object":
        return False
    given = {tree.text(child) for child in value.named_children}
    return given <= names and not given.isdisjoint(MAIN)


def _holds_any(tree: SyntaxTree, value: Node, names: set[str]) -> bool:
    """Whether it is one of the functions or classes, or an object that has functions in it."""
    if value.type != "object":
        return tree.text(value) in names
    return any(
        child.type == "method_definition"
        or tree.text(child) in names
        or (child.child_by_field_name("value") or child).type in FUNCTIONS
        for child in value.named_children
    )
