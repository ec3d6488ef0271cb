"""The shape of a JSON Schema itself: which keywords hold schemas, and what the others hold.

Pydantic reads it a thousand times faster than the meta-schema is applied, so that thousands of
tools can be read when they are listed.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, MinLen
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypeAliasType, TypedDict

from onehop.tools._places import dotted, steps_in

_Type = Literal["null", "boolean", "object", "array", "number", "string", "integer"]
_Count = Annotated[int | float, Ge(0)]
_Some = Annotated["list[Schema]", MinLen(1)]

Keywords = TypedDict(
    "Keywords",
    {
        "$id": str,
        "$schema": str,
        "$ref": str,
        "$anchor": str,
        "$dynamicRef": str,
        "$dynamicAnchor": str,
        "$defs": dict[str, "Schema"],
        "definitions": dict[str, "Schema"],
        "type": _Type | Annotated[list[_Type], MinLen(1)],
        "enum": list[Any],
        "multipleOf": Annotated[int | float, Gt(0)],
        "maximum": int | float,
        "exclusiveMaximum": int | float,
        "minimum": int | float,
        "exclusiveMinimum": int | float,
        "maxLength": _Count,
        "minLength": _Count,
        "pattern": str,
        "maxItems": _Count,
        "minItems": _Count,
        "uniqueItems": bool,
        "maxContains": _Count,
        "minContains": _Count,
        "maxProperties": _Count,
        "minProperties": _Count,
        "required": list[str],
        "dependentRequired": dict[str, list[str]],
        "prefixItems": _Some,
        "items": "Schema | list[Schema]",
        "additionalItems": "Schema",
        "contains": "Schema",
        "additionalProperties": "Schema",
        "properties": dict[str, "Schema"],
        "patternProperties": dict[str, "Schema"],
        "dependentSchemas": dict[str, "Schema"],
        "dependencies": dict[str, "Schema | list[str]"],
        "propertyNames": "Schema",
        "if": "Schema",
        "then": "Schema",
        "else": "Schema",
        "allOf": _Some,
        "anyOf": _Some,
        "oneOf": _Some,
        "not": "Schema",
        "unevaluatedItems": "Schema",
        "unevaluatedProperties": "Schema",
    },
    total=False,
)
Schema = TypeAliasType("Schema", "bool | Keywords")


def fault_of(schema: Any) -> str | None:
    """What is wrong with a schema, with its place; None if nothing is."""
    try:
        _reader().validate_python(schema, strict=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        places = [steps_in(schema, fault["loc"]) for fault in faults]
        deepest = max(range(len(faults)), key=lambda at: (len(places[at]), at))
        return f"{dotted(places[deepest]) or 'the schema'}: {faults[deepest]['msg']}"
    return None


@cache
def _reader() -> TypeAdapter[Any]:
    return TypeAdapter(Schema)
