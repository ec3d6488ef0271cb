"""Shapes as JSON text, for stores: what comes back is read as if a stranger had written it."""

from __future__ import annotations

import json
from typing import Any, Final

from onehop.tools.observed._shape import DEEPEST, KINDS, MOST_FIELDS, Field, Shape, is_name

_LONGEST: Final = 256 * 1024
_DEEPEST: Final = DEEPEST + 2


class ShapeError(ValueError):
    """A text is not that of a shape."""


def shape_to_text(shape: Shape) -> str:
    """The text of ``shape``."""
    return json.dumps(_plain(shape), separators=(",", ":"))


def shape_from_text(text: str) -> Shape:
    """The inverse. Raises ShapeError."""
    if len(text) > _LONGEST:
        raise ShapeError("it is too long")
    try:
        return _shape(json.loads(text), _DEEPEST)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ShapeError(str(error)[:200]) from None


def _plain(shape: Shape) -> dict[str, Any]:
    plain: dict[str, Any] = {"kinds": sorted(shape.kinds)} if shape.kinds else {}
    if shape.objects:
        plain["objects"] = shape.objects
        plain["fields"] = {n: [f.seen, _plain(f.shape)] for n, f in shape.fields.items()}
    if shape.values is not None:
        plain["values"] = _plain(shape.values)
    if shape.lists:
        plain["items"] = None if shape.items is None else _plain(shape.items)
    return plain


def _shape(plain: Any, depth: int) -> Shape:
    if depth <= 0:
        raise ShapeError("it is too deep")
    kinds, fields = set(plain.get("kinds", [])), plain.get("fields", {})
    if not kinds <= KINDS or len(fields) > MOST_FIELDS or not all(map(is_name, fields)):
        raise ShapeError("it has what no shape has")
    read = {n: Field(_count(seen), _shape(inner, depth - 1)) for n, (seen, inner) in fields.items()}
    values, items = plain.get("values"), plain.get("items")
    return Shape(
        kinds,
        _count(plain.get("objects", 0)),
        read,
        None if values is None else _shape(values, depth - 1),
        None if items is None else _shape(items, depth - 1),
        "items" in plain,
    )


def _count(given: Any) -> int:
    if type(given) is not int or not 0 <= given < 1 << 53:
        raise ShapeError("a count is not a number")
    return given
