"""What a program is made of at its top level, read from a tree without errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.source._tree import SyntaxTree

FUNCTIONS = frozenset({"arrow_function", "function_expression"})
TYPES = frozenset(
    "interface_declaration type_alias_declaration ambient_declaration function_signature".split()
)
"""Nothing of these is left at run time."""
_DECLARATIONS = TYPES | frozenset(
    "function_declaration generator_function_declaration class_declaration "
    "abstract_class_declaration enum_declaration import_statement import_alias module "
    "lexical_declaration variable_declaration".split()
)
"""Statements that only make something for others to use."""
_VARIABLES = frozenset({"lexical_declaration", "variable_declaration"})
_CLASSES = frozenset({"class_declaration", "abstract_class_declaration"})
_CONTAINERS = frozenset(
    "statement_block if_statement else_clause for_statement for_in_statement while_statement "
    "do_statement try_statement catch_clause finally_clause switch_statement switch_body "
    "switch_case switch_default labeled_statement with_statement".split()
)
_INERT = frozenset({"comment", "html_comment", "empty_statement", "hash_bang_line"})
_MOST_PLACES: Final = 1_000
_IN_NAME = re.compile(r"[\w$]")
_NAMES = frozenset({"identifier", "shorthand_property_identifier", "type_identifier"})


@dataclass(frozen=True, slots=True)
class Declared:
    """Something that the top level declares."""

    name: str
    node: Node
    """All of the declaration."""
    function: Node | None
    """The function, if it is one that can be called for its value."""
    is_class: bool = False


def meaningful(tree: SyntaxTree) -> list[Node]:
    """The statements, without comments, empty ones and directives at the start."""
    found = [node for node in tree.root.named_children if node.type not in _INERT]
    for index, node in enumerate(found):
        if not _is_directive(tree, node):
            return found[index:]
    return []


def _is_directive(tree: SyntaxTree, statement: Node) -> bool:
    inner = expression_of(statement)
    return inner is not None and inner.type == "string" and tree.text(inner)[1:5] == "use "


def expression_of(statement: Node) -> Node | None:
    """The expression of a statement that consists of one."""
    if statement.type != "expression_statement":
        return None
    return next((child for child in statement.named_children if child.type != "comment"), None)


def bare(node: Node) -> Node:
    """The expression inside of any parentheses."""
    while node.type == "parenthesized_expression":
        inner = [child for child in node.named_children if child.type != "comment"]
        if len(inner) != 1:
            return node
        node = inner[0]
    return node


def is_declaration(statement: Node) -> bool:
    """Whether it does nothing that can be seen from outside of the program."""
    if statement.type == "export_statement":
        declaration = statement.child_by_field_name("declaration")
        return declaration is not None and is_declaration(declaration)
    if statement.type == "expression_statement":
        inner = expression_of(statement)
        return inner is not None and inner.type == "internal_module"
    return statement.type in _DECLARATIONS


def declared(tree: SyntaxTree, statements: list[Node]) -> Iterator[Declared]:
    """What the statements declare that is there at run time and has a name of its own."""
    for statement in statements:
        name = statement.child_by_field_name("name")
        if statement.type in _VARIABLES:
            yield from _variables(tree, statement)
        elif name is not None and statement.type == "function_declaration":
            yield Declared(tree.text(name), statement, statement)
        elif name is not None and statement.type == "generator_function_declaration":
            yield Declared(tree.text(name), statement, None)
        elif name is not None and statement.type in _CLASSES:
            yield Declared(tree.text(name), statement, None, is_class=True)


def _variables(tree: SyntaxTree, statement: Node) -> Iterator[Declared]:
    for each in statement.named_children:
        if each.type != "variable_declarator":
            continue
        name, value = each.child_by_field_name("name"), each.child_by_field_name("value")
        inner = None if value is None else bare(value)
        function = inner if inner is not None and inner.type in FUNCTIONS else None
        for found in _bound(name):
            yield Declared(tree.text(found), each, function)


def _bound(pattern: Node | None) -> Iterator[Node]:
    """The names that a pattern binds."""
    pending = [] if pattern is None else [pattern]
    while pending:
        node = pending.pop()
        if node.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield node
        elif node.type == "pair_pattern":
            pending += filter(None, [node.child_by_field_name("value")])
        elif node.type in ("assignment_pattern", "object_assignment_pattern"):
            pending += filter(None, [node.child_by_field_name("left")])
        else:
            pending += node.named_children


def is_used(tree: SyntaxTree, thing: Declared) -> bool | None:
    """Whether its name stands anywhere outside of its own declaration; None if it stands in too
    many texts, comments and fields to say."""
    start, end = thing.node.start_byte, thing.node.end_byte
    for count, index in enumerate(_places(tree.units, thing.name)):
        byte = 2 * index
        if start <= byte < end:
            continue
        if count > _MOST_PLACES:
            return None
        node = tree.root.descendant_for_byte_range(byte, byte + 2)
        if node is not None and node.type in _NAMES:
            return True
    return False


def _places(text: str, name: str) -> Iterator[int]:
    """Where a word stands; ten times as fast as a pattern that looks at what is around it."""
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        if not _IN_NAME.match(text, end) and not (at and _IN_NAME.match(text, at - 1)):
            yield at
        at = text.find(name, end)


def returns_at_top(tree: SyntaxTree) -> bool:
    """Whether there is a ``return`` outside of all functions."""
    return any(node.type == "return_statement" for node in descend(tree.root.named_children))


def descend(statements: list[Node]) -> Iterator[Node]:
    """The statements and those inside of them, but not inside of functions."""
    pending = list(statements)
    while pending:
        node = pending.pop()
        yield node
        if node.type in _CONTAINERS:
            pending.extend(node.named_children)


def argument(function: Node) -> str | None:
    """What a function is called with; None when it wants more than a program can give it."""
    if function.child_by_field_name("parameter") is not None:
        return "context"
    parameters = function.child_by_field_name("parameters")
    if parameters is None:
        return None
    given = [node for node in parameters.named_children if not _is_this(node)]
    if sum(map(_is_required, given)) > 1:
        return None
    return "context" if given else ""


def _pattern(parameter: Node) -> Node:
    for field in ("pattern", "left"):
        inner = parameter.child_by_field_name(field)
        if inner is not None:
            return inner
    return parameter


def _is_this(node: Node) -> bool:
    return node.type == "comment" or _pattern(node).type == "this"


def _is_required(parameter: Node) -> bool:
    if parameter.type in ("assignment_pattern", "rest_pattern", "optional_parameter"):
        return False
    has_default = parameter.child_by_field_name("value") is not None
    return not has_default and _pattern(parameter).type != "rest_pattern"
