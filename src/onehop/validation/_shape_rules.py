"""Rules about the shape of a program: loops, length, disguise, syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from onehop.validation._budget import Budget
from onehop.validation._facts import Facts
from onehop.validation._hits import Hit, at
from onehop.validation._parser import Tree, parse

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_LOOPS = 10
MAX_NESTING = 3
MAX_CHARACTERS = 100_000
_ASCII_ESCAPES = re.compile(
    r"(?:\\x[2-7][0-9a-fA-F]|\\u00[2-7][0-9a-fA-F]|\\u\{0*[2-7][0-9a-fA-F]\}){8,}"
)
_ESCAPED_NAME = re.compile(r"(?<![\\\w$])[\w$]*\\u(?:[0-9a-fA-F]{4}|\{[0-9a-fA-F]+\})")
_SYMBOLS_ONLY = re.compile(r"[\[\]()!+]{120,}")
_MAYBE_JSX = re.compile(r"<[A-Za-z>]")
_JSX = frozenset({"jsx_opening_element", "jsx_closing_element", "jsx_self_closing_element"})
_MAX_JSX_PLACES = 200
_MAX_RETRY = 128 * 1024


def endless_loop(facts: Facts) -> Iterator[Hit]:
    """Loops that never end."""
    for loop in facts.loops.endless:
        yield at(loop, "this loop has no way out: it runs until the deadline ends the execution")


def many_loops(facts: Facts) -> Iterator[Hit]:
    """More loops than a small task needs."""
    loops = facts.loops.all
    if len(loops) > MAX_LOOPS:
        yield at(loops[MAX_LOOPS], f"{len(loops)} loops are many: more than {MAX_LOOPS}")


def nested_loops(facts: Facts) -> Iterator[Hit]:
    """Loops within loops within loops."""
    loops = facts.loops
    for loop, depth in zip(loops.all, loops.depths, strict=True):
        if depth == MAX_NESTING + 1:
            yield at(loop, f"loops are nested more than {MAX_NESTING} deep: this grows fast")


def long_code(facts: Facts) -> Iterator[Hit]:
    """Very long programs."""
    length = len(facts.tree.units)
    if length > MAX_CHARACTERS:
        yield Hit(0, f"the code has {length} characters, more than {MAX_CHARACTERS}")


def obfuscation(facts: Facts) -> Iterator[Hit]:
    """Code that hides what it says."""
    units = facts.tree.units
    for found in _ASCII_ESCAPES.finditer(units) if "\\" in units else ():
        yield Hit(found.start(), "a long run of escapes spells plain letters")
    for found in _ESCAPED_NAME.finditer(units) if "\\u" in units else ():
        leaf = facts.words.leaf(found.start(), found.end())
        if "identifier" in leaf.type:
            yield Hit(found.start(), "a name is spelled with escapes")
    for found in _SYMBOLS_ONLY.finditer(units) if "![]" in units else ():
        if "![]" in found[0]:
            yield Hit(found.start(), "code is made of brackets and signs only")


def jsx(facts: Facts) -> Iterator[Hit]:
    """Elements of JSX."""
    place = _first_jsx(facts) if _MAYBE_JSX.search(facts.tree.units) else None
    if place is not None:
        yield Hit(place, "JSX does not run here: there is no compiler for it")


def syntax(facts: Facts) -> Iterator[Hit]:
    """Code that the parser cannot read."""
    root = facts.tree.root
    if not root.has_error or any(jsx(facts)):
        return
    broken = _first_error(facts, root)
    what = f"`{broken.type}` is missing here" if broken.is_missing else "this does not parse"
    yield at(broken, what + _looks_like_typescript(facts))


def _first_jsx(facts: Facts) -> int | None:
    """Where the first element starts; code that does not parse gets a second try as TSX."""
    tree = facts.tree
    place = _jsx_in(tree, facts.budget) if facts.language == "javascript" else None
    if place is not None or not tree.root.has_error or len(tree.units) > _MAX_RETRY:
        return place
    again = parse(_text(facts), "tsx", facts.budget)
    return None if again.root.has_error else _jsx_in(again, facts.budget)


def _jsx_in(tree: Tree, budget: Budget) -> int | None:
    for found in islice(_MAYBE_JSX.finditer(tree.units), _MAX_JSX_PLACES):
        budget.spend()
        start = found.start() * 2
        leaf = tree.root.descendant_for_byte_range(start, start + 1)
        if leaf and leaf.parent and leaf.parent.type in _JSX:
            return found.start()
    return None


def _first_error(facts: Facts, root: Node) -> Node:
    """The first place that the parser stumbled over: the innermost node around it."""
    node = root
    while not (node.is_error or node.is_missing):
        facts.budget.spend()
        broken = (child for child in node.children if child.has_error or child.is_missing)
        inner = next(broken, None)
        if inner is None:
            return node
        node = inner
    return node


def _looks_like_typescript(facts: Facts) -> str:
    if facts.language != "javascript" or len(facts.tree.units) > _MAX_RETRY:
        return ""
    typed = parse(_text(facts), "typescript", facts.budget)
    if typed.root.has_error:
        return ""
    return '. It looks like TypeScript: send it with language "typescript"'


def _text(facts: Facts) -> str:
    return facts.tree.data.decode("utf-16-le", "surrogatepass")
