"""Turn TypeScript into JavaScript by overwriting its types with spaces, where that is all it takes.

What TypeScript calls erasable syntax. Whatever has a meaning at run time (an enum, a parameter
property, a decorator), whatever this grammar may see otherwise than TypeScript's own parser does
(a type that a line end separates from its expression) and whatever would change its meaning when
only the types went is left to the real compiler: the answer is None then.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import cache
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from onehop.source._modules import Edit
from onehop.source._tree import language

if TYPE_CHECKING:
    from tree_sitter import Node, Query

    from onehop.source._tree import SyntaxTree

_QUERY = """
[(type_annotation) (asserts_annotation) (type_predicate_annotation)] @annotation
(type_parameters) @parameters
(type_arguments) @arguments
(implements_clause) @clause
[(accessibility_modifier) (override_modifier)] @modifier
[(interface_declaration) (type_alias_declaration) (ambient_declaration) (function_signature)]
  @statement
[(abstract_method_signature) (method_signature) (index_signature)] @member
(public_field_definition) @field
[(as_expression) (satisfies_expression)] @cast
(non_null_expression) @non_null
(required_parameter . (this)) @this
(optional_parameter "?" @token)
(method_definition "?" @optional)
(expression_statement . (identifier) @alone .)
(variable_declarator "!" @token)
(abstract_class_declaration "abstract" @abstract)
[(enum_declaration) (internal_module) (module) (import_alias) (import_require_clause)
 (type_assertion) (instantiation_expression) (decorator) (with_statement) (flow_maybe_type)] @refuse
(required_parameter "readonly") @refuse
(method_definition "readonly") @refuse
(optional_parameter "readonly") @refuse
"""
_MAX_CAPTURES = 200_000

_BEFORE_ARGUMENTS = frozenset({"call_expression", "new_expression", "extends_clause"})
_BLOCKS = frozenset("program statement_block switch_case switch_default export_statement".split())
_AROUND_CASTS = frozenset(
    "parenthesized_expression arguments variable_declarator return_statement expression_statement"
    " assignment_expression augmented_assignment_expression pair array arrow_function"
    " template_substitution as_expression satisfies_expression spread_element binary_expression"
    " ternary_expression for_in_statement assignment_pattern object_assignment_pattern"
    " public_field_definition unary_expression await_expression yield_expression throw_statement"
    " sequence_expression required_parameter subscript_expression".split()
)
_TIGHTER_THAN_CASTS = frozenset("** * / % + - << >> >>>".split())
_MEANS_MORE_ALONE = frozenset(
    "get set static async accessor readonly declare abstract override public private protected"
    " in instanceof".split()
)
"""A field of such a name is the start of the next member, or an operator, as soon as its type or
what stands before it has gone."""
_KEYWORDS = frozenset(
    "abstract async await declare enum global interface let module namespace override private"
    " protected public readonly static type using".split()
)

_LINE_END = re.compile("[\n\r\u2028\u2029]")
_HALF = re.compile("[\ud800-\udfff]")
_GAP = re.compile(r"(?:\s++|//[^\n\r\u2028\u2029]*+|/\*(?s:.*?)\*/)*+")
_CONTINUES = frozenset("([`<!")
"""What goes on with the expression before it, where a type before it had ended the statement."""
_SUFFIX = re.compile(r"[\w$\])}>\"'`][^\S\n\r\u2028\u2029]*+[\n\r\u2028\u2029]\s*+[\[<]")
"""A bracket that a line end separates from the type it might belong to."""
_LAST_WORD = re.compile(r"[\w$]+\Z")
_LESS = re.compile("<")
_LIKE_TYPES = re.compile(r"<(?:[^;=()|&!~%^]|\|(?!\|)|&(?!&)|\([^()]*+\))*+")
_ENDS_TYPES = re.compile(r">(?![ \t]*+(?!(?:as|in|instanceof|satisfies)\b)[\w$\"'\[{!~+<>=-])")
_MAX_LIKE_TYPES = 500
_DIFFERENT = ("<!--", "-->", "use strict")
"""Comments to V8, not to the compiler; and a directive, which no semicolon may precede."""
_OCTAL = re.compile(r"0[\d_]|\\[0-9]")
_MAX_OCTALS = 1000


class _Unclear(Exception):  # noqa: N818 - no error: the compiler shall do it
    """Not to be erased, or not for certain."""


def erase(tree: SyntaxTree) -> list[Edit] | None:
    """The edits, in order, that make ``tree`` JavaScript; None when it takes more than that."""
    if tree.root.has_error or _reads_otherwise(tree):
        return None
    try:
        return _Eraser(tree).run()
    except _Unclear:
        return None


@cache
def _query() -> Query:
    from tree_sitter import Query

    return Query(language("typescript"), _QUERY)


def _reads_otherwise(tree: SyntaxTree) -> bool:
    """Whether it may hold what the compiler, which reads it as a module, refuses or reads in
    another way than V8 does."""
    if any(text in tree.units for text in _DIFFERENT):
        return True
    found = list(islice(_OCTAL.finditer(tree.units), _MAX_OCTALS))
    return len(found) == _MAX_OCTALS or any(_is_octal(tree, each) for each in found)


def _is_octal(tree: SyntaxTree, found: re.Match[str]) -> bool:
    start, end = 2 * found.start(), 2 * found.end()
    node = tree.root.descendant_for_byte_range(start, end)
    if node is None:
        return True
    if node.start_byte != start or node.type not in ("number", "escape_sequence"):
        return False
    return found.group() != "\\0" or tree.units[found.end() : found.end() + 1].isdigit()


class _Eraser:
    def __init__(self, tree: SyntaxTree) -> None:
        self.tree = tree
        self.edits: list[Edit] = []
        self.done = 0
        """Bytes up to here are dealt with: what stands in an erased type is erased with it."""
        self.casts = _Ranges([])
        self.is_ascii = tree.units.isascii()

    def run(self) -> list[Edit]:
        captures = self._captures()
        casts = [node for node, name in captures if name == "cast"]
        self.casts = _Ranges([(_first(node).end_byte, node.end_byte) for node in casts])
        for node, name in captures:
            if node.start_byte >= self.done and node.start_byte not in self.casts:
                _RULES[name](self, node)
        self.edits.sort(key=lambda edit: edit.start)
        self._check_comparisons()
        return self.edits

    def _captures(self) -> list[tuple[Node, str]]:
        """What the query found, in the order of the text, the outer before the inner."""
        from tree_sitter import QueryCursor

        captures = QueryCursor(_query()).captures(self.tree.root)
        found = [(node, name) for name, nodes in captures.items() for node in nodes]
        if len(found) > _MAX_CAPTURES:
            raise _Unclear
        found.sort(key=_order)
        return found

    # --- what goes ---

    def annotation(self, node: Node) -> None:
        """An arrow that then stands on another line than its parameters is for V8 to refuse."""
        self._check_last_word(node.end_byte)
        self._erase(node.start_byte, node.end_byte)

    def parameters(self, node: Node) -> None:
        start, end = node.start_byte, node.end_byte
        self._stay_on_line(start, end)
        self._next_on_line(end)
        self._erase(start, end)

    def arguments(self, node: Node) -> None:
        """``f<T>(x)`` and ``new F<T>(x)``: elsewhere these may be comparisons, or end a line."""
        start, end = node.start_byte, node.end_byte
        if self.tree.units[end // 2 : end // 2 + 1] != "(":
            parent = _parent(node, _BEFORE_ARGUMENTS)
            if parent.type != "extends_clause" and self._next(end)[1] != "(":
                raise _Unclear
        text = self.tree.units[start // 2 : end // 2]
        # The grammar takes an operator without its left side, and a bracket on the next line.
        if "&" in text or "||" in text or _SUFFIX.search(text):
            raise _Unclear
        self._erase(start, end)

    def clause(self, node: Node) -> None:
        self._blank(node)

    def modifier(self, node: Node) -> None:
        parent = _parent(node, frozenset({"method_definition", "public_field_definition"}))
        _parent(parent, frozenset({"class_body"}))
        self._member_word(node, parent)

    def statement(self, node: Node) -> None:
        _parent(node, _BLOCKS)
        if node.type != "function_signature":
            self._next_on_line(_first(node).end_byte)
        self._check_last_word(node.end_byte)
        self._blank(node, ";")

    def member(self, node: Node) -> None:
        _parent(node, frozenset({"class_body"}))
        self._blank(node, ";")

    def field(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if name is None or self.tree.text(name) in _MEANS_MORE_ALONE:
            raise _Unclear
        words = {child.type: child for child in node.children if not child.is_named}
        if "accessor" in words:
            raise _Unclear
        for word in ("declare", "abstract"):
            if word in words:
                self._next_on_line(words[word].end_byte)
                self._blank(node, ";")
                return
        if "readonly" in words:
            self._member_word(words["readonly"], node)
        self.edits += [
            Edit(words[mark].start_byte, words[mark].end_byte) for mark in "?!" if mark in words
        ]

    def cast(self, node: Node) -> None:
        parent = _parent(node, _AROUND_CASTS)
        if parent.type in ("binary_expression", "subscript_expression") and parent.child(0) == node:
            operator = parent.child_by_field_name("operator")
            # The grammar lets a cast bind tighter than it does.
            if operator is None or operator.type in _TIGHTER_THAN_CASTS:
                raise _Unclear
        inner = _first(node)
        self._next_on_line(inner.end_byte)
        self._check_last_word(node.end_byte)
        crosses, char = self._next(node.end_byte)
        in_type = _SUFFIX.search(self.tree.units, inner.end_byte // 2, node.end_byte // 2)
        if in_type or (crosses and char in _CONTINUES):
            raise _Unclear
        self._overwrite(inner.end_byte, node.end_byte)

    def non_null(self, node: Node) -> None:
        self._next_on_line(_first(node).end_byte)
        self.edits.append(Edit(node.end_byte - 2, node.end_byte))

    def this(self, node: Node) -> None:
        """The parameter ``this``, and the comma behind it."""
        comma = node.next_sibling
        end = comma if comma is not None and comma.type == "," else node
        self._erase(node.start_byte, end.end_byte)

    def token(self, node: Node) -> None:
        self._blank(node)

    def optional(self, node: Node) -> None:
        """A method of a class; objects have no optional ones."""
        method = _parent(node, frozenset({"method_definition"}))
        _parent(method, frozenset({"class_body"}))
        self._blank(node)

    def abstract(self, node: Node) -> None:
        self._next_on_line(node.end_byte)
        self._blank(node)

    def alone(self, node: Node) -> None:
        """``declare`` on a line of its own: parsers differ in whether the next line is meant."""
        if self.tree.text(node) in _KEYWORDS:
            raise _Unclear

    def _check_comparisons(self) -> None:
        """Of what is left: a parser that knows types better might see their start in a ``<``."""
        erased = _Ranges([(edit.start, edit.end) for edit in self.edits])
        for found in _LESS.finditer(self.tree.units):
            at = found.start()
            if 2 * at not in erased and self._could_be_types(at) and self._is_comparison(at):
                raise _Unclear

    def _could_be_types(self, at: int) -> bool:
        types = _LIKE_TYPES.match(self.tree.units, at, at + _MAX_LIKE_TYPES)
        if types is None:
            return False
        text = types.group()
        return len(text) == _MAX_LIKE_TYPES or _ENDS_TYPES.search(text) is not None

    def _is_comparison(self, at: int) -> bool:
        node = self.tree.root.descendant_for_byte_range(2 * at, 2 * at + 2)
        parent = None if node is None else node.parent
        return parent is not None and parent.type == "binary_expression"

    def refuse(self, _node: Node) -> None:
        raise _Unclear

    # --- how ---

    def _overwrite(self, start: int, end: int, text: str = "") -> None:
        if not self.is_ascii and _HALF.search(self.tree.units, start // 2, end // 2):
            raise _Unclear  # the grammar takes any character for a part of a name
        self.edits.append(Edit(start, end, text))

    def _blank(self, node: Node, text: str = "") -> None:
        self._erase(node.start_byte, node.end_byte, text)

    def _erase(self, start: int, end: int, text: str = "") -> None:
        self._overwrite(start, end, text)
        self.done = max(self.done, end)

    def _member_word(self, word: Node, member: Node) -> None:
        """Leave a semicolon at a member's start: the line before may have none."""
        self._next_on_line(word.end_byte)
        text = ";" if word.start_byte == member.start_byte else ""
        self.edits.append(Edit(word.start_byte, word.end_byte, text))

    # --- line ends, where they matter ---

    def _next(self, end_byte: int) -> tuple[bool, str]:
        """Whether a line ends before the next token, and that token's first character."""
        gap = _GAP.match(self.tree.units, end_byte // 2)
        assert gap is not None  # noqa: S101 - it matches nothing too
        return bool(_LINE_END.search(gap.group())), self.tree.units[gap.end() : gap.end() + 1]

    def _next_on_line(self, end_byte: int) -> None:
        if self._next(end_byte)[0]:
            raise _Unclear

    def _check_last_word(self, end: int) -> None:
        """A type that ends in ``public`` goes on to other parsers, also on the next line."""
        char = self.tree.units[end // 2 : end // 2 + 1]
        if char == "" or char in " \t/" or _LINE_END.match(char):
            word = _LAST_WORD.search(self.tree.units, max(0, end // 2 - 12), end // 2)
            if word and word.group() in _KEYWORDS:
                raise _Unclear

    def _stay_on_line(self, start: int, end: int) -> None:
        """``(x): T =>``: what is before and after must stay on one line."""
        if _LINE_END.search(self.tree.units, start // 2, end // 2):
            raise _Unclear


class _Ranges:
    """Where the types of casts stand: behind an expression that comes first in the order."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        ranges.sort()
        self._starts = [start for start, _ in ranges]
        self._ends = list(accumulate((end for _, end in ranges), max))

    def __contains__(self, at: int) -> bool:
        before = bisect_right(self._starts, at)
        return before > 0 and at < self._ends[before - 1]


_RULES: Mapping[str, Callable[[_Eraser, Node], None]] = {
    "annotation": _Eraser.annotation,
    "parameters": _Eraser.parameters,
    "arguments": _Eraser.arguments,
    "clause": _Eraser.clause,
    "modifier": _Eraser.modifier,
    "statement": _Eraser.statement,
    "member": _Eraser.member,
    "field": _Eraser.field,
    "cast": _Eraser.cast,
    "non_null": _Eraser.non_null,
    "this": _Eraser.this,
    "token": _Eraser.token,
    "optional": _Eraser.optional,
    "abstract": _Eraser.abstract,
    "alone": _Eraser.alone,
    "refuse": _Eraser.refuse,
}


def _order(capture: tuple[Node, str]) -> tuple[int, int]:
    return capture[0].start_byte, -capture[0].end_byte


def _parent(node: Node, allowed: frozenset[str]) -> Node:
    parent = node.parent
    if parent is None or parent.type not in allowed:
        raise _Unclear
    return parent


def _first(node: Node) -> Node:
    child = node.child(0)
    if child is None:
        raise _Unclear
    return child
