"""What satisfies a JSON Schema for sure, seen in a few microseconds: the arguments of most calls.

Only a yes means something. A schema with other keywords than the plain ones is not read here, and
the whole check has the last word about values that are not seen to satisfy it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import (
    CoreSchema,
    PydanticSerializationError,
    SchemaError,
    SchemaValidator,
    core_schema,
    to_json,
)

_WORDS: Final = frozenset(
    {"title", "description", "examples", "default", "deprecated", "format", "$comment"}
)
"""Keywords that refuse nothing."""
_DRAFTS: Final = (
    "https://json-schema.org/draft/2020-12/schema",
    "http://json-schema.org/draft-07/schema",
)
_EXACT: Final = 2**53
"""Below this, every whole number is a float too."""
_BOUNDS: Final = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
}
_TEXT: Final = {"minLength": "min_length", "maxLength": "max_length"}
_LIST: Final = {"minItems": "min_length", "maxItems": "max_length"}


_LARGEST: Final = 65_536
"""Bytes of a schema, which takes 20 ms to be made ready."""
_MOST_LOOKS: Final = 16
"""How often a value is looked at, in each form that it may have: a stranger's schema with forms in
forms would take for ever, to make ready and to check."""


class _NotPlainError(Exception):
    """The schema has what is not read here."""


def sure(schema: Mapping[str, Any]) -> Callable[[Any], bool] | None:
    """Tells whether a value satisfies the schema for sure; None for a schema that is not plain."""
    given = dict(schema)
    if str(given.pop("$schema", _DRAFTS[0])).rstrip("#") not in _DRAFTS:
        return None
    try:
        if len(to_json(given)) > _LARGEST:
            return None
        return SchemaValidator(_of(given, 1)).isinstance_python
    except (_NotPlainError, SchemaError, PydanticSerializationError, RecursionError, UnicodeError):
        return None


def _of(schema: Any, looks: int) -> CoreSchema:
    """``looks``: how often a value that is here is looked at."""
    if schema is True:
        return core_schema.any_schema()
    if not isinstance(schema, dict):
        raise _NotPlainError
    rest = {name: value for name, value in schema.items() if name not in _WORDS}
    kind = rest.pop("type", None)
    if isinstance(kind, list):
        return _any_of([{**rest, "type": each} for each in kind], looks)
    if "enum" in rest or "const" in rest:
        return _one_of(rest, kind)
    if kind is not None:
        return _KINDS[kind](rest, looks)
    forms = rest.pop("anyOf", None)
    _check_done(rest)
    return core_schema.any_schema() if forms is None else _any_of(forms, looks)


def _check_done(rest: Mapping[str, Any]) -> None:
    if rest:
        raise _NotPlainError


def _any_of(forms: list[Any], looks: int) -> CoreSchema:
    looks *= len(forms)
    if looks > _MOST_LOOKS:
        raise _NotPlainError
    return core_schema.union_schema([_of(form, looks) for form in forms])


def _one_of(rest: dict[str, Any], kind: str | None) -> CoreSchema:
    """Of texts alone: elsewhere ``1``, ``1.0`` and ``true`` are the same to some."""
    values = rest.pop("enum") if "enum" in rest else [rest.pop("const")]
    _check_done(rest)
    if kind not in (None, "string") or not all(isinstance(value, str) for value in values):
        raise _NotPlainError
    return core_schema.literal_schema(values)


def _taken(rest: dict[str, Any], names: Mapping[str, str]) -> dict[str, int]:
    """The bounds that are whole numbers, by the names that they have here; nothing else is left."""
    found = {names[name]: rest.pop(name) for name in list(rest) if name in names}
    _check_done(rest)
    if not all(type(bound) is int and abs(bound) < _EXACT for bound in found.values()):
        raise _NotPlainError
    return found


def _object(rest: dict[str, Any], looks: int) -> CoreSchema:
    known, required = rest.pop("properties", {}), set(rest.pop("required", ()))
    more = rest.pop("additionalProperties", True)
    _check_done(rest)
    if not required <= known.keys():
        raise _NotPlainError
    fields = {
        name: core_schema.typed_dict_field(_of(schema, looks), required=name in required)
        for name, schema in known.items()
    }
    if more is False:
        return core_schema.typed_dict_schema(fields, strict=True, extra_behavior="forbid")
    return core_schema.typed_dict_schema(
        fields, strict=True, extra_behavior="allow", extras_schema=_of(more, looks)
    )


def _list(rest: dict[str, Any], looks: int) -> CoreSchema:
    items = _of(rest.pop("items", True), looks)
    bounds: Any = _taken(rest, _LIST)
    return core_schema.list_schema(items, strict=True, **bounds)


def _text(rest: dict[str, Any], _looks: int) -> CoreSchema:
    bounds: Any = _taken(rest, _TEXT)
    return core_schema.str_schema(strict=True, **bounds)


def _integer(rest: dict[str, Any], _looks: int) -> CoreSchema:
    bounds: Any = _taken(rest, _BOUNDS)
    return core_schema.int_schema(strict=True, **bounds)


def _number(rest: dict[str, Any], _looks: int) -> CoreSchema:
    bounds: Any = _taken(rest, _BOUNDS)
    return core_schema.float_schema(strict=True, allow_inf_nan=False, **bounds)


def _boolean(rest: dict[str, Any], _looks: int) -> CoreSchema:
    _check_done(rest)
    return core_schema.bool_schema(strict=True)


def _null(rest: dict[str, Any], _looks: int) -> CoreSchema:
    _check_done(rest)
    return core_schema.none_schema()


_KINDS: Final[Mapping[str, Callable[[dict[str, Any], int], CoreSchema]]] = {
    "object": _object,
    "array": _list,
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "null": _null,
}
