"""Rules about making code of text, and about reaching the constructors that do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from onehop.validation._facts import Access, Facts
from onehop.validation._hits import Hit, at
from onehop.validation._values import CONSTRUCTOR, FUNCTION_CONSTRUCTOR, is_function

if TYPE_CHECKING:
    from tree_sitter import Node

_NO_CODE_FROM_TEXT = "text is never run as code in the sandbox, so this throws an EvalError"
_CONSTRUCTORS = ("Function", "AsyncFunction", "GeneratorFunction", "AsyncGeneratorFunction")
_TIMERS = ("setTimeout", "setInterval", "setImmediate")
_COMPARISONS = frozenset({"===", "!==", "==", "!=", "instanceof", "in"})
_HARMLESS_ON_FUNCTION = frozenset({"name", "length", "prototype"})
_TEXTS = frozenset({"string", "template_string"})


def eval_(facts: Facts) -> Iterator[Hit]:
    """``eval``, under any name."""
    for _, node in facts.uses("eval"):
        yield at(node, f"eval does not work: {_NO_CODE_FROM_TEXT}")


def function_constructor(facts: Facts) -> Iterator[Hit]:
    """``Function`` and its kin, by name or as the constructor of a function."""
    for name, node in facts.uses(*_CONSTRUCTORS):
        if not (name == "Function" and _only_looks(facts, node)):
            yield at(node, f"{name} does not work: {_NO_CODE_FROM_TEXT}")
    for access in facts.accesses("constructor"):
        if _makes_functions(facts, access):
            yield at(
                access.node,
                f"the constructor of a function does not work: {_NO_CODE_FROM_TEXT}",
            )


def constructor_chain(facts: Facts) -> Iterator[Hit]:
    """The constructor of a constructor, and constructors under computed names."""
    for access in facts.accesses("constructor"):
        if access.base == CONSTRUCTOR:
            yield at(access.node, f".constructor.constructor is Function: {_NO_CODE_FROM_TEXT}")
        elif access.computed:
            yield at(access.node, '["constructor"] is not allowed: it is a way to reach Function')
        elif _is_indexed(facts, access):
            yield at(access.node, ".constructor[…] is not allowed: it is a way to reach Function")
    for leaf in facts.words.leaves("constructor"):
        if facts.scopes.is_free(leaf) and facts.call_of(leaf):
            yield at(leaf, f"constructor is not a function of yours: {_NO_CODE_FROM_TEXT}")


def string_timer(facts: Facts) -> Iterator[Hit]:
    """Text given to a timer."""
    for name, node in facts.uses(*_TIMERS):
        for holder in facts.holders(node):
            handler = _handler(facts, holder)
            if handler and _is_text(facts, handler):
                yield at(handler, f"{name} needs a function here: text is never run as code")


def webassembly(facts: Facts) -> Iterator[Hit]:
    """``WebAssembly``, which the sandbox does not have."""
    for _, node in facts.uses("WebAssembly"):
        yield at(node, "WebAssembly does not exist in the sandbox: nothing can be compiled here")


def with_(facts: Facts) -> Iterator[Hit]:
    """The ``with`` statement."""
    for leaf in facts.words.leaves("with"):
        parent = facts.scopes.parent(leaf)
        if leaf.type == "with" and parent and parent.type == "with_statement":
            yield at(leaf, "`with` is not allowed: it hides which variable a name means")


def proto(facts: Facts) -> Iterator[Hit]:
    """``__proto__``, read, written or defined."""
    message = "__proto__ is not allowed: it reaches into objects that are shared by all code"
    for access in facts.accesses("__proto__"):
        yield at(access.node, message)
    for node in facts.definitions("__proto__"):
        yield at(node, message)
    for leaf in facts.words.leaves("__proto__"):
        if facts.scopes.is_free(leaf):
            yield at(leaf, message)


def _only_looks(facts: Facts, node: Node) -> bool:
    """Whether ``Function`` is only compared, or asked for something harmless."""
    outer = facts.around(node)
    parent = facts.scopes.parent(outer)
    if parent is None:
        return False
    if parent.type == "binary_expression":
        return parent.children[1].type in _COMPARISONS
    if parent.type == "switch_case":
        return parent.child_by_field_name("value") == outer
    if parent.type != "member_expression" or parent.child_by_field_name("object") != outer:
        return False
    return facts.values.key(parent) in _HARMLESS_ON_FUNCTION


def _makes_functions(facts: Facts, access: Access) -> bool:
    if is_function(access.base):
        return not _is_asked(facts, access)
    if access.base in (CONSTRUCTOR, FUNCTION_CONSTRUCTOR) or access.computed:
        return False  # for the rule about chains
    return _is_called_with_text(facts, access)


def _is_asked(facts: Facts, access: Access) -> bool:
    """Whether a function's constructor is only compared or asked for its name."""
    return access.bound is None and _only_looks(facts, access.outer)


def _is_called_with_text(facts: Facts, access: Access) -> bool:
    """``x.constructor("code")``: of an unknown object, but what else would take text."""
    start = access.bound if access.object is None else access.outer
    if start is None:
        return False
    binding = facts.scopes.binding(start) if access.bound else None
    places = facts.scopes.references(binding) if binding else facts.holders(start)
    for place in places:
        call = facts.call_of(place)
        if call and call.type == "call_expression" and _gives_text(facts, call):
            return True
    return False


def _gives_text(facts: Facts, call: Node) -> bool:
    return any(_is_text(facts, each) for each in facts.values.arguments(call))


def _is_indexed(facts: Facts, access: Access) -> bool:
    """``x.constructor[…]``."""
    if access.object is None:
        return False
    outer = facts.around(access.outer)
    parent = facts.scopes.parent(outer)
    if parent is None or parent.type != "subscript_expression":
        return False
    index = parent.child_by_field_name("index")
    is_chain = index is not None and facts.values.strings.text(index) == "constructor"
    return parent.child_by_field_name("object") == outer and not is_chain


def _handler(facts: Facts, timer: Node) -> Node | None:
    """What a timer is to run, when ``timer`` is called: directly or by ``.call`` and its kin."""
    call = facts.call_of(timer)
    if call:
        return _nth(facts.values.arguments(call), 0)
    parent = facts.scopes.parent(timer)
    if parent and parent.type == "arguments":
        return _applied(facts, parent, timer)
    if parent is None or parent.type not in ("member_expression", "subscript_expression"):
        return None
    how, call = facts.values.key(parent), facts.call_of(parent)
    if call is None or parent.child_by_field_name("object") != timer:
        return None
    return _passed(facts.values.arguments(call), how, 1)


def _applied(facts: Facts, arguments: Node, timer: Node) -> Node | None:
    """``Reflect.apply(setTimeout, null, ["code"])``."""
    call = facts.scopes.parent(arguments)
    callee = call.child_by_field_name("function") if call else None
    value = facts.values.of(callee) if callee else None
    given = facts.values.arguments(call) if call else []
    if value is None or value.path != "Reflect.apply" or given[:1] != [timer]:
        return None
    return _passed(given, "apply", 2)


def _passed(given: list[Node], how: str | None, index: int) -> Node | None:
    """The first argument behind ``this`` in ``.call(…)``, ``.bind(…)`` and ``.apply(…)``."""
    found = _nth(given, index)
    if how in ("call", "bind"):
        return found
    if how != "apply" or found is None or found.type != "array":
        return None
    return _nth(found.named_children, 0)


def _nth(nodes: list[Node], index: int) -> Node | None:
    return nodes[index] if index < len(nodes) else None


def _is_text(facts: Facts, node: Node) -> bool:
    """Whether an expression is certainly text."""
    if node.type in _TEXTS or facts.values.strings.text(node) is not None:
        return node.type != "number"
    if node.type == "call_expression":
        value = facts.values.of(node.children[0])
        return value is not None and value.path == "String"
    if node.type != "binary_expression" or node.children[1].type != "+":
        return False
    sides = node.child_by_field_name("left"), node.child_by_field_name("right")
    return any(side is not None and side.type in _TEXTS for side in sides)
