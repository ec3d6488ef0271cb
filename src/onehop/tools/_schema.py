"""A tool's JSON Schema, perhaps a stranger's: bounded, complete in itself, and never fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic_core import from_json, to_json

from onehop._extras import needed_for
from onehop.limits import MIB
from onehop.tools import _vocabulary
from onehop.tools._needs import PART

_LARGEST: Final = MIB
"""Bytes of one schema."""
_IN_PLACE: Final = ("not", "if", "then", "else")
_IN_PLACE_LISTS: Final = ("allOf", "anyOf", "oneOf")
_REFERENCES: Final = ("$ref", "$dynamicRef")


class CheckedSchema(dict[str, Any]):
    """A schema that its maker has made sound and will never change. It is used as it is, so that
    tools can share its parts."""


class SchemaError(ValueError):
    """A schema that cannot be used; the text says why."""


def read_schema(given: Any) -> dict[str, Any]:
    """A copy of the schema of an object of arguments. Raises SchemaError."""
    if isinstance(given, CheckedSchema):
        return given
    schema = read_any_schema(given)
    kinds = schema.get("type", "object")
    if "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        raise SchemaError(f"it is of the type {kinds!r}, and arguments are an object")
    return {"type": "object", **schema}


def read_any_schema(given: Any) -> dict[str, Any]:
    """A copy of a schema of anything. Raises SchemaError."""
    if isinstance(given, CheckedSchema):
        return given
    if given is True:
        return {}
    if not isinstance(given, Mapping):
        what = "false, which nothing satisfies" if given is False else f"a {type(given).__name__}"
        raise SchemaError(f"it is {what}; it must be an object")
    text = _text_of(given)
    schema: dict[str, Any] = from_json(text)
    if fault := _vocabulary.fault_of(schema):
        raise SchemaError(f"it is not a JSON Schema: {fault}")
    if any(f'"{keyword}"'.encode() in text for keyword in _REFERENCES):
        _References(schema).check()
    return schema


def _text_of(given: Mapping[str, Any]) -> bytes:
    try:
        text = to_json(dict(given))
        from_json(text)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"it is not JSON: {str(error)[:200]}") from None
    if len(text) > _LARGEST:
        raise SchemaError(f"it is larger than {_LARGEST} bytes")
    return text


class _References:
    """Each leads to a schema inside, and none leads back to itself without going into the value."""

    def __init__(self, schema: dict[str, Any]) -> None:
        with needed_for(PART):
            from referencing import Registry
            from referencing.jsonschema import DRAFT202012, specification_with
        self._specification = specification_with(
            str(schema.get("$schema", "")), default=DRAFT202012
        )
        self._root = self._specification.create_resource(schema)
        self._resolver: Any = Registry().resolver_with_root(self._root)
        self._open: set[int] = set()
        self._done: set[int] = set()

    def check(self) -> None:
        """Raises SchemaError."""
        pending: list[tuple[Any, Any]] = [(self._root, self._resolver)]
        try:
            while pending:
                resource, resolver = pending.pop()
                self._follow(resource.contents, resolver)
                pending += [(sub, resolver.in_subresource(sub)) for sub in resource.subresources()]
        except RecursionError:
            raise SchemaError("its references are nested too deeply") from None

    def _follow(self, contents: Any, resolver: Any) -> None:
        if not isinstance(contents, dict) or id(contents) in self._done:
            return
        if id(contents) in self._open:
            raise SchemaError("a $ref leads back to itself")
        self._open.add(id(contents))
        for inner, inner_resolver in self._in_place(contents, resolver):
            self._follow(inner, inner_resolver)
        self._open.remove(id(contents))
        self._done.add(id(contents))

    def _in_place(self, contents: dict[str, Any], resolver: Any) -> Iterator[tuple[Any, Any]]:
        """The schemas that apply to the same value."""
        for keyword in _REFERENCES:
            if isinstance(reference := contents.get(keyword), str):
                yield self._target(reference, resolver)
        inside = [contents[keyword] for keyword in _IN_PLACE if keyword in contents]
        for keyword in _IN_PLACE_LISTS:
            inside += contents.get(keyword, [])
        inside += contents.get("dependentSchemas", {}).values()
        for inner in inside:
            if isinstance(inner, dict):
                resource = self._specification.create_resource(inner)
                yield inner, resolver.in_subresource(resource)

    def _target(self, reference: str, resolver: Any) -> tuple[Any, Any]:
        try:
            found = resolver.lookup(reference)
        except Exception:
            raise SchemaError(
                f"$ref {reference[:200]!r} leads to nothing in it, and nothing is fetched"
            ) from None
        if not isinstance(found.contents, dict | bool):
            raise SchemaError(f"$ref {reference[:200]!r} does not lead to a schema")
        return found.contents, found.resolver
