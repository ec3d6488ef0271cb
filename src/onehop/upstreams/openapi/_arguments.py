"""The one object of arguments of an operation: which of its names goes where.

Parameters come in the order path, query, header, cookie, body. The first of a name has it; another
one has its place in front: ``query_id``, ``body_id``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._bodies import Body
from onehop.upstreams.openapi._conversion import Converted
from onehop.upstreams.openapi._faults import SkippedError
from onehop.upstreams.openapi._parameters import Parameter, without_schema
from onehop.upstreams.openapi._types import Types

_WHOLE: Final = "body"


@dataclass(frozen=True, slots=True)
class Arguments:
    """By the names that the code uses."""

    parameters: Mapping[str, Parameter]
    fields: Mapping[str, str]
    """Fields of the body, by argument."""
    whole: str | None
    """The argument that is the whole body."""

    def without_schemas(self) -> Arguments:
        """As they are kept."""
        kept = {name: without_schema(one) for name, one in self.parameters.items()}
        return replace(self, parameters=kept)

    def given(self, arguments: Mapping[str, Any]) -> Iterator[tuple[Parameter, Any]]:
        """The parameters that have a value; an optional one that is null has none."""
        for name, one in self.parameters.items():
            if name in arguments and (arguments[name] is not None or one.required):
                yield one, arguments[name]

    def body(self, arguments: Mapping[str, Any], body: Body) -> tuple[bool, Any]:
        """Whether there is a body to send, and what it says."""
        if self.whole is not None:
            return self.whole in arguments, arguments.get(self.whole)
        value = {f: arguments[name] for name, f in self.fields.items() if name in arguments}
        return bool(value) or body.required, value


def arguments_of(parameters: list[Parameter], body: Body | None) -> Arguments:
    """Raises SkippedError for too many."""
    taken: dict[str, Parameter] = {}
    for one in parameters:
        taken[_free(one.name, one.place, taken.keys())] = one
    fields: dict[str, str] = {}
    whole = None
    if body is not None and body.fields is None:
        whole = _free(_WHOLE, "whole", taken.keys())
    for name in (body.fields or ()) if body is not None else ():
        fields[_free(name, _WHOLE, taken.keys() | fields.keys())] = name
    if len(taken) + len(fields) > _bounds.PARAMETERS:
        raise SkippedError(f"it has more than {_bounds.PARAMETERS} parameters")
    return Arguments(taken, fields, whole)


def _free(name: str, place: str, taken: Any) -> str:
    while name in taken:
        name = f"{place}_{name}"
    return name


def schema_of(arguments: Arguments, body: Body | None, types: Types) -> dict[str, Any]:
    """The schema of the object, complete. Raises SkippedError."""
    properties: dict[str, Any] = {}
    names: set[str] = set()
    for name, schema, words in _schemas(arguments, body):
        made = types.read(schema)
        properties[name] = _described(made, words)
        names |= made.names
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(_required(arguments, body)),
        "additionalProperties": False,
    }
    return types.complete(schema, names)


def _schemas(arguments: Arguments, body: Body | None) -> Iterator[tuple[str, Any, str]]:
    for name, one in arguments.parameters.items():
        yield name, one.schema, one.description
    if body is None:
        return
    if arguments.whole is not None:
        yield arguments.whole, body.argument_schema(body.schema), ""
    for name, field in arguments.fields.items():
        yield name, body.argument_schema((body.fields or {})[field]), ""


def _required(arguments: Arguments, body: Body | None) -> Iterator[str]:
    yield from (name for name, one in arguments.parameters.items() if one.required)
    if body is None:
        return
    if arguments.whole is not None and body.required:
        yield arguments.whole
    yield from (name for name, field in arguments.fields.items() if field in body.needed)


def _described(made: Converted, words: str) -> Any:
    if not words or (isinstance(made.schema, dict) and "description" in made.schema):
        return made.schema
    schema = made.schema if isinstance(made.schema, dict) else {}
    return {**schema, "description": words[: _bounds.WORDS]}
