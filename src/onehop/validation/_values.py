"""What an expression is known to stand for: a global, the global object, a function, …

Evaluation goes backwards from a place that matters, through names to what they were given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from onehop.validation._scopes import FUNCTIONS, Binding, Scopes
from onehop.validation._strings import Strings
from onehop.validation._words import unescape_name

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.validation._budget import Budget
    from onehop.validation._parser import Tree

GLOBAL_OBJECTS = frozenset({"globalThis", "window", "self", "global", "frames", "top"})
"""Names of the global object, here or elsewhere."""
PLAIN_FUNCTIONS = frozenset(
    "Array ArrayBuffer BigInt Boolean DataView Date Error EvalError Iterator Map Number Object "
    "Promise Proxy RangeError ReferenceError RegExp Set String Symbol SyntaxError TypeError "
    "URIError URL URLSearchParams WeakMap WeakRef WeakSet atob btoa clearTimeout clearInterval "
    "decodeURI decodeURIComponent encodeURI encodeURIComponent escape isFinite isNaN parseFloat "
    "parseInt queueMicrotask setInterval setTimeout setImmediate structuredClone "
    "unescape".split()
)
_NAMESPACES = PLAIN_FUNCTIONS | {"Atomics", "Intl", "JSON", "Math", "Reflect", "console"}
_WRAPPERS = frozenset(
    {"parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"}
    | {"await_expression"}
)
_CHOICES = frozenset({"||", "&&", "??"})
_LITERALS = frozenset({"array", "string", "template_string", "regex", "number"})
_DESCRIPTOR = "Object.getOwnPropertyDescriptor"
_READERS = frozenset({"Reflect.get", _DESCRIPTOR})
_CALLERS = frozenset({"call", "apply"})
_PARENTS = frozenset({"Object.getPrototypeOf", "Reflect.getPrototypeOf"})
_FIELDS = frozenset(
    "constructor description dotAll flags global hasIndices ignoreCase lastIndex length multiline "
    "name prototype size source stackTraceLimit sticky unicode unicodeSets".split()
)
"""Properties of built-ins that are not functions."""
_MAX_DEPTH = 40
_MAX_PATH = 120


class Value(NamedTuple):
    """What is known of a value."""

    kind: Literal["path", "function", "constructor"]
    """``constructor``: of something unknown; its own constructor is Function."""
    path: str = ""
    """Where a global is found, from the global object: ``Reflect.get``."""


GLOBAL = Value("path", "")
FUNCTION = Value("function")
CONSTRUCTOR = Value("constructor")
FUNCTION_CONSTRUCTOR = Value("path", "Function")


class Values:
    """Evaluates the expressions of one program, as far as the tree tells.

    It says what an expression may stand for; with ``exact``, only what it stands for in each run.
    """

    def __init__(self, tree: Tree, scopes: Scopes, budget: Budget, *, exact: bool = False) -> None:
        self._tree = tree
        self._scopes = scopes
        self._budget = budget
        self._exact = exact
        self._known: dict[int, Value | None] = {}
        self.strings = Strings(tree, self._initial)

    def of(self, node: Node, depth: int = 0) -> Value | None:
        """What ``node`` stands for; None when that is not known or does not matter."""
        if node.id not in self._known:
            if depth > _MAX_DEPTH:
                return None
            self._budget.spend()
            self._known[node.id] = None  # for names that are given themselves
            self._known[node.id] = self._evaluate(node, depth + 1)
        return self._known[node.id]

    def member(self, base: Value | None, name: str) -> Value | None:
        """The property ``name`` of ``base``."""
        if not name:  # missing in broken code
            return None
        if base == GLOBAL and name != "constructor":
            return GLOBAL if name in GLOBAL_OBJECTS else Value("path", name[:_MAX_PATH])
        if name == "constructor":
            if base == CONSTRUCTOR or is_function(base):
                return FUNCTION_CONSTRUCTOR
            return CONSTRUCTOR
        if base is None or base.kind != "path" or len(base.path) > _MAX_PATH:
            return None
        return Value("path", f"{base.path}.{name}")

    def key(self, node: Node) -> str | None:
        """The name of the property that a member or subscript expression reads."""
        if node.type == "member_expression":
            name = node.child_by_field_name("property")
            return self._named(name) if name and name.type == "property_identifier" else None
        index = node.child_by_field_name("index")
        return self.strings.text(index) if index else None

    def arguments(self, call: Node) -> list[Node]:
        """What a call or ``new`` is given."""
        found = call.child_by_field_name("arguments")
        children = found.named_children if found and found.type == "arguments" else []
        return [each for each in children if each.type != "comment"]

    def is_await(self, call: Node) -> bool:
        """Whether the parser has taken ``await (x)`` for a call."""
        callee = call.child_by_field_name("function") if call.type == "call_expression" else None
        return callee is not None and (
            callee.type == "identifier" and self._tree.text(callee) == "await"
        )

    def source(self, pattern: Node, depth: int = 0) -> Value | None:
        """The value that an object pattern takes apart."""
        parent = self._scopes.parent(pattern)
        if parent is None or depth > _MAX_DEPTH:
            return None
        match parent.type:
            case "variable_declarator":
                return self._field(parent, "value", depth)
            case "assignment_expression":
                return self._field(parent, "right", depth)
            case "pair_pattern":
                return self._nested(parent, depth)
            case "assignment_pattern":
                outer = self.source(parent, depth + 1)
                return self._either(outer, parent, "right", depth)
            case "required_parameter" | "optional_parameter":
                return self._either(self._given(parent, depth), parent, "value", depth)
            case "formal_parameters":
                return self._given(pattern, depth)
            case _:
                return None

    def pattern_key(self, pair: Node) -> str | None:
        """The name of the property that a pair of a pattern or literal is about."""
        key = pair.child_by_field_name("key")
        if key is None:
            return None
        if key.type == "computed_property_name":
            return self.strings.text(key.named_children[0]) if key.named_children else None
        return self._named(key) if key.type != "string" else self.strings.text(key)

    def _evaluate(self, node: Node, depth: int) -> Value | None:
        kind = node.type
        if kind in _WRAPPERS:
            return self._child(node, 0, depth)
        match kind:
            case "identifier" | "shorthand_property_identifier":
                return self._name(node, depth)
            case "member_expression" | "subscript_expression":
                return self._property(node, depth)
            case "call_expression":
                return self._call(node, depth)
            case "this":
                return GLOBAL if self._is_global_this(node) else None
            case "sequence_expression":
                return self._child(node, -1, depth)
            case "ternary_expression":
                first = self._field(node, "consequence", depth)
                return self._either(first, node, "alternative", depth)
            case "binary_expression" if node.children[1].type in _CHOICES:
                return self._choice(node, depth)
            case "assignment_expression":
                return self._field(node, "right", depth)
            case _:
                return FUNCTION if kind in FUNCTIONS or kind == "class" else None

    def _either(self, first: Value | None, node: Node, other: str, depth: int) -> Value | None:
        """One of two values; the second is that of a field of ``node``."""
        if not self._exact:
            return first or self._field(node, other, depth)
        return first if first == self._field(node, other, depth) else None

    def _choice(self, node: Node, depth: int) -> Value | None:
        """``a || b`` and its like."""
        left = self._field(node, "left", depth)
        if not self._exact:
            return left or self._field(node, "right", depth)
        if left not in (GLOBAL, FUNCTION):
            return self._either(left, node, "right", depth)
        return self._field(node, "right", depth) if node.children[1].type == "&&" else left

    def _name(self, node: Node, depth: int) -> Value | None:
        binding = self._scopes.binding(node)
        if binding is None:
            return self.member(GLOBAL, self._named(node))
        if self._exact and not self._scopes.is_constant(binding):
            return None
        given = self._declared(binding, depth)
        return given or self._assigned(binding, depth)

    def _declared(self, binding: Binding, depth: int) -> Value | None:
        """What a name got where it is declared."""
        named = binding.construct.child_by_field_name("name") == binding.node
        if named and binding.construct.type in FUNCTIONS:
            return FUNCTION
        parent = self._scopes.parent(binding.node)
        if parent is None:
            return None
        match parent.type:
            case "variable_declarator":
                return self._field(parent, "value", depth)
            case "object_pattern":
                return self.member(self.source(parent, depth), self._named(binding.node))
            case "object_assignment_pattern":
                return self._with_default(parent, depth)
            case "pair_pattern":
                return self._nested(parent, depth)
            case _:
                return self.source(binding.node, depth)

    def _with_default(self, pattern: Node, depth: int) -> Value | None:
        outer, left = self._scopes.parent(pattern), pattern.child_by_field_name("left")
        if outer is None or left is None:
            return None
        name = self._named(left)
        found = self.member(self.source(outer, depth), name)
        return None if self._exact else found or self._field(pattern, "right", depth)

    def _nested(self, pair: Node, depth: int) -> Value | None:
        outer, name = self._scopes.parent(pair), self.pattern_key(pair)
        if outer is None or name is None or outer.type != "object_pattern":
            return None
        return self.member(self.source(outer, depth + 1), name)

    def _assigned(self, binding: Binding, depth: int) -> Value | None:
        """What a name gets in assignments: the first thing that matters."""
        for node in self._scopes.references(binding):
            parent = self._scopes.parent(node)
            if parent is None or parent.type != "assignment_expression":
                continue
            if parent.child_by_field_name("left") == node:
                found = self._field(parent, "right", depth)
                if found:
                    return found
        return None

    def _given(self, parameter: Node, depth: int) -> Value | None:
        """What a parameter gets when its function is called where it stands."""
        parameters = self._scopes.parent(parameter)
        function = self._scopes.parent(parameters) if parameters else None
        call = self._call_of(function) if function else None
        if parameters is None or call is None:
            return None
        places = [each for each in parameters.named_children if each.type != "comment"]
        arguments = self.arguments(call)
        index = places.index(parameter) if parameter in places else len(arguments)
        return self.of(arguments[index], depth) if index < len(arguments) else None

    def _property(self, node: Node, depth: int) -> Value | None:
        base, name = node.child_by_field_name("object"), self.key(node)
        if base is None or name is None:
            return None
        value = self.of(base, depth)
        if name == "value" and self._is_descriptor(base, depth):
            return value
        if value is None and base.type in _LITERALS and _is_method(name):
            return FUNCTION  # `[].map`
        return self.member(value, name)

    def _call(self, node: Node, depth: int) -> Value | None:
        callee = node.child_by_field_name("function")
        if callee is None:
            return None
        if self.is_await(node) and self.arguments(node):
            return self.of(self.arguments(node)[0], depth)
        value = self.of(callee, depth)
        if value is None or value.kind != "path":
            return self._returned(self._called(callee), depth)
        path, arguments = value.path, self.arguments(node)
        if path in _READERS and len(arguments) > 1:
            name = self.strings.text(arguments[1])
            return self.member(self.of(arguments[0], depth), name) if name else None
        if path in _PARENTS and arguments:
            return FUNCTION if is_function(self.of(arguments[0], depth)) else None
        return Value("path", path.removesuffix(".bind")) if path.endswith(".bind") else None

    def _is_descriptor(self, node: Node, depth: int) -> bool:
        callee = node.child_by_field_name("function") if node.type == "call_expression" else None
        return callee is not None and self.of(callee, depth) == Value("path", _DESCRIPTOR)

    def _called(self, callee: Node) -> Node:
        """The function that a callee runs: ``f`` in ``f.call``."""
        if callee.type == "member_expression" and self.key(callee) in _CALLERS:
            return callee.child_by_field_name("object") or callee
        return callee

    def _returned(self, callee: Node, depth: int) -> Value | None:
        """What a function that is called where it stands returns, if that is plain to see."""
        function = bare(callee)
        body = function.child_by_field_name("body")
        if body is None or function.type not in ("arrow_function", "function_expression"):
            return None
        if self._exact and function.children[0].type == "async":
            return None
        if body.type != "statement_block":
            return self.of(body, depth)
        first = body.named_children[0] if body.named_child_count else None
        return self._child(first, 0, depth) if first and first.type == "return_statement" else None

    def _is_global_this(self, node: Node) -> bool:
        """At the top level, and in a function that is called where it stands."""
        function = self._scopes.function_around(node, arrows=False)
        if function is None:
            return True
        return function.type == "function_expression" and self._is_called_bare(function)

    def _is_called_bare(self, function: Node) -> bool:
        """Whether a function is called where it stands, without an object."""
        if self._call_of(function):
            return True
        outer = self._scopes.parent(function)
        while outer is not None and outer.type == "parenthesized_expression":
            outer = self._scopes.parent(outer)
        if outer is None or outer.type != "member_expression" or self.key(outer) not in _CALLERS:
            return False
        call = self._call_of(outer)
        given = self.arguments(call) if call else []
        return call is not None and (not given or given[0].type in ("null", "undefined"))

    def _call_of(self, function: Node) -> Node | None:
        """The call of a function where it stands; ``.call(…)`` is one too, of other arguments."""
        inner, outer = function, self._scopes.parent(function)
        while outer is not None and outer.type == "parenthesized_expression":
            inner, outer = outer, self._scopes.parent(outer)
        if outer is None or outer.type != "call_expression":
            return None
        return outer if outer.child_by_field_name("function") == inner else None

    def _initial(self, node: Node) -> Node | None:
        """The expression that a name was declared with."""
        binding = self._scopes.binding(node)
        if binding is None or binding.construct.type != "variable_declarator":
            return None
        if binding.construct.child_by_field_name("name") != binding.node:
            return None
        if self._exact and not self._scopes.is_constant(binding):
            return None
        return binding.construct.child_by_field_name("value")

    def _named(self, node: Node) -> str:
        return unescape_name(self._tree.text(node))

    def _field(self, node: Node, name: str, depth: int) -> Value | None:
        found = node.child_by_field_name(name)
        return self.of(found, depth + 1) if found else None

    def _child(self, node: Node, index: int, depth: int) -> Value | None:
        children = [each for each in node.named_children if each.type != "comment"]
        return self.of(children[index], depth + 1) if children else None


def is_function(value: Value | None) -> bool:
    """Whether a value is certainly a function, so that its constructor makes code of text."""
    if value is None or value.kind != "path":
        return value == FUNCTION
    root, *rest = value.path.split(".")
    if not rest:
        return root in PLAIN_FUNCTIONS or root == "Function"
    if value.path == "Function.prototype":
        return True
    is_member = len(rest) == 1 or (len(rest) == 2 and rest[0] == "prototype")
    if root == "Symbol" and rest[0] not in ("for", "keyFor", "prototype"):
        return False
    return root in _NAMESPACES and is_member and _is_method(rest[-1])


def _is_method(name: str) -> bool:
    """Whether a property of something built-in is a function, if it is there."""
    return name[:1].islower() and name not in _FIELDS


def bare(node: Node) -> Node:
    """The expression inside of parentheses."""
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    return node
