"""A schema of OpenAPI 3.0 or 3.1 as JSON Schema of 2020-12.

What onehop refuses must be what fails anyway. So a keyword that is not written as it must be is
left out, ``oneOf`` becomes ``anyOf`` (many documents have alternatives that overlap), and what only
documents is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._faults import SkippedError

Way = Literal["in", "out"]
"""Whether a schema is of what is sent or of what comes back."""
_TYPES: Final = frozenset("null boolean object array number string integer".split())
_IN_PLACE: Final = ("not", "if", "then", "else")
_BELOW: Final = (
    "additionalProperties", "propertyNames", "contains", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
_OTHER_WAY: Final = {"in": "readOnly", "out": "writeOnly"}
Name = Callable[[str], str]
"""The name of the type that a reference leads to. Raises SkippedError."""


@dataclass
class Converted:
    """A schema, and the named types that it refers to."""

    schema: Any
    names: set[str] = field(default_factory=set)
    in_place: set[str] = field(default_factory=set)
    """Those that apply to the same value, and not to a part of it."""


def converted(schema: Any, way: Way, name: Name, parts: int) -> Converted:
    """``parts`` schemas are read. With more, one of what is sent raises SkippedError, and in one
    of what comes back the rest is unknown."""
    conversion = _Conversion(way, name, parts)
    made = Converted(conversion.read(schema, in_place=True))
    made.names, made.in_place = conversion.names, conversion.in_place
    return made


class _Conversion:
    def __init__(self, way: Way, name: Name, parts: int) -> None:
        self._way = way
        self._name = name
        self._left = parts
        self.names: set[str] = set()
        self.in_place: set[str] = set()

    def read(self, given: Any, *, in_place: bool = False) -> Any:
        if isinstance(given, bool):
            return given
        self._left -= 1
        if not isinstance(given, dict):
            return True
        if self._left < 0:
            if self._way == "in":
                raise SkippedError(f"its arguments have more than {_bounds.PARTS_IN} schemas")
            return True
        made = self._plain(given)
        if isinstance(reference := given.get("$ref"), str):
            self._refer(made, reference, in_place)
        self._combine(made, given, in_place)
        self._go_below(made, given)
        return _nullable(made) if given.get("nullable") is True else made

    def _refer(self, made: dict[str, Any], reference: str, in_place: bool) -> None:
        name = self._name(reference)
        self.names.add(name)
        if in_place:
            self.in_place.add(name)
        made["$ref"] = f"#/$defs/{name}"

    def _plain(self, given: dict[str, Any]) -> dict[str, Any]:
        """The keywords without schemas in them."""
        made = {
            key: value
            for key, value in given.items()
            if (check := _PLAIN.get(key)) is not None and check(value)
        }
        for key in ("title", "description"):
            if key in made:
                made[key] = made[key][: _bounds.WORDS]
        _read_type(made, given)
        _read_exclusive(made, given)
        return made

    def _combine(self, made: dict[str, Any], given: dict[str, Any], in_place: bool) -> None:
        for key in _IN_PLACE:
            if isinstance(given.get(key), dict | bool):
                made[key] = self.read(given[key], in_place=in_place)
        if parts := self._list(given.get("allOf"), in_place):
            made["allOf"] = parts
        unions = [self._list(given.get(key), in_place) for key in ("anyOf", "oneOf")]
        unions = [union for union in unions if union]
        if len(unions) == 2:
            made["allOf"] = [*made.get("allOf", []), {"anyOf": unions.pop()}]
        if unions:
            made["anyOf"] = unions[0]
        if found := self._mapping(given.get("dependentSchemas"), in_place):
            made["dependentSchemas"] = found

    def _go_below(self, made: dict[str, Any], given: dict[str, Any]) -> None:
        for key in (*_BELOW, "items"):
            if isinstance(given.get(key), dict | bool):
                made[key] = self.read(given[key])
        if parts := self._list(given.get("prefixItems")):
            made["prefixItems"] = parts
        if found := self._mapping(given.get("patternProperties")):
            made["patternProperties"] = found
        if isinstance(properties := given.get("properties"), dict):
            hidden = {n for n, s in properties.items() if self._is_of_other_way(s)}
            shown = {n: s for n, s in properties.items() if n not in hidden}
            made["properties"] = self._mapping(shown)
            if hidden and "required" in made:
                made["required"] = [one for one in made["required"] if one not in hidden]

    def _is_of_other_way(self, schema: Any) -> bool:
        return isinstance(schema, Mapping) and schema.get(_OTHER_WAY[self._way]) is True

    def _list(self, given: Any, in_place: bool = False) -> list[Any]:
        if not isinstance(given, list):
            return []
        return [self.read(one, in_place=in_place) for one in given]

    def _mapping(self, given: Any, in_place: bool = False) -> dict[str, Any]:
        if not isinstance(given, dict):
            return {}
        return {key: self.read(one, in_place=in_place) for key, one in given.items()}


def _read_type(made: dict[str, Any], given: dict[str, Any]) -> None:
    type_ = given.get("type")
    if isinstance(type_, str) and type_ in _TYPES:
        made["type"] = type_
    elif isinstance(type_, list):
        known = [one for one in dict.fromkeys(filter(_is_text, type_)) if one in _TYPES]
        if known and len(known) == len(type_):
            made["type"] = known


def _read_exclusive(made: dict[str, Any], given: dict[str, Any]) -> None:
    """In 3.0 it says of the bound beside it that it is out."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if given.get(exclusive) is True and bound in made:
            made[exclusive] = made.pop(bound)


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    """3.0's way to say that null may be there too."""
    if isinstance(made.get("enum"), list) and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    type_ = made.get("type")
    if isinstance(type_, str):
        made["type"] = [type_, "null"]
    elif isinstance(type_, list):
        made["type"] = [*dict.fromkeys([*type_, "null"])]
    if not made.keys() & {"$ref", "allOf", "anyOf"}:
        return made
    kept = ("title", "description", "default")
    words: dict[str, Any] = {key: made.pop(key) for key in kept if key in made}
    return {**words, "anyOf": [made, {"type": "null"}]}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_small(value: Any) -> bool:
    return len(json.dumps(value)) <= _bounds.SMALL


_PLAIN: Final[dict[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("title", "description", "format", "pattern"), _is_text),
    **dict.fromkeys(("contentEncoding", "contentMediaType"), _is_text),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_count),
    **dict.fromkeys(("minProperties", "maxProperties", "minContains", "maxContains"), _is_count),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "uniqueItems": lambda value: isinstance(value, bool),
    "deprecated": lambda value: isinstance(value, bool),
    "required": _is_texts,
    "dependentRequired": lambda value: (
        isinstance(value, dict) and all(map(_is_texts, value.values()))
    ),
    "enum": lambda value: isinstance(value, list) and bool(value),
    "const": lambda _: True,
    "default": _is_small,
}
