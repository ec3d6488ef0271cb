"""Which places of a program every run reaches, and where an error then ends the run.

The answer is yes only where the tree shows it: what stands behind a condition, in a ``try`` with a
``catch``, behind a ``return`` that may come first, or in a function that nobody is seen to call,
may well not run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from onehop.validation._calls import Calls, is_chained, is_optional, start_of
from onehop.validation._scopes import FUNCTIONS
from onehop.validation._truth import Truth

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.validation._budget import Budget
    from onehop.validation._parser import Tree
    from onehop.validation._scopes import Scopes
    from onehop.validation._words import Words

_ALWAYS: Final = frozenset(
    "statement_block expression_statement variable_declaration lexical_declaration "
    "variable_declarator return_statement throw_statement parenthesized_expression "
    "unary_expression update_expression await_expression sequence_expression array object pair "
    "spread_element template_string template_substitution new_expression arguments "
    "assignment_expression as_expression satisfies_expression non_null_expression "
    "type_assertion computed_property_name else_clause finally_clause switch_body object_pattern "
    "array_pattern pair_pattern class class_declaration abstract_class_declaration class_body "
    "class_heritage extends_clause class_static_block enum_declaration enum_body enum_assignment "
    "internal_module formal_parameters required_parameter optional_parameter".split()
)
"""Whatever reaches one of these reaches all that is in it, but for functions."""
_CHAINS: Final = frozenset({"call_expression", "member_expression", "subscript_expression"})
_FIELDS: Final = frozenset({"field_definition", "public_field_definition"})
_SHORT: Final = frozenset({"&&=", "||=", "??="})
_GROUPS: Final = frozenset({"Promise.all", "Promise.resolve"})
_MAX_DEPTH: Final = 30


class Flow:
    """Follows one program from its places back to its start."""

    def __init__(
        self, tree: Tree, words: Words, scopes: Scopes, calls: Calls, budget: Budget
    ) -> None:
        self._tree = tree
        self._words = words
        self._scopes = scopes
        self._calls = calls
        self._budget = budget
        self._truth = Truth(tree, scopes)
        self._known: dict[tuple[str, int], bool] = {}
        self._depth = 0
        self._passes: dict[str, Callable[[Node, Node, Node], bool]] = {
            "if_statement": self._passes_choice,
            "ternary_expression": self._passes_choice,
            "binary_expression": self._passes_binary,
            "augmented_assignment_expression": self._passes_augmented,
            "for_statement": self._passes_for,
            "for_in_statement": self._passes_for_in,
            "while_statement": self._passes_while,
            "do_statement": self._passes_do,
            "labeled_statement": self._passes_label,
            "switch_statement": self._passes_switch,
            "switch_case": self._passes_case,
            "try_statement": self._passes_try,
            "with_statement": self._passes_with,
            "assignment_pattern": self._passes_default,
        }

    @property
    def is_readable(self) -> bool:
        """Whether the tree can be relied on: the engine decides about what does not parse."""
        return not self._tree.root.has_error

    def ends_the_run(self, node: Node) -> bool:
        """Whether an error that ``node`` throws ends each run that does not end before it."""
        return self._settled("throws", node, self._is_reached)

    def rejection_ends_the_run(self, promise: Node) -> bool:
        """Whether the rejection of a promise does."""
        return self._settled("rejects", promise, self._is_waited_for)

    def may_throw_before(self, node: Node) -> bool:
        """Whether the program may throw an error of its own on the way to ``node``."""
        inner: Node | None = node
        while inner is not None:
            inner = self._scopes.function_around(inner)
            first = self._first_throw.get((inner or self._tree.root).id)
            if first is not None and first <= node.start_byte:
                return True
        return False

    def _settled(self, how: str, node: Node, answer: Callable[[Node], bool]) -> bool:
        key = how, node.id
        if key not in self._known:
            self._known[key] = False  # for functions that call themselves
            self._depth += 1
            within = self.is_readable and self._depth <= _MAX_DEPTH
            self._known[key] = within and answer(node)
            self._depth -= 1
        return self._known[key]

    def _is_waited_for(self, promise: Node) -> bool:
        promise = self._calls.around(promise)
        parent = self._scopes.parent(promise)
        if parent is None:
            return False
        if start_of(parent) != promise and self._calls.is_awaited(promise):
            return self.ends_the_run(promise)
        match parent.type:
            case "await_expression":
                return self.ends_the_run(parent)
            case "return_statement":
                return self._returned_rejection_ends_the_run(parent)
            case "arrow_function" if parent.child_by_field_name("body") == promise:
                return self._is_run(parent, promise, rejects=True)
            case "member_expression":
                return self._is_handed_on(parent)
            case "array" | "arguments":
                return self._is_in_group(parent)
            case _:
                return False

    def _is_reached(self, node: Node) -> bool:
        inner, outer = node, self._scopes.parent(node)
        while outer is not None and outer.type != "program":
            if outer.type in FUNCTIONS and not _is_key(outer, inner):
                return not self._is_left_before(outer, node) and self._is_run(outer, inner)
            if outer.type in _FIELDS and not _is_key(outer, inner) and not _has(outer, "static"):
                return self._is_constructed(outer)
            if not self._reaches(outer, inner, node):
                return False
            inner, outer = outer, self._scopes.parent(outer)
        return outer is not None and not self._is_left_before(outer, node)

    def _reaches(self, outer: Node, inner: Node, node: Node) -> bool:
        """Whether what reaches ``outer`` reaches its child ``inner``, where ``node`` is."""
        kind = outer.type
        if kind in self._passes:
            return self._passes[kind](outer, inner, node)
        if kind in _CHAINS:
            return inner == start_of(outer) or not is_chained(outer)
        if kind == "enum_declaration":
            return not _has(outer, "const")
        return kind in _ALWAYS or kind in _FIELDS or kind in FUNCTIONS

    def _passes_choice(self, outer: Node, inner: Node, _node: Node) -> bool:
        condition = outer.child_by_field_name("condition")
        if condition is None or inner == condition:
            return True
        is_first = inner == outer.child_by_field_name("consequence")
        return self._truth.of(condition) is is_first

    def _passes_binary(self, outer: Node, inner: Node, _node: Node) -> bool:
        left = outer.child_by_field_name("left")
        if left is None or inner == left:
            return True
        match _operator(outer):
            case "&&":
                return self._truth.of(left) is True
            case "||":
                return self._truth.of(left) is False
            case "??":
                return False
            case _:
                return True

    def _passes_augmented(self, outer: Node, inner: Node, _node: Node) -> bool:
        return inner == outer.child_by_field_name("left") or _operator(outer) not in _SHORT

    def _passes_for(self, outer: Node, inner: Node, node: Node) -> bool:
        if inner != outer.child_by_field_name("body"):
            return inner != outer.child_by_field_name("increment")
        condition = outer.child_by_field_name("condition")
        is_endless = condition is None or condition.type in (";", "empty_statement")
        return (is_endless or self._truth.of(condition) is True) and not self._jumps(outer, node)

    def _passes_for_in(self, outer: Node, inner: Node, _node: Node) -> bool:
        return inner == outer.child_by_field_name("right")

    def _passes_while(self, outer: Node, inner: Node, node: Node) -> bool:
        condition = outer.child_by_field_name("condition")
        if inner == condition:
            return True
        return self._truth.of(condition) is True and not self._jumps(outer, node)

    def _passes_do(self, outer: Node, _inner: Node, node: Node) -> bool:
        return not self._jumps(outer, node)

    def _passes_label(self, outer: Node, _inner: Node, node: Node) -> bool:
        return not self._jumps(outer, node)

    def _passes_switch(self, outer: Node, inner: Node, node: Node) -> bool:
        return inner == outer.child_by_field_name("value") or not self._jumps(outer, node)

    def _passes_case(self, outer: Node, inner: Node, _node: Node) -> bool:
        """Only what the first case compares with is certain."""
        body = self._scopes.parent(outer)
        is_first = body is not None and body.named_children[:1] == [outer]
        return is_first and inner == outer.child_by_field_name("value")

    def _passes_try(self, outer: Node, inner: Node, _node: Node) -> bool:
        last = outer.child_by_field_name("finalizer")
        if inner == last:
            return True
        if inner != outer.child_by_field_name("body") or outer.child_by_field_name("handler"):
            return False
        # A jump out of `finally` drops the error.
        return last is None or not self._any(
            ("return", "break", "continue"), last.start_byte, last.end_byte
        )

    def _passes_with(self, outer: Node, inner: Node, _node: Node) -> bool:
        """Within the statement a name may be a property of the object."""
        return inner == outer.child_by_field_name("object")

    def _passes_default(self, outer: Node, inner: Node, _node: Node) -> bool:
        """The default of a parameter; whether a call needs it is asked at the function."""
        parent = self._scopes.parent(outer)
        is_parameter = parent is not None and parent.type == "formal_parameters"
        return is_parameter and inner == outer.child_by_field_name("right")

    def _jumps(self, outer: Node, node: Node) -> bool:
        """Whether ``outer`` may be left, or begun anew, before ``node``."""
        return self._any(("break", "continue"), outer.start_byte, node.start_byte)

    def _any(self, words: tuple[str, ...], start: int, end: int) -> bool:
        for word in words:
            leaves = self._words.leaves(word)
            first = bisect_left(leaves, start, key=_place)
            for leaf in leaves[first : bisect_left(leaves, end, key=_place)]:
                self._budget.spend()
                if leaf.type == word:
                    return True
        return False

    def _is_left_before(self, function: Node, node: Node) -> bool:
        """Whether a ``return`` may come first."""
        first = self._first_return.get(function.id)
        return first is not None and first <= node.start_byte

    @cached_property
    def _first_return(self) -> dict[int, int]:
        return self._first("return")

    @cached_property
    def _first_throw(self) -> dict[int, int]:
        return self._first("throw")

    def _first(self, word: str) -> dict[int, int]:
        """Where the first statement of each function ends that leaves it by this ``word``."""
        found: dict[int, int] = {}
        for leaf in self._words.leaves(word):
            parent = self._scopes.parent(leaf) if leaf.type == word else None
            if parent is None or parent.type != f"{word}_statement" or self._is_caught(parent):
                continue
            function = self._scopes.function_around(parent) or self._tree.root
            end = min(parent.end_byte, found.get(function.id, parent.end_byte))
            found[function.id] = end
        return found

    def _is_caught(self, statement: Node) -> bool:
        """Whether a ``catch`` of the same function takes what a statement throws."""
        if statement.type != "throw_statement":
            return False
        inner, outer = statement, self._scopes.parent(statement)
        while outer is not None and outer.type not in FUNCTIONS:
            self._budget.spend()
            handler = outer.child_by_field_name("handler")
            if handler is not None and inner == outer.child_by_field_name("body"):
                return True
            inner, outer = outer, self._scopes.parent(outer)
        return False

    def _returned_rejection_ends_the_run(self, statement: Node) -> bool:
        function = self._scopes.function_around(statement)
        if function is None:
            return self.ends_the_run(statement)
        body = function.child_by_field_name("body")
        if body is None or self._scopes.parent(statement) != body:
            return False
        is_first = not self._is_left_before(function, statement)
        return is_first and self._is_run(function, body, rejects=True)

    def _is_run(self, function: Node, inner: Node, *, rejects: bool = False) -> bool:
        """Whether each run calls ``function`` so that it gets to ``inner``, and fails if it does.

        ``inner`` is its body, or its parameters where a default is what matters; it ``rejects``
        where it does not throw, but returns a promise that is rejected.
        """
        if _has(function, "*") or function.type.startswith("generator"):
            return False
        is_body = inner == function.child_by_field_name("body")
        if function.type == "method_definition":
            is_start = self._is_called(function, "name", "constructor") and not (
                _has(function, "static") or _has(function, "get") or _has(function, "set")
            )
            return is_body and is_start and self._is_constructed(function)
        rejects = rejects or _has(function, "async")
        fails = self.rejection_ends_the_run if rejects else self.ends_the_run
        return any(
            (is_body or self._calls.leaves_default(inner, given)) and fails(call)
            for call, given in self._calls.of_function(function)
        )

    def _is_constructed(self, member: Node) -> bool:
        """Whether each run makes an instance of the class that ``member`` is in."""
        body = self._scopes.parent(member)
        owner = self._scopes.parent(body) if body is not None else None
        if owner is None or not owner.type.endswith(("class", "class_declaration")):
            return False
        return any(
            call.type == "new_expression" and self.ends_the_run(call)
            for call, _given in self._calls.of_function(owner)
        )

    def _is_handed_on(self, member: Node) -> bool:
        """``promise.then(f)`` and ``promise.finally(f)`` are rejected alike."""
        call = self._calls.call_of(member)
        if call is None or is_optional(member) or is_optional(call):
            return False
        if not self._is_called(member, "property", "then", "finally"):
            return False
        given = self._calls.arguments(call)
        is_plain = len(given) < 2 and not any(each.type == "spread_element" for each in given)
        is_last = self._is_called(member, "property", "finally")
        return (is_plain or is_last) and self.rejection_ends_the_run(call)

    def _is_in_group(self, holder: Node) -> bool:
        """``Promise.all([promise])``."""
        arguments = self._scopes.parent(holder) if holder.type == "array" else holder
        call = self._scopes.parent(arguments) if arguments is not None else None
        if call is None or call.type != "call_expression":
            return False
        is_group = self._calls.path_of(call) in _GROUPS
        return is_group and self.rejection_ends_the_run(call)

    def _is_called(self, node: Node, field: str, *names: str) -> bool:
        name = node.child_by_field_name(field)
        return name is not None and self._words.name(name) in names


def _place(node: Node) -> int:
    return node.start_byte


def _is_key(outer: Node, inner: Node) -> bool:
    """Whether ``inner`` is a computed name, which is worked out where the member is defined."""
    return inner.type == "computed_property_name" and outer.type.endswith("definition")


def _operator(node: Node) -> str:
    found = node.child_by_field_name("operator")
    return found.type if found is not None else ""


def _has(node: Node, token: str) -> bool:
    return any(child.type == token for child in node.children)
