"""Which declaration a name means.

A declaration holds in a range of the text, so a name means the innermost range around it that
declares it, and a global when there is none. Declarations are looked up for one name at a time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from onehop.validation._words import NAMES

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.types import Language
    from onehop.validation._budget import Budget
    from onehop.validation._parser import Tree
    from onehop.validation._words import Words

FUNCTIONS = frozenset(
    {
        "function_declaration",
        "function_expression",
        "arrow_function",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
    }
)
"""What has parameters and a body of its own."""
_FUNCTION_SCOPES = FUNCTIONS | {"program", "class_static_block", "internal_module", "module"}
_BLOCK_SCOPES = _FUNCTION_SCOPES | {
    "statement_block",
    "for_statement",
    "for_in_statement",
    "switch_body",
    "function_type",
    "constructor_type",
    "call_signature",
    "construct_signature",
    "method_signature",
    "abstract_method_signature",
    "function_signature",
    "ambient_declaration",
}
_PATTERNS = frozenset({"array_pattern", "object_pattern", "rest_pattern"})
_ASSIGNABLE = NAMES | {"shorthand_property_identifier_pattern"}
_AROUND_TARGETS = _PATTERNS | {
    "pair_pattern",
    "assignment_pattern",
    "object_assignment_pattern",
    "parenthesized_expression",
    "as_expression",
    "non_null_expression",
}
_IMPORTED = frozenset(
    {"import_specifier", "namespace_import", "import_clause", "import_alias"}
    | {"import_require_clause"}
)
_ENCLOSING = frozenset(
    {"function_declaration", "generator_function_declaration"}
    | {"class_declaration", "abstract_class_declaration"}
    | {"enum_declaration", "internal_module", "module"}
)
_OWN = frozenset({"function_expression", "generator_function", "class"})
_TYPE_PARENTS = frozenset(
    {"type_query", "nested_type_identifier", "type_predicate", "index_signature", "tuple_type"}
    | {"function_signature", "ambient_declaration"}
)
_CHAINS = frozenset({"member_expression", "nested_identifier", "subscript_expression"})


@dataclass(frozen=True, slots=True)
class Binding:
    """A declaration of a name."""

    node: Node
    """The name where it is declared."""
    construct: Node
    """What declares it: a declarator, a function, a class, …"""
    start: int
    end: int
    """The bytes in which the declaration holds."""


class _Declared:
    """The declarations of one name. Their ranges are nested or apart, as nodes of a tree are."""

    def __init__(self, bindings: list[Binding]) -> None:
        self.names = frozenset(each.node.id for each in bindings)
        counts = Counter(map(_range, bindings))
        self.repeated = frozenset(each for each, count in counts.items() if count > 1)
        """The ranges in which the name is declared more than once."""
        outermost_first = sorted(bindings, key=lambda each: (each.start, -each.end))
        self._bindings = [each for _, (each, *_) in groupby(outermost_first, _range)]
        self._starts = [each.start for each in self._bindings]
        self._outer = list(self._parents())

    def around(self, node: Node) -> Binding | None:
        """The innermost one that holds at ``node``."""
        index = bisect_right(self._starts, node.start_byte) - 1
        while index >= 0 and self._bindings[index].end < node.end_byte:
            index = self._outer[index]
        return self._bindings[index] if index >= 0 else None

    def _parents(self) -> Iterator[int]:
        """Of each range the index of the one around it, or -1."""
        open_: list[int] = []
        for index, each in enumerate(self._bindings):
            while open_ and self._bindings[open_[-1]].end < each.end:
                open_.pop()
            yield open_[-1] if open_ else -1
            open_.append(index)


def _place(node: Node) -> int:
    return node.start_byte


def _range(binding: Binding) -> tuple[int, int]:
    return binding.start, binding.end


class Scopes:
    """Resolves the names of one program."""

    def __init__(self, tree: Tree, words: Words, language: Language, budget: Budget) -> None:
        self._tree = tree
        self._words = words
        self._is_strict = language == "typescript"
        self._budget = budget
        self._declared: dict[str, _Declared] = {}

    def binding(self, node: Node) -> Binding | None:
        """The declaration that the name at ``node`` means; None when it is a global."""
        return self._of(self._words.name(node)).around(node)

    def references(self, binding: Binding) -> Iterator[Node]:
        """Where the declared name is used."""
        for leaf in self._within(binding):
            if leaf.type in NAMES and self.binding(leaf) == binding and not self.declares(leaf):
                yield leaf

    def is_constant(self, binding: Binding) -> bool:
        """Whether the declared name is given one value and no other."""
        name = self._words.name(binding.node)
        if _range(binding) in self._of(name).repeated:
            return False
        given = binding.construct.type != "variable_declarator" or bool(
            binding.construct.child_by_field_name("value")
        )
        leaves = (leaf for leaf in self._within(binding) if leaf.type in _ASSIGNABLE)
        return given + sum(self._assigns(leaf, binding) for leaf in leaves) <= 1

    def is_assigned(self, node: Node) -> bool:
        """Whether ``node`` is what an assignment, of whatever form, gives a value to."""
        parent = self.parent(node)
        while parent is not None and parent.type in _AROUND_TARGETS:
            if parent.type == "pair_pattern" and parent.child_by_field_name("value") != node:
                return False
            if "assignment" in parent.type and parent.child_by_field_name("left") != node:
                return False
            node, parent = parent, self.parent(parent)
        if parent is None:
            return False
        if parent.type in ("assignment_expression", "augmented_assignment_expression"):
            return parent.child_by_field_name("left") == node
        if parent.type == "for_in_statement":
            return parent.child_by_field_name("left") == node
        return parent.type == "update_expression"

    def declares(self, node: Node) -> bool:
        """Whether the name at ``node`` is the name of a declaration."""
        return node.id in self._of(self._words.name(node)).names

    def is_free(self, node: Node) -> bool:
        """Whether ``node`` refers to a global variable, in code that runs."""
        if node.type not in NAMES or self.binding(node):
            return False
        return not (self._is_strict and self.in_type(node))

    def in_type(self, node: Node) -> bool:
        """Whether a name is part of a type of TypeScript, which is gone when the code runs."""
        parent = self.parent(node)
        while parent is not None and parent.type in _CHAINS:
            parent = self.parent(parent)
        if parent is None:
            return False
        return parent.type in _TYPE_PARENTS or self._is_ambient(parent)

    def parent(self, node: Node) -> Node | None:
        """``node.parent``, on the budget."""
        self._budget.spend()
        return node.parent

    def function_around(self, node: Node, *, arrows: bool = True) -> Node | None:
        """The innermost function (or class body) around; None at the top level of the program."""
        kinds = FUNCTIONS | {"class_body"}
        parent = self.parent(node)
        while parent is not None:
            if parent.type in kinds and (arrows or parent.type != "arrow_function"):
                return parent
            parent = self.parent(parent)
        return None

    def _within(self, binding: Binding) -> list[Node]:
        """The leaves of the declared name where the declaration holds."""
        leaves = self._words.leaves(self._words.name(binding.node))
        first = bisect_left(leaves, binding.start, key=_place)
        return leaves[first : bisect_left(leaves, binding.end, key=_place)]

    def _assigns(self, leaf: Node, binding: Binding) -> bool:
        is_other = self.declares(leaf) or self.binding(leaf) != binding
        return not is_other and self.is_assigned(leaf)

    def _is_ambient(self, parent: Node) -> bool:
        if parent.type != "variable_declarator":
            return False
        declaration = self.parent(parent)
        outer = self.parent(declaration) if declaration else None
        return outer is not None and outer.type == "ambient_declaration"

    def _of(self, name: str) -> _Declared:
        if name not in self._declared:
            found = map(self._declaration, self._words.leaves(name))
            self._declared[name] = _Declared([each for each in found if each])
        return self._declared[name]

    def _declaration(self, node: Node) -> Binding | None:
        """The declaration whose name ``node`` is."""
        if node.type not in (
            "identifier",
            "shorthand_property_identifier_pattern",
            "type_identifier",
        ):
            return None
        inner, parent = node, self.parent(node)
        while parent is not None and self._is_pattern_of(parent, inner):
            inner, parent = parent, self.parent(parent)
        scope = self._scope(parent, inner) if parent else None
        if parent is None or scope is None or scope.type == "ambient_declaration":
            return None
        return Binding(node, parent, scope.start_byte, scope.end_byte)

    def _is_pattern_of(self, parent: Node, inner: Node) -> bool:
        """Whether ``parent`` is a pattern that binds what ``inner`` binds."""
        match parent.type:
            case "assignment_pattern" | "object_assignment_pattern":
                return parent.child_by_field_name("left") == inner
            case "pair_pattern":
                return parent.child_by_field_name("value") == inner
            case "required_parameter" | "optional_parameter":
                return parent.child_by_field_name("pattern") == inner
            case kind:
                return kind in _PATTERNS or kind == "formal_parameters"

    def _scope(self, construct: Node, name: Node) -> Node | None:
        """Where ``construct`` declares the name or pattern; None when it declares nothing."""
        kind = construct.type
        if kind in _IMPORTED:
            return self._tree.root
        if kind == "variable_declarator" and _is_field(construct, "name", name):
            return self._variable_scope(construct)
        if kind == "for_in_statement" and _is_field(construct, "left", name):
            return self._loop_scope(construct)
        if kind == "catch_clause" and _is_field(construct, "parameter", name):
            return construct
        if name.type == "formal_parameters" or _is_field(construct, "parameter", name):
            return construct
        return self._named_scope(construct, name)

    def _named_scope(self, construct: Node, name: Node) -> Node | None:
        if not _is_field(construct, "name", name):
            return None
        if construct.type in _OWN:
            return construct
        if construct.type not in _ENCLOSING:
            return None
        # In sloppy mode a function is known in the whole function around its block.
        hoisted = "function" in construct.type and not self._is_strict
        return self._enclosing(construct, _FUNCTION_SCOPES if hoisted else _BLOCK_SCOPES)

    def _variable_scope(self, declarator: Node) -> Node | None:
        declaration = self.parent(declarator)
        is_var = declaration is not None and declaration.type == "variable_declaration"
        return self._enclosing(
            declarator,
            _FUNCTION_SCOPES | {"ambient_declaration"} if is_var else _BLOCK_SCOPES,
        )

    def _loop_scope(self, loop: Node) -> Node | None:
        keyword = loop.child_by_field_name("kind")
        if keyword is None:
            return None
        return self._enclosing(loop, _FUNCTION_SCOPES) if keyword.type == "var" else loop

    def _enclosing(self, node: Node, kinds: frozenset[str]) -> Node | None:
        parent = self.parent(node)
        while parent is not None and parent.type not in kinds:
            parent = self.parent(parent)
        return parent or self._tree.root


def _is_field(parent: Node, field: str, child: Node) -> bool:
    return parent.child_by_field_name(field) == child
