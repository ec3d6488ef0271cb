"""What becomes of one ``import`` or ``export`` at the top level of a TypeScript program.

The engine refuses both words inside a function body, types or not. What is purely a type is
taken out, what carries a value is refused. An edit keeps the length of what it covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onehop.source import _words

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.source._tree import SyntaxTree

_TYPES = frozenset({"interface_declaration", "type_alias_declaration", "ambient_declaration"})
_NAMESPACES = frozenset({"internal_module", "module"})


@dataclass(frozen=True, slots=True)
class Edit:
    """Overwrite the bytes from ``start`` to ``end`` with ``text`` and spaces."""

    start: int
    end: int
    text: str = ""


Verdict = list[Edit] | str | None
"""Edits, the words of a refusal, or None: not for us to touch."""


def judge(statement: Node, tree: SyntaxTree) -> Verdict:
    """Decide about one statement of the program's top level."""
    match statement.type:
        case "import_statement":
            return _judge_import(statement)
        case "import_alias":
            return _alias(statement)
        case "export_statement":
            return _judge_export(statement, tree)
        case _:
            return None


def _judge_import(statement: Node) -> Verdict:
    if _token(statement, "type") or _imports_types_only(statement):
        return _erase(statement)
    return _words.IMPORT


def _imports_types_only(statement: Node) -> bool:
    """Whether it is ``import { type A, type B } from``."""
    clause = _child(statement, "import_clause")
    if clause is None or clause.named_child_count != 1:
        return False
    return _types_only(_child(clause, "named_imports"), "import_specifier")


def _types_only(clause: Node | None, kind: str) -> bool:
    if clause is None:
        return False
    specifiers = [child for child in clause.children if child.type == kind]
    return bool(specifiers) and all(_token(each, "type") for each in specifiers)


def _alias(statement: Node) -> Verdict:
    """``import X = NS.Y`` is emitted as ``var`` by TypeScript too."""
    keyword = _token(statement, "import")
    if keyword is None or statement.has_error:
        return None
    return [Edit(keyword.start_byte, keyword.end_byte, "var")]


def _judge_export(statement: Node, tree: SyntaxTree) -> Verdict:
    declaration = statement.child_by_field_name("declaration")
    if declaration is not None:
        return _judge_declaration(statement, declaration)
    if _exports_nothing(statement, tree):
        return _erase(statement, broken=_star_of_types(statement, tree))
    return _words.EXPORT


def _judge_declaration(statement: Node, declaration: Node) -> Verdict:
    is_default = _token(statement, "default")
    if is_default:
        return _bare(statement) if declaration.type == "interface_declaration" else _words.EXPORT
    if declaration.type == "import_alias":
        alias = _alias(declaration)
        return [*_bare(statement), *alias] if isinstance(alias, list) else alias
    if declaration.type == "abstract_class_declaration" or _is_type(declaration):
        return _bare(statement)
    return _words.EXPORT


def _is_type(declaration: Node) -> bool:
    """Whether nothing remains of it at run time; a namespace is a type when all in it are."""
    pending = [declaration]
    while pending:
        node = pending.pop()
        if node.type in _NAMESPACES:
            body = node.child_by_field_name("body")
            pending.extend(_statements(body) if body else ())
        elif node.type not in _TYPES:
            return False
    return True


def _statements(body: Node) -> Iterator[Node]:
    """The statements of a namespace, out of their wrappings."""
    for child in body.named_children:
        if child.type == "export_statement":
            yield child.child_by_field_name("declaration") or child
        elif child.type == "expression_statement" and child.named_child_count:
            yield child.named_children[0]
        elif child.type != "comment":
            yield child


def _exports_nothing(statement: Node, tree: SyntaxTree) -> bool:
    if _token(statement, "type") or _star_of_types(statement, tree):
        return True
    if _token(statement, "namespace"):  # `export as namespace X` only speaks to the compiler
        return True
    clause = _child(statement, "export_clause")
    is_empty = clause is not None and clause.named_child_count == 0
    has_source = statement.child_by_field_name("source") is not None
    return _types_only(clause, "export_specifier") or (is_empty and not has_source)


def _star_of_types(statement: Node, tree: SyntaxTree) -> bool:
    """Whether it is ``export type *``, which the grammar does not know yet."""
    errors = [child for child in statement.children if child.is_error]
    return len(errors) == 1 and tree.text(errors[0]) == "type"


def _erase(statement: Node, *, broken: bool = False) -> Verdict:
    """Leave a semicolon, or the lines around it would become one statement."""
    if statement.has_error and not broken:
        return None
    return [Edit(statement.start_byte, statement.end_byte, ";")]


def _bare(statement: Node) -> list[Edit]:
    """Take ``export`` and ``default`` off a declaration."""
    tokens = (_token(statement, "export"), _token(statement, "default"))
    return [Edit(token.start_byte, token.end_byte) for token in tokens if token]


def _token(node: Node, kind: str) -> Node | None:
    return next((c for c in node.children if c.type == kind and not c.is_named), None)


def _child(node: Node, kind: str) -> Node | None:
    return next((c for c in node.children if c.type == kind), None)
