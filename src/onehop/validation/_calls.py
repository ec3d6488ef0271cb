"""Who calls what, and with which arguments, however the call is spelled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from onehop.validation._scopes import FUNCTIONS
from onehop.validation._values import bare

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.validation._budget import Budget
    from onehop.validation._scopes import Binding, Scopes
    from onehop.validation._values import Values

Call = tuple["Node", list["Node"]]
"""A call or ``new``, and what the function is given."""

SAME: Final = frozenset(
    {"parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"}
)
"""Expressions that have the value of what they wrap."""
_ACCESSES: Final = frozenset({"member_expression", "subscript_expression"})
_START: Final = {
    "call_expression": "function",
    "member_expression": "object",
    "subscript_expression": "object",
}
"""The field of what a call or an access is made on."""
_CHAINS: Final = frozenset(_START)
_OF_EACH: Final = frozenset("every filter find findIndex flatMap forEach map some".split())
_MAX_BINDS: Final = 3
_NOTHING: Final = frozenset({"undefined"})


class Calls:
    """The calls of one program; ``values`` knows only what is certain."""

    def __init__(self, scopes: Scopes, values: Values, budget: Budget) -> None:
        self._scopes = scopes
        self._values = values
        self._budget = budget

    def around(self, node: Node) -> Node:
        """The outermost expression that has the same value as ``node`` because it wraps it."""
        outer = self._wrapper(node)
        while outer is not None:
            node, outer = outer, self._wrapper(outer)
        return node

    def is_awaited(self, node: Node) -> bool:
        """Whether ``node`` starts with an ``await`` that the parser takes for a call."""
        start: Node | None = node
        while start is not None and start.type in _CHAINS:
            self._budget.spend()
            if self._values.is_await(start):
                return True
            start = start_of(start)
        return False

    def _wrapper(self, node: Node) -> Node | None:
        parent = self._scopes.parent(node)
        if parent is None or parent.type in SAME:
            return parent
        if parent.type == "sequence_expression":
            return parent if parent.named_children[-1] == node else None
        call = self._scopes.parent(parent) if parent.type == "arguments" else None
        return call if call is not None and self._values.is_await(call) else None

    def arguments(self, call: Node) -> list[Node]:
        """What a call or ``new`` is given, as it is written."""
        return self._values.arguments(call)

    def path_of(self, call: Node) -> str:
        """Which global function is called; empty when it is none."""
        callee = call.child_by_field_name("function")
        value = self._values.of(callee) if callee is not None else None
        return value.path if value is not None and value.kind == "path" else ""

    def call_of(self, callee: Node) -> Node | None:
        """The call or ``new`` of an expression."""
        callee = self.around(callee)
        parent = self._scopes.parent(callee)
        if parent is None:
            return None
        if parent.type == "call_expression":
            return parent if parent.child_by_field_name("function") == callee else None
        is_new = parent.type == "new_expression"
        return parent if is_new and parent.child_by_field_name("constructor") == callee else None

    def parameter_of(self, arguments: Node, given: Node) -> Node | None:
        """The parameter that gets what a function is given that is called where it stands."""
        call = self._scopes.parent(arguments)
        callee = call.child_by_field_name("function") if call is not None else None
        if call is None or callee is None:
            return None
        function, shift = bare(callee), 0
        if function.type == "member_expression" and self._values.key(function) == "call":
            function, shift = bare(function.child_by_field_name("object") or function), 1
        parameters = function.child_by_field_name("parameters")
        if function.type not in FUNCTIONS or parameters is None:
            return function.child_by_field_name("parameter")
        places = [each for each in parameters.named_children if each.type != "comment"]
        index = self.arguments(call).index(given) - shift
        return _name_in(places[index]) if 0 <= index < len(places) else None

    def of(self, function: Node, bound: tuple[Node, ...] = (), depth: int = 0) -> Iterator[Call]:
        """The calls of the function that an expression stands for, where it stands."""
        function = self.around(function)
        call, parent = self.call_of(function), self._scopes.parent(function)
        if call is not None:
            yield call, [*bound, *self.arguments(call)]
        elif parent is not None and parent.type in _ACCESSES:
            yield from self._by_method(function, parent, bound, depth)
        elif parent is not None and parent.type == "arguments":
            yield from self._by_other(function, parent)

    def of_function(self, function: Node) -> Iterator[Call]:
        """The calls of a function or class that is written here, where it stands or by name."""
        yield from self.of(function)
        binding = self._binding(function)
        if binding is not None and self._scopes.is_constant(binding):
            for reference in self._scopes.references(binding):
                yield from self.of(reference)

    def leaves_default(self, parameters: Node, given: list[Node]) -> bool:
        """Whether a call with these arguments uses the only default among ``parameters``."""
        if any(each.type == "spread_element" for each in given):
            return False
        places = [each for each in parameters.named_children if _takes_argument(each)]
        defaults = [place for place in places if _has_default(place)]
        if len(defaults) != 1:
            return False
        index = places.index(defaults[0])
        return index >= len(given) or given[index].type in _NOTHING

    def _by_method(
        self, function: Node, access: Node, bound: tuple[Node, ...], depth: int
    ) -> Iterator[Call]:
        """``f.call(…)``, ``f.apply(…)``, ``f.bind(…)(…)``."""
        call = self.call_of(access)
        if call is None or access.child_by_field_name("object") != function:
            return
        given = self.arguments(call)
        match self._values.key(access):
            case "call":
                yield call, [*bound, *given[1:]]
            case "apply":
                yield call, [*bound, *_elements(given, 1)]
            case "bind" if depth < _MAX_BINDS:
                yield from self.of(call, (*bound, *given[1:]), depth + 1)

    def _by_other(self, function: Node, arguments: Node) -> Iterator[Call]:
        """What calls a function that it is given: ``Reflect``, methods of lists."""
        call = self._scopes.parent(arguments)
        if call is None or self.arguments(call)[:1] != [function]:
            return
        given = self.arguments(call)
        match self.path_of(call):
            case "Reflect.apply":
                yield call, _elements(given, 2)
            case "Reflect.construct":
                yield call, _elements(given, 1)
            case _:
                yield from self._of_each(call)

    def _of_each(self, call: Node) -> Iterator[Call]:
        """``[a, b].map(function)``."""
        callee = call.child_by_field_name("function")
        if callee is None or callee.type != "member_expression":
            return
        items = callee.child_by_field_name("object")
        if items is None or items.type != "array" or self._values.key(callee) not in _OF_EACH:
            return
        first = items.named_children[:1]
        if first and first[0].type != "spread_element":
            yield call, first

    def _binding(self, function: Node) -> Binding | None:
        """The name that a function or class is known by."""
        name = function.child_by_field_name("name")
        if name is not None and function.type.endswith("declaration"):
            return self._scopes.binding(name)
        outer = self.around(function)
        parent = self._scopes.parent(outer)
        if parent is None or parent.type != "variable_declarator":
            return None
        name = parent.child_by_field_name("name")
        if name is None or name.type != "identifier" or name == outer:
            return None
        return self._scopes.binding(name)


def is_optional(node: Node) -> bool:
    """Whether a call or access does nothing when there is nothing to call or to access."""
    return any(child.type in ("optional_chain", "?.") for child in node.children)


def start_of(chain: Node) -> Node | None:
    """What a call or an access is made on; None for all else."""
    return chain.child_by_field_name(_START[chain.type]) if chain.type in _START else None


def is_chained(node: Node | None) -> bool:
    """Whether anything from ``node`` to the start of its chain is optional."""
    while node is not None and node.type in _CHAINS:
        if is_optional(node):
            return True
        node = start_of(node)
    return False


def _name_in(place: Node) -> Node:
    """What a parameter is called, or is taken apart by."""
    return place.child_by_field_name("left") or place.child_by_field_name("pattern") or place


def _elements(given: list[Node], index: int) -> list[Node]:
    found = given[index] if index < len(given) else None
    return list(found.named_children) if found is not None and found.type == "array" else []


def _takes_argument(place: Node) -> bool:
    """Whether it is a parameter that a call gives a value to: not the ``this`` of TypeScript."""
    pattern = place.child_by_field_name("pattern")
    return place.type != "comment" and (pattern is None or pattern.type != "this")


def _has_default(place: Node) -> bool:
    if place.type == "assignment_pattern":
        return True
    is_typed = place.type in ("required_parameter", "optional_parameter")
    return is_typed and place.child_by_field_name("value") is not None
