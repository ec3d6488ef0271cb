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
_MEMBERS = frozenset({"Keywords", "bool"})
"""Steps that pydantic puts into a place for the member of a union."""
Schema = TypeAliasType("Schema", "bool | Keywords")


def fault_of(schema: Any) -> str | None:
    """What is wrong with a schema, with its place; None if nothing is."""
    try:
        _reader().validate_python(schema, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in fault["loc"] if step not in _MEMBERS)
        return f"{place or 'the schema'}: {fault['msg']}"
    return None


@cache
def _reader() -> TypeAdapter[Any]:
    return TypeAdapter(Schema)
