"""What is missing from a program that computes a value and does not return it.

Decided on the syntax tree, and only where it has no error. Two things are inserted, before and
behind one expression; the lines stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.source._tree import SyntaxTree
    from onehop.types import Language

MAX_LENGTH: Final = 100_000
"""Characters; longer programs run as they are."""
_MAX_SECONDS: Final = 0.1
MAIN: Final = frozenset({"main", "run", "handler", "execute"})
"""A program that only declares a function of such a name means to call it."""

_FUNCTIONS = frozenset({"arrow_function", "function_expression"})
_CONTAINERS = frozenset(
    "statement_block if_statement else_clause for_statement for_in_statement while_statement "
    "do_statement try_statement catch_clause finally_clause switch_statement switch_body "
    "switch_case switch_default labeled_statement with_statement".split()
)
_INERT = frozenset({"comment", "empty_statement"})
_HOISTED = frozenset(
    "function_declaration generator_function_declaration function_signature "
    "interface_declaration type_alias_declaration ambient_declaration".split()
)
"""What may follow the last statement that does something."""
_NOT_A_VALUE = frozenset(
    "assignment_expression augmented_assignment_expression update_expression arrow_function "
    "function_expression generator_function class yield_expression internal_module module "
    "jsx_element jsx_self_closing_element jsx_fragment".split()
)
_EFFECTS = re.compile(
    r"console\s*\.\s*\w+|(?:set|clear)(?:Timeout|Interval|Immediate)|queueMicrotask|"
    r"(?s:.)*\.\s*forEach"
)
"""Functions that give nothing back."""


@dataclass(frozen=True, slots=True)
class Completion:
    """Text to insert around the characters from ``start`` to ``end``."""

    kind: str
    start: int
    end: int
    before: str
    after: str


def complete(code: str, language: Language) -> Completion | None:
    """What to insert so that the program returns its value; None when it is fine as it is."""
    if len(code) > MAX_LENGTH or not code.strip() or _ends_in_return(code):
        return None
    if code.lstrip("\ufeff \t\r\n").startswith("```"):  # to the grammar it is a template
        return None
    from onehop.source._tree import parse

    tree = parse(code, language, _MAX_SECONDS)
    if tree is None or tree.root.has_error:
        return None
    statements = _meaningful(tree)
    if not statements:
        return None
    if len(statements) == 1:
        called = _call(tree, statements[0])
        if called is not None:
            return called
    return _return_last(tree, statements)


_RETURN = re.compile(r"return(?![\w$])")
_CLOSING_LINE = re.compile(r"[\])}`]+;?$")


def _ends_in_return(code: str) -> bool:
    """Whether the last statement is a ``return`` that begins a line, told without parsing.

    Lines are those of the outermost indentation. It may overlook one; what it takes for one
    opens as many brackets as the rest of the text closes, so that no function ends behind it.
    """
    lines = code.rstrip().splitlines()
    first = next(line for line in lines if line.strip())
    indent = first[: len(first) - len(first.lstrip())]
    closed = 0
    for line in reversed(lines):
        text = line.removeprefix(indent)
        if not line.strip() or text[:1].isspace() or text.startswith("//"):
            continue
        if _RETURN.match(text):
            return _opened(text) == closed
        if closed or not _CLOSING_LINE.match(text):
            return False
        closed = -_opened(text.replace("`", "}"))
    return False


def _opened(line: str) -> int:
    """How many brackets and templates a line opens that it does not close."""
    brackets = sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
    return brackets + line.count("`") % 2


def _meaningful(tree: SyntaxTree) -> list[Node]:
    """The statements, without comments, empty ones and directives at the start."""
    found = [node for node in tree.root.named_children if node.type not in _INERT]
    for index, node in enumerate(found):
        if not _is_directive(tree, node):
            return found[index:]
    return []


def _is_directive(tree: SyntaxTree, statement: Node) -> bool:
    inner = _expression(statement)
    return inner is not None and inner.type == "string" and tree.text(inner)[1:5] == "use "


def _expression(statement: Node) -> Node | None:
    """The expression of a statement that consists of one."""
    if statement.type != "expression_statement":
        return None
    return next((child for child in statement.named_children if child.type != "comment"), None)


def _bare(node: Node) -> Node:
    """The expression inside of any parentheses."""
    while node.type == "parenthesized_expression":
        inner = [child for child in node.named_children if child.type != "comment"]
        if len(inner) != 1:
            return node
        node = inner[0]
    return node


def _call(tree: SyntaxTree, statement: Node) -> Completion | None:
    """Call the function that is the whole program."""
    whole = _expression(statement)
    if whole is None:
        name = statement.child_by_field_name("name")
        is_main = statement.type == "function_declaration" and name is not None
        if not is_main or name is None or tree.text(name) not in MAIN:
            return None
        whole = function = statement
    else:
        function = _bare(whole)
        if function.type not in _FUNCTIONS:
            return None
    given = _argument(function)
    if given is None:
        return None
    return _around(tree, whole, "call", "return (", f")({given})")


def _argument(function: Node) -> str | None:
    """What a function is called with; None when it wants more than a program can give it."""
    single = function.child_by_field_name("parameter")
    if single is not None:
        return "context"
    parameters = function.child_by_field_name("parameters")
    if parameters is None:
        return None
    wanted = [child for child in parameters.named_children if child.type != "comment"]
    if len(wanted) > 1:
        return None
    return "context" if wanted and not _has_default(wanted[0]) else ""


def _has_default(parameter: Node) -> bool:
    """Whether it does well without an argument: a default value, or a rest parameter."""
    if parameter.type in ("assignment_pattern", "rest_pattern"):
        return True
    if parameter.child_by_field_name("value") is not None:
        return True
    pattern = parameter.child_by_field_name("pattern")
    return pattern is not None and pattern.type == "rest_pattern"


def _return_last(tree: SyntaxTree, statements: list[Node]) -> Completion | None:
    while statements and statements[-1].type in _HOISTED:
        statements.pop()
    expression = _expression(statements[-1]) if statements else None
    if expression is None or not _is_value(tree, expression) or _returns(statements):
        return None
    return _around(tree, expression, "return", "return ", "")


def _is_value(tree: SyntaxTree, expression: Node) -> bool:
    """Whether the program was written for the sake of this value."""
    inner = _bare(expression)
    if inner.type == "sequence_expression":
        inner = _bare(inner.named_children[-1])
    if inner.type == "unary_expression":
        return tree.text(inner.children[0]) not in ("delete", "void")
    if inner.type == "call_expression":
        return not _is_effect(tree, inner) and not _starts_a_block(tree, expression)
    return inner.type not in _NOT_A_VALUE and not _starts_a_block(tree, expression)


def _is_effect(tree: SyntaxTree, call: Node) -> bool:
    function = call.child_by_field_name("function")
    return function is not None and _EFFECTS.fullmatch(tree.text(function)[-300:]) is not None


def _starts_a_block(tree: SyntaxTree, expression: Node) -> bool:
    """Whether the language reads a statement here that the grammar takes for an expression.

    An object literal alone is one all the same: as a block it would do nothing, or not compile.
    """
    if expression.type == "object":
        return False
    return bool(re.match(r"\{|(?:async\s+)?function\b|class\b", tree.text(expression)[:100]))


def _returns(statements: list[Node]) -> bool:
    """Whether there is a ``return`` outside of all functions."""
    return any(node.type == "return_statement" for node in _descend(statements))


def _descend(statements: list[Node]) -> Iterator[Node]:
    pending = list(statements)
    while pending:
        node = pending.pop()
        yield node
        if node.type in _CONTAINERS:
            pending.extend(node.named_children)


def _around(tree: SyntaxTree, node: Node, kind: str, before: str, after: str) -> Completion:
    start = tree.index(node)
    return Completion(kind, start, start + len(tree.text(node)), before, after)
