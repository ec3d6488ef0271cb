"""Rules about making code of text, and about reaching the constructors that do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from onehop.validation._calls import Call
from onehop.validation._facts import Access, Facts
from onehop.validation._hits import Hit, at
from onehop.validation._values import CONSTRUCTOR, FUNCTION_CONSTRUCTOR, Value, is_function

if TYPE_CHECKING:
    from tree_sitter import Node

_NO_CODE_FROM_TEXT = (
    "text is never run as code in the sandbox, so this throws an EvalError; write the code itself, "
    "and read data with JSON.parse"
)
_NO_TEXT = "text is never run as code; write () => { … }"
_CONSTRUCTORS = ("Function", "AsyncFunction", "GeneratorFunction", "AsyncGeneratorFunction")
_TIMERS = ("setTimeout", "setInterval", "setImmediate")
_COMPARISONS = frozenset({"===", "!==", "==", "!=", "instanceof", "in"})
_HARMLESS_ON_FUNCTION = frozenset({"name", "length", "prototype"})
_TEXTS = frozenset({"string", "template_string"})


def eval_(facts: Facts) -> Iterator[Hit]:
    """``eval``, under any name."""
    for _, node in facts.uses("eval"):
        certain = facts.certainty.calls(node, Value("path", "eval"), _gives_text(facts))
        yield at(node, f"eval does not work: {_NO_CODE_FROM_TEXT}", certain=certain)


def function_constructor(facts: Facts) -> Iterator[Hit]:
    """``Function`` and similar constructors, by name or as the constructor of a function."""
    for name, node in facts.uses(*_CONSTRUCTORS):
        if not (name == "Function" and _only_looks(facts, node)):
            certain = _is_missing_or_called(facts, name, node)
            yield at(node, f"{name} does not work: {_NO_CODE_FROM_TEXT}", certain=certain)
    for access in facts.accesses("constructor"):
        if is_function(access.base) and not _is_asked(facts, access):
            yield at(
                access.node,
                f"the constructor of a function does not work: {_NO_CODE_FROM_TEXT}",
                certain=_is_called(facts, access),
            )


def constructor_chain(facts: Facts) -> Iterator[Hit]:
    """The constructor of a constructor, and constructors under computed names."""
    for access in facts.accesses("constructor"):
        if access.base == CONSTRUCTOR:
            message = f".constructor.constructor is Function: {_NO_CODE_FROM_TEXT}"
            yield at(access.node, message, certain=_is_called(facts, access))
        elif access.computed:
            yield at(access.node, '["constructor"] is a way to reach Function', certain=False)
        elif _is_indexed(facts, access):
            yield at(access.node, ".constructor[…] is a way to reach Function", certain=False)


def string_timer(facts: Facts) -> Iterator[Hit]:
    """Text given to a timer."""
    for name, node in facts.uses(*_TIMERS):
        for holder in facts.holders(node):
            for _call, given in facts.calls.of(holder):
                if given and _is_text(facts, given[0]):
                    certain = facts.certainty.calls(node, Value("path", name), _has_text(facts))
                    message = f"{name} needs a function here: {_NO_TEXT}"
                    yield at(given[0], message, certain=certain)


def webassembly(facts: Facts) -> Iterator[Hit]:
    """``WebAssembly``, which the sandbox does not have."""
    message = (
        "WebAssembly does not exist in the sandbox: nothing can be compiled here; write it in "
        "JavaScript"
    )
    for name, node in facts.uses("WebAssembly"):
        yield at(node, message, certain=facts.certainty.lacks(name, node))


def with_(facts: Facts) -> Iterator[Hit]:
    """The ``with`` statement."""
    for leaf in facts.words.leaves("with"):
        parent = facts.scopes.parent(leaf)
        if leaf.type == "with" and parent and parent.type == "with_statement":
            yield at(leaf, "`with` hides which variable a name means")


def proto(facts: Facts) -> Iterator[Hit]:
    """``__proto__``, read, written or defined."""
    message = "__proto__ reaches into objects that are shared by all code"
    for access in facts.accesses("__proto__"):
        yield at(access.node, message)
    for node in facts.definitions("__proto__"):
        yield at(node, message)
    for leaf in facts.words.leaves("__proto__"):
        if facts.scopes.is_free(leaf):
            yield at(leaf, message)


def _only_looks(facts: Facts, node: Node) -> bool:
    """Whether ``Function`` is only compared, or asked for something harmless."""
    outer = facts.calls.around(node)
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


def _is_missing_or_called(facts: Facts, name: str, node: Node) -> bool:
    """``AsyncFunction`` and its like are not globals; ``Function`` fails when it is called."""
    if name != "Function":
        return facts.certainty.lacks(name, node)
    return facts.certainty.calls(node, FUNCTION_CONSTRUCTOR, lambda _call: True)


def _is_called(facts: Facts, access: Access) -> bool:
    """Whether each run calls the constructor of functions that is accessed."""
    start = access.bound if access.object is None else access.outer
    if start is None or facts.certainty.is_defined("constructor"):
        return False
    if any(_is_pair(node) for node in facts.definitions("constructor")):
        return False
    return facts.certainty.calls(start, FUNCTION_CONSTRUCTOR, lambda _call: True)


def _is_pair(node: Node) -> bool:
    """Whether it is an object that a name is defined in; not a class, nor a pattern."""
    outer = node.parent
    if outer is not None and outer.type == "computed_property_name":
        outer = outer.parent
    return outer is not None and outer.type in ("pair", "field_definition")


def _gives_text(facts: Facts) -> Callable[[Call], bool]:
    def check(call: Call) -> bool:
        return bool(call[1]) and facts.certainty.may_be_text(call[1][0])

    return check


def _has_text(facts: Facts) -> Callable[[Call], bool]:
    def check(call: Call) -> bool:
        return bool(call[1]) and _is_text(facts, call[1][0])

    return check


def _is_asked(facts: Facts, access: Access) -> bool:
    """Whether a function's constructor is only compared or asked for its name."""
    return access.bound is None and _only_looks(facts, access.outer)


def _is_indexed(facts: Facts, access: Access) -> bool:
    """``x.constructor[…]``."""
    if access.object is None:
        return False
    outer = facts.calls.around(access.outer)
    parent = facts.scopes.parent(outer)
    if parent is None or parent.type != "subscript_expression":
        return False
    index = parent.child_by_field_name("index")
    is_chain = index is not None and facts.values.strings.text(index) == "constructor"
    return parent.child_by_field_name("object") == outer and not is_chain


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
