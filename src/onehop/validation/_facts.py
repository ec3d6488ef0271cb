"""What a program does with names that matter, however it spells them: the ground of all rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onehop.validation._calls import Calls
from onehop.validation._certainty import Certainty
from onehop.validation._flow import Flow
from onehop.validation._loops import Loops
from onehop.validation._scopes import Scopes
from onehop.validation._values import GLOBAL, GLOBAL_OBJECTS, Value, Values
from onehop.validation._words import Words

if TYPE_CHECKING:
    from tree_sitter import Node

    from onehop.types import Language
    from onehop.validation._budget import Budget
    from onehop.validation._parser import Tree

HIDDEN = frozenset(
    "eval Function AsyncFunction GeneratorFunction AsyncGeneratorFunction require importScripts "
    "process child_process Deno Bun WebAssembly constructor __proto__ setTimeout setInterval "
    "setImmediate".split()
)
"""Words that are looked for also where they are put together from pieces."""
_ALL_HIDDEN = " ".join(sorted(HIDDEN))
# One by one, since the engine of `re` finds the start of each of these quickly.
_PIECES = (
    re.compile(r"""\+\s*["'`](\w{0,12})["'`]"""),  # … + "al"
    re.compile(r"""["'`](\w{0,12})["'`]\s*\+"""),  # "ev" + …
    re.compile(r"""`(?=[^`]*\$\{)(?:\w|\$\{[^`{}]{0,60}\})*`"""),  # `${a}al`
    re.compile(r"(?:join|concat|fromCharCode|fromCodePoint|atob|toLowerCase)\s*\("),
    re.compile(r"\\[xu]"),
)
_IN_TEXT = frozenset(
    {"string", "template_string", "template_substitution", "binary_expression"}
    | {"parenthesized_expression", "member_expression"}
)
_BARE_THIS = re.compile(r"this(?![\w$])(?!\s*\??\.\s*[\w$#])")
_BY_NAME = frozenset(
    {"Reflect.get", "Reflect.set", "Reflect.defineProperty", "Reflect.getOwnPropertyDescriptor"}
    | {"Object.defineProperty", "Object.getOwnPropertyDescriptor"}
)
_LEGACY = frozenset(
    {"__lookupGetter__", "__lookupSetter__", "__defineGetter__", "__defineSetter__"}
)
_GIVES = {
    "variable_declarator": ("value", "name"),
    "assignment_expression": ("right", "left"),
    "assignment_pattern": ("right", "left"),
    "pair_pattern": ("key", "value"),
}
"""The fields that a value comes from and goes to."""
_MAX_HOLDERS = 1000


@dataclass(frozen=True)
class Access:
    """A property that is read, written or defined under a name that the tree shows."""

    node: Node
    """The name."""
    outer: Node
    """The whole expression; the pattern where it is taken apart."""
    base: Value | None
    """The object, as far as it is known."""
    object: Node | None = None
    """The object's expression; None where a pattern takes it apart."""
    bound: Node | None = None
    """The name that a pattern gives to what it takes."""
    computed: bool = False
    """Whether the name is text that the code computes with: ``x["name"]``."""


class Facts:
    """One program, and the questions that rules put to it."""

    def __init__(self, tree: Tree, language: Language, budget: Budget) -> None:
        self.tree = tree
        self.language: Language = language
        self.budget = budget
        self.words = Words(tree, budget)
        self.scopes = Scopes(tree, self.words, language, budget)
        self.values = Values(tree, self.scopes, budget)
        self.exact = Values(tree, self.scopes, budget, exact=True)
        """What expressions stand for in each run; ``values`` is what they may stand for."""
        self.calls = Calls(self.scopes, self.exact, budget)
        self.flow = Flow(tree, self.words, self.scopes, self.calls, budget)
        self.certainty = Certainty(self)
        self.loops = Loops(self)
        self._accesses: dict[str, list[Access]] = {}

    def uses(self, *names: str) -> Iterator[tuple[str, Node]]:
        """Where globals are used, with the name of each; ``typeof`` alone does not count."""
        for name in names:
            seen: set[int] = set()
            for place in self._uses(name):
                if place.start_byte not in seen:
                    seen.add(place.start_byte)
                    yield name, place

    def accesses(self, name: str) -> list[Access]:
        """Where a property of that name is accessed, on whatever object."""
        if name not in self._accesses:
            self._accesses[name] = list(self._find_accesses(name))
        return self._accesses[name]

    def _find_accesses(self, name: str) -> Iterator[Access]:
        for leaf in self.words.leaves(name):
            found = self._plain_access(leaf)
            if found:
                yield found
        for text in self._texts(name):
            yield from self._computed_accesses(text)

    def definitions(self, name: str) -> Iterator[Node]:
        """Where an object literal or a class defines a property of that name."""
        kinds = ("pair", "method_definition", "field_definition", "public_field_definition")
        for leaf in self.words.leaves(name):
            key = leaf.parent if leaf.type == "string_fragment" else leaf
            if key is None or key.type not in ("property_identifier", "string"):
                continue
            parent = self.scopes.parent(key)
            if parent and parent.type in kinds and parent.child_by_field_name("value") != key:
                yield key
        for text in self._texts(name):
            parent = self.scopes.parent(text)
            if parent and parent.type == "computed_property_name":
                yield text

    def holders(self, node: Node) -> Iterator[Node]:
        """``node``, and the expressions that hold the same value under other names."""
        pending, seen = [node], set[int]()
        while pending and len(seen) < _MAX_HOLDERS:
            holder = self.calls.around(pending.pop())
            if holder.id not in seen:
                seen.add(holder.id)
                yield holder
                pending += self._passed_on(holder)

    def computed_reads(self) -> Iterator[tuple[Node, str | None]]:
        """Properties of the global object under computed names; None where only a run tells."""
        for holder in self.global_objects():
            parent = self.scopes.parent(holder)
            if parent is not None and parent.type == "subscript_expression":
                index = parent.child_by_field_name("index")
                if index and index != holder:
                    yield parent, self.values.strings.text(index)
            elif parent is not None and parent.type == "arguments":
                yield from self._reflected(parent, holder)

    def is_typeof(self, node: Node) -> bool:
        """Whether an expression is only asked for its type."""
        parent = self.scopes.parent(self.calls.around(node))
        return (
            parent is not None
            and parent.type == "unary_expression"
            and parent.children[0].type == "typeof"
        )

    def _uses(self, name: str) -> Iterator[Node]:
        for leaf in self.words.leaves(name):
            if self.scopes.is_free(leaf) and not self.is_typeof(leaf):
                yield leaf
        for access in self.accesses(name):
            if access.base == GLOBAL and not self.is_typeof(access.outer):
                yield access.outer if access.object else access.node
        for place, key in self._computed_reads:
            if key == name:
                yield place

    def _plain_access(self, leaf: Node) -> Access | None:
        parent = self.scopes.parent(leaf)
        if parent is None:
            return None
        match leaf.type, parent.type:
            case "property_identifier", "member_expression":
                return self._member(leaf, parent, computed=False)
            case "property_identifier", "pair_pattern":
                return self._taken(leaf, parent, parent.child_by_field_name("value"))
            case "shorthand_property_identifier_pattern", "object_assignment_pattern":
                return self._taken(leaf, parent, leaf)
            case "shorthand_property_identifier_pattern", _:
                return Access(leaf, parent, self.values.source(parent), bound=leaf)
            case _:
                return None

    def _member(self, name: Node, outer: Node, *, computed: bool) -> Access | None:
        base = outer.child_by_field_name("object")
        if base is None or (self.language == "typescript" and self.scopes.in_type(outer)):
            return None
        return Access(name, outer, self.values.of(base), base, computed=computed)

    def _taken(
        self, name: Node, pair: Node, bound: Node | None, *, computed: bool = False
    ) -> Access | None:
        pattern = self.scopes.parent(pair)
        if pattern is None or pattern.type != "object_pattern":
            return None
        source = self.values.source(pattern)
        return Access(name, pattern, source, bound=bound, computed=computed)

    def _texts(self, word: str) -> Iterator[Node]:
        """Constant expressions whose text is ``word``."""
        size = 2 * (len(word) + 2)
        for leaf in self.words.leaves(word):
            literal = leaf.parent if leaf.type == "string_fragment" else None
            if literal and literal.end_byte - literal.start_byte == size:
                yield literal
        yield from self._pieced.get(word, ())

    @cached_property
    def _pieced(self) -> dict[str, list[Node]]:
        """Expressions that put a word together from pieces, or spell it with escapes."""
        found: dict[str, list[Node]] = {}
        seen: set[int] = set()
        for match in self._pieces():
            top = self._whole_text(self.words.leaf(match.start(), match.start() + 1))
            if top.id not in seen:
                seen.add(top.id)
                text = self.values.strings.text(top)
                if text in HIDDEN:
                    found.setdefault(text, []).append(top)
        return found

    def _pieces(self) -> Iterator[re.Match[str]]:
        """Where text is put together from pieces that hidden words may have."""
        for pattern in _PIECES:
            for match in pattern.finditer(self.tree.units):
                if pattern.groups == 0 or match[1] in _ALL_HIDDEN:
                    yield match

    def _whole_text(self, node: Node) -> Node:
        """The largest expression around that makes one text of its pieces."""
        parent = self.scopes.parent(node)
        while parent is not None and (
            parent.type in _IN_TEXT
            or (parent.type == "call_expression" and parent.child_by_field_name("function") == node)
        ):
            node, parent = parent, self.scopes.parent(parent)
        return node

    def _computed_accesses(self, text: Node) -> Iterator[Access]:
        for holder in self.holders(text):
            parent = self.scopes.parent(holder)
            found = self._computed_access(holder, parent) if parent else None
            if found:
                yield found

    def _computed_access(self, name: Node, parent: Node) -> Access | None:
        match parent.type:
            case "subscript_expression" if parent.child_by_field_name("index") == name:
                return self._member(name, parent, computed=True)
            case "computed_property_name" | "pair_pattern":
                pair = parent if parent.type == "pair_pattern" else self.scopes.parent(parent)
                is_pattern = pair is not None and pair.type == "pair_pattern"
                if pair is None or not is_pattern or pair.child_by_field_name("value") == name:
                    return None
                bound = pair.child_by_field_name("value")
                return self._taken(name, pair, bound, computed=parent != pair)
            case "arguments":
                return self._access_by_call(name, parent)
            case _:
                return None

    def _access_by_call(self, name: Node, arguments: Node) -> Access | None:
        """``Reflect.get(x, "name")`` and its kind."""
        call = self.scopes.parent(arguments)
        callee = call.child_by_field_name("function") if call else None
        if call is None or callee is None:
            return None
        given = self.values.arguments(call)
        value = self.values.of(callee)
        path = value.path.removesuffix(".call") if value else ""
        if path in _BY_NAME and name in given[1:]:
            target = given[given.index(name) - 1]
            return Access(name, call, self.values.of(target), target, computed=True)
        if callee.type == "member_expression" and self.values.key(callee) in _LEGACY:
            target = callee.child_by_field_name("object") or callee
            return Access(name, call, self.values.of(target), target, computed=True)
        return None

    def _passed_on(self, holder: Node) -> Iterator[Node]:
        """References to the name that is given the value of ``holder``."""
        target = self._target(holder)
        if target is None or "identifier" not in target.type:
            return
        binding = self.scopes.binding(target)
        if binding:
            yield from self.scopes.references(binding)

    def _target(self, holder: Node) -> Node | None:
        """What gets the value of ``holder``; of the key in a pattern, what that key stands for."""
        parent = self.scopes.parent(holder)
        if parent is None or holder.type == "shorthand_property_identifier_pattern":
            return holder
        if parent.type == "arguments":
            return self.calls.parameter_of(parent, holder)
        value, name = _GIVES.get(parent.type, ("", ""))
        if value and parent.child_by_field_name(value) == holder:
            return parent.child_by_field_name(name)
        return None

    @cached_property
    def _computed_reads(self) -> list[tuple[Node, str | None]]:
        return list(self.computed_reads())

    def _reflected(self, arguments: Node, holder: Node) -> Iterator[tuple[Node, str | None]]:
        call = self.scopes.parent(arguments)
        callee = call.child_by_field_name("function") if call else None
        value = self.values.of(callee) if callee else None
        given = self.values.arguments(call) if call else []
        if call and value and value.path == "Reflect.get" and given[:1] == [holder] and given[1:]:
            yield call, self.values.strings.text(given[1])

    def global_objects(self) -> Iterator[Node]:
        """Expressions that hold the global object."""
        for name in sorted(GLOBAL_OBJECTS):
            for leaf in self.words.leaves(name):
                if self.scopes.is_free(leaf):
                    yield from self.holders(leaf)
        for leaf in self.words.matches(_BARE_THIS):
            if leaf.type == "this" and self.values.of(leaf) == GLOBAL:
                yield from self.holders(leaf)
