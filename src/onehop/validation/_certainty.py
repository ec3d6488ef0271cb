"""Whether a run must fail because of a place that a rule has found."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final

from onehop.validation._calls import Call, is_optional, start_of
from onehop.validation._values import PLAIN_FUNCTIONS, Value, bare
from onehop.validation._words import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tree_sitter import Node

    from onehop.validation._facts import Access, Facts

_PATTERNS: Final = frozenset({"object_pattern", "array_pattern"})
_ACCESSES: Final = frozenset({"member_expression", "subscript_expression"})
_READING: Final = frozenset({"update_expression", "augmented_assignment_expression"})
"""Assignments that read first."""
_LOOKS: Final = frozenset(
    "Object.keys Object.values Object.entries Object.getOwnPropertyNames Object.getPrototypeOf "
    "Object.getOwnPropertyDescriptor Object.getOwnPropertyDescriptors Object.hasOwn Reflect.get "
    "Reflect.has Reflect.ownKeys Reflect.getPrototypeOf Reflect.getOwnPropertyDescriptor "
    "console.log String Boolean".split()
)
"""Functions that put nothing into what they are given."""
_DEFINES: Final = frozenset({"Reflect.set", "Reflect.defineProperty", "Object.defineProperty"})
_NO_TEXT: Final = frozenset(
    "number true false null undefined object array regex arrow_function function_expression class "
    "new_expression spread_element".split()
)

_THERE: Final = frozenset(
    "number string template_string object array regex arrow_function function_expression "
    "class new_expression".split()
)
_ALWAYS_THERE: Final = PLAIN_FUNCTIONS | {"", "eval", "Function"}
"""Paths from the global object, itself included, that each worker has."""


class Certainty:
    """Answers for one program; the answer is yes only where the tree shows it."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._defined: dict[str, bool] = {}

    def lacks(self, name: str, place: Node) -> bool:
        """Whether the use of a global at ``place`` ends each run, since no worker has it."""
        flow = self._facts.flow
        if not flow.is_readable or self.is_defined(name) or flow.may_throw_before(place):
            return False  # of what the program throws itself, its own words are better advice
        if place.type in NAMES and self._facts.scopes.is_free(place):
            return not self._is_only_named(place) and flow.ends_the_run(place)
        return any(map(self._is_taken_apart, self._holders(place, Value("path", name))))

    def calls(self, place: Node, value: Value, fits: Callable[[Call], bool]) -> bool:
        """Whether each run calls what ``place`` gives, which is ``value``, in a way that fits."""
        if not self._facts.flow.is_readable or self.is_defined(value.path):
            return False
        holders = self._holders(place, value)
        return any(self._is_called(holder, fits) for holder in holders)

    def may_be_text(self, node: Node) -> bool:
        """Whether an expression may be text; what is not, ``eval`` gives back as it is."""
        if node.type in _NO_TEXT:
            return False
        if node.type != "identifier":
            return True
        binding = self._facts.scopes.binding(node)
        if binding is None or binding.construct.type != "variable_declarator":
            return True
        given = binding.construct.child_by_field_name("value")
        return given is None or given.type not in _NO_TEXT

    def is_defined(self, name: str) -> bool:
        """Whether the program may make such a global, or such a property, itself."""
        if name not in self._defined:
            self._defined[name] = self._opens_globals or self._defines(name)
        return self._defined[name]

    def _is_only_named(self, place: Node) -> bool:
        """Whether a name is given a value, or deleted, and not read."""
        outer = self._facts.calls.around(place)
        parent = self._facts.scopes.parent(outer)
        if parent is None or parent.type in (
            "update_expression",
            "augmented_assignment_expression",
        ):
            return False
        is_deleted = parent.type == "unary_expression" and parent.children[0].type == "delete"
        return is_deleted or self._facts.scopes.is_assigned(place)

    def _holders(self, place: Node, value: Value) -> Iterator[Node]:
        """The expressions and patterns that certainly hold the value that is found at ``place``."""
        for holder in chain(self._facts.holders(place), self._taken_by(place)):
            if self._facts.exact.of(holder) == value or self._is_key_of(holder, value):
                yield holder

    def _taken_by(self, place: Node) -> Iterator[Node]:
        """References to the name that a pattern gives to what it takes out."""
        pair = self._facts.scopes.parent(place)
        if pair is not None and pair.type == "computed_property_name":
            pair = self._facts.scopes.parent(pair)
        if pair is None or pair.type != "pair_pattern":
            return
        taken = pair.child_by_field_name("value")
        binding = self._facts.scopes.binding(taken) if taken is not None else None
        if binding is not None and binding.node == taken:
            yield from self._facts.scopes.references(binding)

    def _is_key_of(self, holder: Node, value: Value) -> bool:
        """Whether ``holder`` is the key under which a pattern takes the value out."""
        pair = self._facts.scopes.parent(holder)
        if pair is not None and pair.type == "computed_property_name":
            pair = self._facts.scopes.parent(pair)
        pattern = self._facts.scopes.parent(pair) if pair is not None else None
        if pair is None or pattern is None or pair.type != "pair_pattern":
            return False
        exact = self._facts.exact
        name = exact.pattern_key(pair)
        return name is not None and exact.member(exact.source(pattern), name) == value

    def _is_taken_apart(self, holder: Node) -> bool:
        """Whether each run asks something of a value that is undefined."""
        parent = self._facts.scopes.parent(holder)
        if parent is not None and parent.type == "computed_property_name":
            parent = self._facts.scopes.parent(parent)
        return (
            parent is not None
            and self._asks(parent, holder)
            and self._facts.flow.ends_the_run(parent)
        )

    def _asks(self, parent: Node, holder: Node) -> bool:
        match parent.type:
            case "member_expression" | "subscript_expression":
                return parent.child_by_field_name("object") == holder and not is_optional(parent)
            case "call_expression":
                return parent.child_by_field_name("function") == holder and not is_optional(parent)
            case "new_expression":
                return parent.child_by_field_name("constructor") == holder
            case "pair_pattern":
                return _is_pattern(parent, "value")
            case "variable_declarator":
                return _is_pattern(parent, "name")
            case "assignment_expression":
                return _is_pattern(parent, "left")
            case "for_in_statement":
                operator = parent.child_by_field_name("operator")
                return operator is not None and operator.type == "of"
            case _:
                return False

    def _is_called(self, holder: Node, fits: Callable[[Call], bool]) -> bool:
        calls = self._facts.calls.of(holder)
        flow = self._facts.flow
        return any(
            fits(call) and self._is_made(call[0]) and flow.ends_the_run(call[0]) for call in calls
        )

    def _is_made(self, call: Node) -> bool:
        """Whether no ``?.`` in front of a call may skip it."""
        link: Node | None = call
        while link is not None:
            self._facts.budget.spend()
            start = start_of(link)
            if start is not None and is_optional(link) and not self._is_there(start):
                return False
            link = start
        return True

    def _is_there(self, node: Node) -> bool:
        """Whether an expression is certainly neither null nor undefined."""
        if bare(node).type in _THERE:
            return True
        value = self._facts.exact.of(node)
        return value is not None and value.kind == "path" and value.path in _ALWAYS_THERE

    def _defines(self, name: str) -> bool:
        scopes = self._facts.scopes
        leaves = self._facts.words.leaves(name)
        if any(scopes.is_assigned(leaf) and not scopes.binding(leaf) for leaf in leaves):
            return True
        return any(map(self._is_given, self._facts.accesses(name)))

    def _is_given(self, access: Access) -> bool:
        """Whether a property is set or defined, on whatever object."""
        if access.outer.type in _ACCESSES:
            return self._facts.scopes.is_assigned(access.outer)
        if access.outer.type != "call_expression":
            return False
        return self._facts.calls.path_of(access.outer) not in _LOOKS

    @cached_property
    def _opens_globals(self) -> bool:
        """Whether the program may put what only a run tells into the global object."""
        return any(map(self._is_open, self._facts.global_objects()))

    def _is_open(self, holder: Node) -> bool:
        parent = self._facts.scopes.parent(holder)
        if parent is None:
            return False
        if parent.type == "subscript_expression":
            is_unknown = self._facts.exact.key(parent) is None
            return is_unknown and self._facts.scopes.is_assigned(parent)
        if parent.type != "arguments" or self._facts.calls.parameter_of(parent, holder):
            return False
        call = self._facts.scopes.parent(parent)
        path = self._facts.calls.path_of(call) if call is not None else ""
        if path in _DEFINES and call is not None:
            return self._is_defined_under_unknown_name(call)
        return path not in _LOOKS

    def _is_defined_under_unknown_name(self, call: Node) -> bool:
        given = self._facts.calls.arguments(call)
        return len(given) < 2 or self._facts.exact.strings.text(given[1]) is None


def _is_pattern(parent: Node, field: str) -> bool:
    found = parent.child_by_field_name(field)
    return found is not None and found.type in _PATTERNS
