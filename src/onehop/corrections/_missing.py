"""The warnings about a program that was left as it is, ran, and gave nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from onehop.corrections._corrected import NOTHING, UNSEEN
from onehop.corrections._entry import unused_names
from onehop.corrections._program import FUNCTIONS, bare, expression_of, meaningful, returns_at_top

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.corrections._draft import Draft
    from onehop.corrections._program import Declared
    from onehop.source._tree import SyntaxTree

_ALONE: Final = (
    "nothing was returned: `return` stands alone on its line, so what is below it never runs. "
    "Put the value on the same line"
)
_NOT_CALLED: Final = (
    "nothing was returned: {names} never called. End the code with a call, such as "
    "`return {name}(…)`"
)
_NO_NAME: Final = (
    "nothing was returned: the code ends in a function that is never called. Call it, "
    "or give the body of the function as the code"
)
_NOT_USED: Final = (
    "nothing was returned: the class {name} is never used. End the code with `return` and what "
    "its object gives, such as `return new {name}(…).run()`"
)
_MOST_NAMES: Final = 3
_LONGEST_NAME: Final = 40


def what_is_missing(draft: Draft) -> str | None:
    """Why the program gives nothing, if it does; None when it returns."""
    if draft.unseen:
        return UNSEEN
    tree = draft.whole if draft.parsed else None
    if tree is None:
        return None
    statements = meaningful(tree)
    if returns_at_top(tree):
        return _ALONE if _returns_alone(statements) else None
    if draft.keeps:
        return None
    return _of_unused(tree, statements) or NOTHING


def _returns_alone(statements: list[Node]) -> bool:
    types = [node.type for node in statements]
    at = types.index("return_statement") if "return_statement" in types else len(types)
    below = types[at + 1 : at + 2]
    if below not in (["expression_statement"], ["statement_block"]):
        return False
    return not statements[at].named_children and ";" not in _text(statements[at])


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-16-le", "surrogatepass")


def _of_unused(tree: SyntaxTree, statements: list[Node]) -> str | None:
    last = expression_of(statements[-1]) if statements else None
    if last is not None and bare(last).type in FUNCTIONS:
        return _NO_NAME
    unused = [each for each in unused_names(tree, statements) or () if _is_short(each)]
    names = [f"`{each.name}`" for each in unused if _is_function(each)][-_MOST_NAMES:]
    if names:
        verb = " is" if len(names) == 1 else " are"
        return _NOT_CALLED.format(names=", ".join(names) + verb, name=names[-1].strip("`"))
    classes = [each.name for each in unused if each.is_class]
    return _NOT_USED.format(name=classes[-1]) if classes else None


def _is_short(thing: Declared) -> bool:
    return len(thing.name) <= _LONGEST_NAME


def _is_function(thing: Declared) -> bool:
    return thing.function is not None or "function" in thing.node.type
