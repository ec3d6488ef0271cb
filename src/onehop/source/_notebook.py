"""What of a program must change so that what it declares at its top level outlives it.

The program is the body of a function, whose variables end with it. So a declaration at its top
level becomes an assignment to a name of the session: ``let a = 1`` becomes ``;   a = 1``. Functions
of earlier calls then see a variable, or a helper, that a later call declares anew. An edit keeps
the length of the text where it can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from onehop._data import data
from onehop.source._loops import Loops, read_loops

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.source._tree import SyntaxTree

SAVE: Final = "save\u200d\u200d"
"""The name that the guest gives a function of its own; see session.js."""
MAY_DELETE: Final = "delete\u200d\u200d"
"""The name of another: whether a name is none of the session's, so that ``delete`` may take it."""
MARK: Final = "\u200d"
"""Stands behind the name of a function, so that its text shows the name that it was given."""
_FUNCTIONS: Final = frozenset(
    "function_declaration generator_function_declaration function_expression generator_function "
    "arrow_function method_definition class_static_block class_declaration class".split()
)
_HOISTED: Final = frozenset({"function_declaration", "generator_function_declaration"})
_BODIES: Final = frozenset({"program", "statement_block", "switch_case", "switch_default"})
"""Where statements stand one after the other."""
_PATTERNS: Final = frozenset(
    "object_pattern array_pattern pair_pattern rest_pattern assignment_pattern "
    "object_assignment_pattern".split()
)
_BOUND: Final = {"catch_clause": "parameter", "for_in_statement": "left"}
_MATTERS: Final = re.compile(
    r"=>|\)\s*\{|\b(?:let|const|var|class|function|for|while|do|this|with|delete|globalThis|self)\b"
)
"""Declarations, loops and functions, and what may get at names by text."""
_ESCAPE: Final = re.compile(r"\\u(?:\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{4}))")
MOST_NAMES: Final = 10_000


@data(frozen=True, slots=True)
class Kept:
    """How to run a program so that its declarations stay."""

    edits: list[tuple[int, int, str]] = field(default_factory=list)
    """Each: at which UTF-16 unit, how many of them go, and what stands there instead."""
    values: list[tuple[int, int, int]] = field(default_factory=list)
    """Of each variable that is given a value: where its name starts and ends, and the value starts.
    The engine tells of some errors in the value at the place of the assignment."""
    lets: list[str] = field(default_factory=list)
    """Variables and classes."""
    consts: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    """Declared with ``var``: they are there from the start, and are not made anew."""
    functions: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    """Those of the variables that begin as undefined, also if they are there: enums, whose code
    would add to them."""
    is_strict: bool = False
    """Whether it begins with the directive."""
    loops: Loops = field(default_factory=Loops)
    """Loops that may hold variables, and what speaks against it."""
    is_read: bool = True
    """False when the text could not be read, so that nothing of it is kept."""

    @property
    def names(self) -> list[str]:
        """All that it declares."""
        return [*dict.fromkeys((*self.lets, *self.consts, *self.variables, *self.functions))]


NOTHING: Final = Kept()
"""Of a program that declares nothing."""


def has_to_be_read(code: str) -> bool:
    """Whether a program declares something, or matters to what loops may hold."""
    return _MATTERS.search(code) is not None


def keep_declarations(code: str, language: str = "javascript") -> Kept:
    """Look at a program in JavaScript; ``language`` is what it was written in."""
    if not has_to_be_read(code):
        return NOTHING
    from onehop.source._tree import parse

    tree = parse(code, "javascript")
    if tree is None or tree.root.has_error:
        return Kept(is_read=False)
    reader = _Reader(tree, is_compiled=language == "typescript")
    reader.read()
    return replace(reader.kept, loops=read_loops(tree))


class _Reader:
    """Reads one tree; ``is_compiled`` from TypeScript, whose enums are found in it."""

    def __init__(self, tree: SyntaxTree, *, is_compiled: bool) -> None:
        self._tree = tree
        self._is_compiled = is_compiled
        self.kept = Kept(is_strict=_is_strict(tree))

    def read(self) -> None:
        if not self.kept.is_strict:
            self._deletes()  # first: what is put behind a statement comes behind its last operand
        for statement in self._tree.root.named_children:
            if statement.type == "lexical_declaration":
                self._lexical(statement)
            elif statement.type == "class_declaration":
                self._class(statement)
            elif statement.type in _HOISTED:
                self._function(statement)
        for declaration in self._variables():
            self._variable(declaration)
        if not self.kept.is_strict:
            self._block_functions()
        self.kept.edits.sort(key=lambda edit: edit[0])

    def _variables(self) -> Iterator[Node]:
        """Each ``var`` of the function, however deep it stands in blocks."""
        for node in self._own_nodes():
            if node.type == "variable_declaration":
                yield node
            yield from self._loops(node)

    def _own_nodes(self) -> Iterator[Node]:
        """All but what stands in a function or class; those themselves are among them."""
        pending = [self._tree.root]
        while pending:
            node = pending.pop()
            yield node
            if node.type not in _FUNCTIONS:
                pending += node.named_children

    def _block_functions(self) -> None:
        """A function of a block is a variable of the program, too, once the block has come to it.

        Not where the language would not make it one, since a block around it has that name.
        """
        declared = {*self.kept.lets, *self.kept.consts}
        nodes = [*self._own_nodes()]
        taken = declared.union(*map(self._taken, nodes))
        for node in nodes:
            if node.type != "function_declaration" or node.parent == self._tree.root:
                continue
            if self._name(node) in declared:
                self._shade(node)
            elif self._name(node) not in taken and not _is_async(node):
                self._block_function(node)

    def _taken(self, node: Node) -> list[str]:
        """The names that a block has from a node, so that no function of a block within is more."""
        if node.type == "lexical_declaration":
            return [*self._names(node)]
        if node.type in ("class_declaration", "generator_function_declaration"):
            return [self._name(node)]
        pattern = node.child_by_field_name(_BOUND.get(node.type, "name"))
        return [*self._of_pattern(pattern)] if node.type in _BOUND and pattern is not None else []

    def _shade(self, function: Node) -> None:
        """Keep the engine from making it a variable, in place of the one that the edits took."""
        block = function.parent
        if block is not None and block.type == "statement_block":
            self._insert(block.start_byte + 2, f"let {self._name(function)};{{")
            self._insert(block.end_byte - 2, "}")

    def _block_function(self, function: Node) -> None:
        name, parent = self._name(function), function.parent
        save = f';{SAVE}("{name}",{name});'
        if parent is not None and parent.type in _BODIES:
            self._insert(function.end_byte, save)
        elif parent is not None and parent.type in ("if_statement", "else_clause"):
            self._insert(function.start_byte, "{")
            self._insert(function.end_byte, save + "}")
        else:
            return
        self.kept.variables.append(name)

    def _deletes(self) -> None:
        """``delete x`` leaves a variable as it is, though one of a session is a property."""
        if "delete" not in self._tree.units:
            return
        pending = [self._tree.root]
        while pending:
            node = pending.pop()
            name = _deleted(node)
            if name is not None:
                self._insert(node.start_byte, f'({MAY_DELETE}("{self._text(name)}")&&')
                self._insert(node.end_byte, ")")
            elif node.type != "with_statement":
                pending += node.named_children

    def _loops(self, node: Node) -> Iterator[Node]:
        """``for (var a of b)`` has no declaration in the tree, but the word."""
        if node.type == "for_in_statement" and _word(node, "kind") == "var":
            yield node

    def _lexical(self, declaration: Node) -> None:
        word = _word(declaration, "kind")
        names = [*self._names(declaration)]
        if word not in ("let", "const"):  # `using` ends with the call
            return
        (self.kept.lets if word == "let" else self.kept.consts).extend(names)
        self._assign(declaration, word, resets=True)

    def _variable(self, declaration: Node) -> None:
        if declaration.type == "for_in_statement":
            left = declaration.child_by_field_name("left")
            kind = declaration.child_by_field_name("kind")
            if left is not None and kind is not None:
                self.kept.variables.extend(self._of_pattern(left))
                self._edit(kind.start_byte, 3, "   ")
            return
        names = [*self._names(declaration)]
        self.kept.variables.extend(names)
        if self._is_compiled and declaration.parent == self._tree.root:
            self.kept.fresh.extend(filter(self._is_enum, names))
        self._assign(declaration, "var", resets=False)

    def _is_enum(self, name: str) -> bool:
        """``(A || {})`` and ``(A || (A = {}))`` is what compilers write."""
        return f"({name} || " in self._tree.units

    def _assign(self, declaration: Node, word: str, *, resets: bool) -> None:
        """The declaration as an expression."""
        is_statement = declaration.parent is not None and declaration.parent.type in _BODIES
        declarators = [
            each for each in declaration.named_children if each.type == "variable_declarator"
        ]
        first = declarators[0].child_by_field_name("name")
        opens = first is not None and first.type == "object_pattern"
        head = (";" if is_statement else " ") + ("(" if opens else " ")
        self._edit(declaration.start_byte, len(word), head.ljust(len(word)))
        for each in declarators:
            name, value = each.child_by_field_name("name"), each.child_by_field_name("value")
            if value is None:
                self._insert(each.end_byte, "=void 0" if resets else "")
            elif name is not None:
                place = name.start_byte // 2, name.end_byte // 2, value.start_byte // 2
                self.kept.values.append(place)
        end = declarators[-1].end_byte
        if opens:
            self._insert(end, ")")
        if is_statement:
            self._insert(end, ";")

    def _class(self, declaration: Node) -> None:
        name = self._name(declaration)
        self.kept.lets.append(name)
        self._insert(declaration.start_byte, f";{name}=")
        self._insert(declaration.end_byte, ";")

    def _function(self, declaration: Node) -> None:
        name = declaration.child_by_field_name("name")
        if name is not None:
            self.kept.functions.append(self._text(name))
            self._insert(name.end_byte, MARK)

    # --- names ---

    def _name(self, declaration: Node) -> str:
        name = declaration.child_by_field_name("name")
        return "" if name is None else self._text(name)

    def _text(self, name: Node) -> str:
        """A name as it is called: letters of it may be written as escapes."""
        return _ESCAPE.sub(_letter, self._tree.text(name))

    def _names(self, declaration: Node) -> Iterator[str]:
        for each in declaration.named_children:
            pattern = each.child_by_field_name("name")
            if each.type == "variable_declarator" and pattern is not None:
                yield from self._of_pattern(pattern)

    def _of_pattern(self, pattern: Node) -> Iterator[str]:
        pending = [pattern]
        while pending:
            node = pending.pop()
            if node.type in ("identifier", "shorthand_property_identifier_pattern"):
                yield self._text(node)
            elif node.type in _PATTERNS:
                pending += reversed(_targets(node))

    # --- edits ---

    def _edit(self, byte: int, gone: int, text: str) -> None:
        self.kept.edits.append((byte // 2, gone, text))

    def _insert(self, byte: int, text: str) -> None:
        if text:
            self._edit(byte, 0, text)


def _targets(pattern: Node) -> list[Node]:
    """The parts of a pattern that names can stand in: not keys, and not defaults."""
    match pattern.type:
        case "pair_pattern":
            value = pattern.child_by_field_name("value")
            return [] if value is None else [value]
        case "assignment_pattern" | "object_assignment_pattern":
            left = pattern.child_by_field_name("left")
            return [] if left is None else [left]
        case _:
            return pattern.named_children


def _deleted(node: Node) -> Node | None:
    """The name that ``delete`` is asked to take."""
    if node.type != "unary_expression" or node.children[0].type != "delete":
        return None
    found = node.named_children[0]
    while found.type == "parenthesized_expression" and found.named_child_count == 1:
        found = found.named_children[0]
    return found if found.type == "identifier" else None


def _letter(escape: re.Match[str]) -> str:
    code = int(escape[1] or escape[2], 16)
    return chr(code) if code <= 0x10FFFF else escape[0]


def _is_async(function: Node) -> bool:
    return any(each.type == "async" for each in function.children)


def _word(node: Node, name: str) -> str:
    found = node.child_by_field_name(name)
    return "" if found is None or found.text is None else found.text.decode("utf-16-le", "replace")


def _is_strict(tree: SyntaxTree) -> bool:
    for statement in tree.root.named_children:
        if statement.type == "comment":
            continue
        inner = statement.named_children[0] if statement.named_children else None
        is_text = statement.type == "expression_statement" and inner is not None
        if not is_text or inner is None or inner.type != "string":
            return False
        if tree.text(inner)[1:-1] == "use strict":
            return True
    return False
