"""What is missing from a program that computes a value and does not return it.

Decided on the syntax tree. What is inserted is a ``return``, or the call of the function that is
the program; the lines stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from onehop.corrections._draft import Draft, Repair
from onehop.corrections._edits import Edit
from onehop.corrections._entry import Entry, entry_of, made_async
from onehop.corrections._program import (
    FUNCTIONS,
    TYPES,
    argument,
    bare,
    declared,
    expression_of,
    is_declaration,
    meaningful,
    returns_at_top,
)
from onehop.corrections._report import shorten
from onehop.source._brackets import scan

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.source._tree import SyntaxTree

_HOISTED = TYPES | {"function_declaration", "generator_function_declaration"}
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
_OBJECT = re.compile(r"(?:^|[;})])[ \t]*(\{)", re.MULTILINE)
_LINE_COMMENT = re.compile(r"[^'\"`/\n]*+(?=//)")
_MOST_OBJECTS: Final = 8
_LONGEST_OBJECT: Final = 20_000
"""Characters of an object at the end that does not compile as a block."""
_FENCE = re.compile(r"[\s\ufeff]*```")


def complete(draft: Draft) -> Repair | None:
    """What to insert so that the program returns its value; None when it is fine as it is."""
    if not draft.code.strip() or _ends_in_return(draft.code):
        return None
    if _FENCE.match(draft.code):  # to the grammar it is a template
        return None
    if draft.broken:
        return _object_at_end(draft)
    tree = draft.whole
    if tree is None or returns_at_top(tree):
        return None
    statements = meaningful(tree)
    if draft.keeps:
        return _return_last(tree, statements)
    entry = entry_of(tree, statements)
    if entry is not None:
        return call_at_end(tree, statements, entry)
    return _last_function(tree, statements) or _return_last(tree, statements)


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


def call_at_end(tree: SyntaxTree, statements: list[Node], entry: Entry) -> Repair:
    """Call a function behind the last statement, and return what it gives."""
    call = f"return {entry.name}({entry.argument})"
    last = statements[-1]
    end = tree.index(last) + len(tree.text(last))
    edits = (*made_async(tree, entry.function), Edit(end, end, f"; {call};"))
    return Repair("call", edits, shorten(tree.text(entry.function)), call)


def _last_function(tree: SyntaxTree, statements: list[Node]) -> Repair | None:
    """Call the function expression that a program ends with, which only declares before it."""
    whole = expression_of(statements[-1]) if statements else None
    if whole is None or not all(map(is_declaration, statements[:-1])):
        return None
    inner = bare(whole)
    function = inner if inner.type in FUNCTIONS else _named(tree, statements, inner)
    given = None if function is None else argument(function)
    if given is None or function is None:
        return None
    more = made_async(tree, function)
    if function != inner:
        return around(tree, whole, "call", "return ", f"({given})", more)
    return around(tree, whole, "call", "return (", f")({given})", more)


def _named(tree: SyntaxTree, statements: list[Node], name: Node) -> Node | None:
    """The function that a name stands for at the end of the program."""
    if name.type != "identifier":
        return None
    found = declared(tree, statements)
    return next((each.function for each in found if each.name == tree.text(name)), None)


def _return_last(tree: SyntaxTree, statements: list[Node]) -> Repair | None:
    while statements and statements[-1].type in _HOISTED:
        statements.pop()
    if not statements:
        return None
    last = statements[-1]
    if _is_shorthand(tree, last):
        return around(tree, last, "return", "return ", "")
    expression = expression_of(last)
    if expression is None or not is_value(tree, expression):
        return None
    return around(tree, expression, "return", "return ", "")


def _is_shorthand(tree: SyntaxTree, block: Node) -> bool:
    """Whether a block holds nothing but names, which do nothing in a block: it is an object."""
    inside = [child for child in block.named_children if child.type != "comment"]
    if block.type != "statement_block" or len(inside) != 1 or ";" in tree.text(block):
        return False
    expression = expression_of(inside[0])
    if expression is None:
        return False
    names = expression.named_children if expression.type == "sequence_expression" else [expression]
    return all(name.type == "identifier" for name in names)


def is_value(tree: SyntaxTree, expression: Node) -> bool:
    """Whether the program was written for the sake of this value."""
    inner = bare(expression)
    if tree.text(inner).startswith("```"):  # a fence, which the grammar takes for a template
        return False
    if inner.type == "sequence_expression":
        inner = bare(inner.named_children[-1])
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


def _object_at_end(draft: Draft) -> Repair | None:
    """An object as the last expression that does not compile as a block."""
    code, end = draft.code, _end_of_code(draft.code)
    if not code.endswith("}", 0, end):
        return None
    for found in list(_OBJECT.finditer(code, max(0, end - _LONGEST_OBJECT), end))[-_MOST_OBJECTS:]:
        start = found.start(1)
        if _is_one_group(code[start : end - 1]):
            return _returned(draft, start, end)
    return None


def _end_of_code(code: str) -> int:
    """Where the last token ends, not counting semicolons and comments behind it."""
    end = len(code)
    while True:
        shorter = len(code[:end].rstrip(" \t\r\n;\u2028\u2029"))
        line = max(code.rfind("\n", 0, shorter), 0)
        comment = _LINE_COMMENT.match(code, line + (line > 0), shorter)
        if comment is not None:
            shorter = comment.end()
        elif code.endswith("*/", 0, shorter):
            shorter = max(code.rfind("/*", 0, shorter), 0)
        if shorter == end:
            return end
        end = shorter


def _is_one_group(text: str) -> bool:
    """Whether only the first bracket of a text is open at its end."""
    found = scan(text)
    return not found.stopped and [opening.index for opening in found.unclosed] == [0]


def _return_before(code: str, start: int) -> Edit:
    """``return``, or the end of the line that one stands alone on, which cuts it off."""
    before = code[:start].rstrip()
    is_alone = re.search(r"(?<![\w$.])return$", before[-20:]) is not None
    return Edit(len(before), start, " ") if is_alone else Edit(start, start, "return ")


def _returned(draft: Draft, start: int, end: int) -> Repair | None:
    edit = _return_before(draft.code, start)
    tree = draft.changed([edit]).whole
    last = meaningful(tree)[-1:] if tree is not None else []
    if tree is None or not last or last[0].type != "return_statement":
        return None
    given = last[0].named_children[:1]
    if not given or given[0].type != "object":
        return None
    shown = shorten(draft.code[start:end])
    return Repair("return", (edit,), shown, f"return {shown}")


def around(
    tree: SyntaxTree,
    node: Node,
    kind: str,
    before: str,
    after: str,
    more: Iterable[Edit] = (),
) -> Repair:
    """Put text before and behind a node."""
    start, text = tree.index(node), tree.text(node)
    end = start + len(text)
    edits = [Edit(start, start, before), *more, Edit(end, end, after)]
    shown = shorten(text)
    kept = tuple(edit for edit in edits if edit.text)
    return Repair(kind, kept, shown, before + shown + after)
