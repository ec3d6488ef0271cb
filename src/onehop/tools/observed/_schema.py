"""A shape as the JSON Schema that declarations are made of."""

from __future__ import annotations

from typing import Any, Final

from onehop.tools.observed._shape import UNKNOWN, Shape

_TWICE: Final = 2
"""Times that a name must have been seen before it is shown: a name that came once may be data."""


def schema_of(shape: Shape) -> dict[str, Any]:
    """What a value of this shape may be. It has neither values nor enumerations."""
    if UNKNOWN in shape.kinds:
        return {}
    schemas: list[dict[str, Any]] = [{"type": kind} for kind in sorted(shape.kinds)]
    if shape.objects:
        schemas.insert(0, _object(shape))
    if shape.values is not None:
        schemas.insert(0, {"type": "object", "additionalProperties": schema_of(shape.values)})
    if shape.lists:
        items = {} if shape.items is None else schema_of(shape.items)
        schemas.insert(0, {"type": "array", "items": items})
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas} if schemas else {}


def _object(shape: Shape) -> dict[str, Any]:
    shown = {name: each for name, each in shape.fields.items() if each.seen >= _TWICE}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: schema_of(each.shape) for name, each in shown.items()},
        "required": [name for name, each in shown.items() if each.seen == shape.objects],
    }
    if len(shown) < len(shape.fields):
        schema["additionalProperties"] = True
    return schema
