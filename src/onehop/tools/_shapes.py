"""The TypeScript type of a JSON Schema.

A type allows whatever the schema allows, and more where TypeScript cannot say it (``not``, ``if``,
patterns, bounds). Only properties that a schema does not forbid and does not mention are left out
of it. Schemas come from others: their depth, size and circles are bounded, and ``unknown`` stands
for what is beyond a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from onehop.tools._circles import untangled
from onehop.tools._harmless import literal
from onehop.tools._notes import is_long, note_of
from onehop.tools._references import References, name_of
from onehop.tools._typescript import (
    ANY_OBJECT,
    NEVER,
    NULL,
    UNKNOWN,
    List,
    Member,
    Named,
    Note,
    Object,
    Tuple,
    Type,
    Word,
    intersection,
    union,
)

_DEPTH: Final = 14
"""Of a type that is written in one piece; each named one begins anew."""
_SCHEMAS: Final = 2000
"""Schemas that are read for one type, those behind references among them."""
_NAMED: Final = 100
_MEMBERS: Final = 300
_PLACES: Final = 24
_ALTERNATIVES: Final = 64
_CHOICES: Final = 256
"""Alternatives of unions that are multiplied; TypeScript gives up at 100,000."""
_LONGEST: Final = 200
"""Characters of a name or of a literal."""
_NOTES: Final = 40_000
"""Characters of comments."""
_EXACT: Final = 1 << 53
_WORDS: Final = {
    "string": Word("string"),
    "number": Word("number"),
    "integer": Word("number"),
    "boolean": Word("boolean"),
    "null": NULL,
}
_OF_OBJECTS: Final = ("properties", "required", "additionalProperties", "patternProperties")
_OF_LISTS: Final = ("items", "prefixItems")
_STRUCTURED: Final = (*_OF_OBJECTS, "prefixItems", "allOf", "anyOf", "oneOf")
_UNDEFINED: Final = Word("undefined")
_RESERVED: Final = frozenset(("Promise",))


@dataclass(frozen=True, slots=True)
class Shape:
    """A type, and the types that it names."""

    type: Type
    named: Mapping[str, Definition]


@dataclass(frozen=True, slots=True)
class Definition:
    """A type that has a name, and its comment."""

    type: Type
    note: Note


def shape_of(schema: Any, root: str, taken: Collection[str] = (), most: int = _SCHEMAS) -> Shape:
    """The type of ``schema``, from ``most`` of its parts, with comments.

    ``root`` is the name of the whole if it refers to itself; names in ``taken`` are not used.
    """
    return _Reader(schema, root, taken, most, note_of).shape()


def outline_of(schema: Any, root: str, most: int) -> Shape:
    """As ``shape_of``, without comments."""
    return _Reader(schema, root, (), most, lambda _schema: ()).shape()


class _Reader:
    def __init__(
        self,
        schema: Any,
        root: str,
        taken: Collection[str],
        most: int,
        note: Callable[[Any], Note],
    ) -> None:
        self._schema = schema
        self._root = root
        self._taken = {*taken, *_RESERVED}
        self._references = References(schema)
        self._names: dict[str, str] = {}  # by reference
        self._inside: list[str] = []  # references that are read in place
        self._left = most
        self._read_note = note
        self._notes_left = _NOTES

    def shape(self) -> Shape:
        types = {"": self._read(self._schema, _DEPTH)}
        notes: dict[str, Note] = {}
        while len(notes) < len(self._names):
            reference, name = list(self._names.items())[len(notes)]
            target = self._references.find(reference)
            types[name], notes[name] = self._read(target, _DEPTH), self._note(target)
        types = untangled(types) if notes else types
        return Shape(types[""], {name: Definition(types[name], notes[name]) for name in notes})

    def _read(self, schema: Any, depth: int) -> Type:
        if schema is False:
            return NEVER
        if not isinstance(schema, Mapping) or depth <= 0 or self._left <= 0:
            return UNKNOWN
        self._left -= 1
        parts = [part for part in self._parts(schema, depth - 1) if part != UNKNOWN]
        if len(parts) > 1 and self._references.choices(schema) > _CHOICES:
            parts = [self._own(schema, depth - 1)]
        type_ = intersection(parts)
        return union([type_, NULL]) if schema.get("nullable") is True else type_

    def _parts(self, schema: Mapping[str, Any], depth: int) -> Iterator[Type]:
        """Types that all apply."""
        if "$ref" in schema:
            yield self._reference(schema["$ref"], depth)
        yield self._own(schema, depth)
        for part in _list(schema.get("allOf"))[:_ALTERNATIVES]:
            yield self._read(part, depth)
        for name in ("anyOf", "oneOf"):
            if parts := _list(schema.get(name)):
                yield self._alternatives(parts, depth)

    def _alternatives(self, schemas: list[Any], depth: int) -> Type:
        if len(schemas) > _ALTERNATIVES:
            return UNKNOWN
        return union([self._read(schema, depth) for schema in schemas])

    # --- references ---

    def _reference(self, reference: object, depth: int) -> Type:
        target = self._references.find(reference)
        if not isinstance(reference, str) or isinstance(target, bool):
            return NEVER if target is False else UNKNOWN
        if self._references.is_circular(reference):
            return UNKNOWN
        if reference in self._names or reference in self._inside or _is_structured(target):
            return self._name(reference, target)
        return self._in_place(reference, target, depth)

    def _in_place(self, reference: str, target: Any, depth: int) -> Type:
        self._inside.append(reference)
        type_ = self._read(target, depth)
        self._inside.pop()
        return Named(self._names[reference]) if reference in self._names else type_

    def _name(self, reference: str, target: Any) -> Type:
        if reference not in self._names:
            if len(self._names) >= _NAMED:
                return UNKNOWN
            self._names[reference] = self._free(name_of(reference, target, self._root))
        return Named(self._names[reference])

    def _free(self, name: str) -> str:
        free, number = name, 1
        while free in self._taken:
            number += 1
            free = f"{name}{number}"
        self._taken.add(free)
        return free

    # --- what a schema says itself ---

    def _own(self, schema: Mapping[str, Any], depth: int) -> Type:
        if "const" in schema:
            return _literal(schema["const"], depth)
        if isinstance(values := schema.get("enum"), list):
            self._left -= len(values) if not is_long(values) else 1
            return _enumeration(values, depth)
        return self._of_types(_types(schema), schema, depth)

    def _of_types(self, types: Iterable[object], schema: Mapping[str, Any], depth: int) -> Type:
        return union([self._of_type(type_, schema, depth) for type_ in types])

    def _of_type(self, type_: object, schema: Mapping[str, Any], depth: int) -> Type:
        readers: dict[object, Callable[[Mapping[str, Any], int], Type]] = {
            "object": self._object,
            "array": self._array,
        }
        if isinstance(type_, str) and type_ in readers:
            return readers[type_](schema, depth)
        return _WORDS.get(type_, UNKNOWN) if isinstance(type_, str) else UNKNOWN

    def _object(self, schema: Mapping[str, Any], depth: int) -> Type:
        properties = _mapping(schema.get("properties"))
        required = [name for name in _list(schema.get("required")) if isinstance(name, str)]
        if not any(name in schema for name in _OF_OBJECTS):
            return ANY_OBJECT
        extra = schema.get("additionalProperties")
        others = self._read(extra, depth) if isinstance(extra, Mapping | bool) else None
        names = [*dict.fromkeys([*properties, *required])]
        members = [
            self._member(name, properties.get(name, extra), name in required, depth)
            for name in names[:_MEMBERS]
            if len(name) <= _LONGEST
        ]
        if len(names) > len(members):
            others = UNKNOWN
        return Object(tuple(members), _index(members, others, schema))

    def _member(self, name: str, schema: Any, required: bool, depth: int) -> Member:
        type_ = self._read(True if schema is None else schema, depth)
        if required and type_ == NEVER:
            type_ = UNKNOWN  # nothing fits, which an error of the call says better
        return Member(name, type_, required, self._note(schema))

    def _note(self, schema: Any) -> Note:
        note = self._read_note(schema) if self._notes_left > 0 else ()
        self._notes_left -= sum(map(len, note))
        return note

    def _array(self, schema: Mapping[str, Any], depth: int) -> Type:
        places, rest = schema.get("prefixItems"), schema.get("items", True)
        if isinstance(rest, list):  # before the draft of 2020
            places, rest = rest, schema.get("additionalItems", True)
        if not isinstance(places, list) or not places:
            return List(self._read(rest, depth))
        if len(places) > _PLACES:
            return List(UNKNOWN)
        items = tuple(self._read(place, depth) for place in places)
        required = min(len(items), _number(schema.get("minItems")))
        after = None if rest is False else self._read(rest, depth)
        return Tuple(items, required, after)


def _index(members: list[Member], others: Type | None, schema: Mapping[str, Any]) -> Type | None:
    """The type of any other property. It takes in the members' types, as TypeScript demands."""
    if schema.get("patternProperties") and others != UNKNOWN:
        return UNKNOWN
    if others is None or others == NEVER:
        return None
    if len(members) > 4:
        return UNKNOWN
    known = [member.type for member in members]
    missing = [] if all(member.required for member in members) else [_UNDEFINED]
    return union([others, *known, *missing])


def _types(schema: Mapping[str, Any]) -> list[object]:
    type_ = schema.get("type")
    if isinstance(type_, list):
        return type_[:_ALTERNATIVES]
    if type_ is not None:
        return [type_]
    if any(name in schema for name in _OF_OBJECTS):
        return ["object"]
    return ["array"] if any(name in schema for name in _OF_LISTS) else [None]


def _is_structured(schema: Any) -> bool:
    """Whether its type is long enough to deserve a name."""
    values = schema.get("enum")
    return any(name in schema for name in _STRUCTURED) or len(_list(values)) > 4


def _enumeration(values: list[Any], depth: int) -> Type:
    if is_long(values):
        return union(map(_kind, {type(value): value for value in values}.values()))
    return union(_literal(value, depth) for value in values)


def _literal(value: Any, depth: int) -> Type:
    if isinstance(value, Mapping | list) and 0 < len(value) <= _PLACES and depth > 0:
        if isinstance(value, list):
            items = tuple(_literal(item, depth - 1) for item in value)
            return Tuple(items, len(items), None)
        members = (Member(str(name), _literal(of, depth - 1), True) for name, of in value.items())
        return Object(tuple(members))
    if value is None or (isinstance(value, str | bool) and len(str(value)) <= _LONGEST):
        return Word(literal(value))
    exact = isinstance(value, int | float) and abs(value) <= _EXACT
    return Word(literal(value)) if exact else _kind(value)


def _kind(value: Any) -> Type:
    if isinstance(value, bool):
        return _WORDS["boolean"]
    if isinstance(value, int | float):
        return _WORDS["number"]
    if isinstance(value, str):
        return _WORDS["string"]
    if isinstance(value, list):
        return List(UNKNOWN)
    return NULL if value is None else ANY_OBJECT if isinstance(value, Mapping) else UNKNOWN


def _number(value: object) -> int:
    return int(value) if isinstance(value, int) and value > 0 else 0


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
