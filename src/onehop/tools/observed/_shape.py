"""The shape of JSON values: kinds and names of fields, never a value. Pure.

Values come from strangers. Depth, fields, rows and the number of values are bounded, and a place
with more than its bound becomes ``unknown``. An object whose names are data, such as people by
their mail address, is a map: its names are dropped, and one shape stands for all its values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

UNKNOWN: Final = "unknown"
KINDS: Final = frozenset(("string", "number", "boolean", "null", UNKNOWN))
DEEPEST: Final = 8
MOST_FIELDS: Final = 60
"""Of one object; one with more is a map."""
MEDIA: Final = "$media"
_ROWS: Final = 50
"""Of one list that are looked at."""
_VALUES: Final = 5000
"""Of one answer that are looked at."""
MOST_PLACES: Final = 600
"""Of one shape; one with more loses what lies deepest."""
_ALIKE: Final = 3
"""Fields that hold objects of the same names, from which an object is a map."""
_SPARSE: Final = 6
"""Fields from which an object is a map if its values seldom have the same ones."""
_SHARE: Final = 0.34
_NAME: Final = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$\-]{0,39}")
_LIKE_DATA: Final = re.compile(r"\d{4}|[0-9a-fA-F]{12}|(?:[A-Za-z]+\d+){3}|(?:\d+[A-Za-z]+){3}")
"""Numbers, dates, hashes and random names."""


@dataclass(slots=True)
class Shape:
    """What one place of the data has been."""

    kinds: set[str] = field(default_factory=set)
    """Of values that are neither lists nor objects."""
    objects: int = 0
    """How many objects there were, if not a map."""
    fields: dict[str, Field] = field(default_factory=dict)
    values: Shape | None = None
    """Of the values of a map."""
    items: Shape | None = None
    """Of the items of a list."""
    lists: bool = False


@dataclass(slots=True)
class Field:
    """One field of an object."""

    seen: int
    """In how many of the objects."""
    shape: Shape


def shape_in(value: Any) -> Shape:
    """The shape of one answer."""
    shape = _Reader().read(value, 0)
    return _fitting(shape)


def merged(one: Shape, other: Shape) -> Shape:
    """A shape for whatever fits one of them. Neither is changed."""
    return _fitting(_merged(one, other))


def places(shape: Shape) -> int:
    """How many places a shape has."""
    return 1 + sum(map(places, _inner(shape)))


def is_name(name: str) -> bool:
    """Whether ``name`` can be that of a field; others are data."""
    return _NAME.fullmatch(name) is not None and _LIKE_DATA.search(name) is None


class _Reader:
    def __init__(self) -> None:
        self._left = _VALUES

    def read(self, value: Any, depth: int) -> Shape:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            return Shape({UNKNOWN})
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            items = [self.read(item, depth + 1) for item in value[:_ROWS]]
            return Shape(lists=True, items=_all(items))
        return Shape({_kind(value)})

    def _object(self, value: dict[str, Any], depth: int) -> Shape:
        if MEDIA in value:  # in its place the code has a function
            value = {name: item for name, item in value.items() if name != MEDIA}
        if len(value) > MOST_FIELDS or not all(map(is_name, value)):
            first = [self.read(item, depth + 1) for item in [*value.values()][:_ROWS]]
            return Shape(values=_all(first) or Shape())
        fields = {name: Field(1, self.read(item, depth + 1)) for name, item in value.items()}
        return _settled(Shape(objects=1, fields=fields))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"


def _all(shapes: Iterable[Shape]) -> Shape | None:
    whole: Shape | None = None
    for shape in shapes:
        whole = shape if whole is None else _merged(whole, shape)
    return whole


def _either(one: Shape | None, other: Shape | None) -> Shape | None:
    return _all(shape for shape in (one, other) if shape is not None)


def _merged(one: Shape, other: Shape) -> Shape:
    kinds = one.kinds | other.kinds
    items, lists = _either(one.items, other.items), one.lists or other.lists
    if one.values is not None or other.values is not None:
        values = _either(_as_values(one), _as_values(other))
        return Shape(kinds, values=values, items=items, lists=lists)
    fields = {name: one.fields.get(name) for name in {**one.fields, **other.fields}}
    both = {name: _field(mine, other.fields.get(name)) for name, mine in fields.items()}
    return _settled(Shape(kinds, one.objects + other.objects, both, items=items, lists=lists))


def _field(one: Field | None, other: Field | None) -> Field:
    if one is None or other is None:
        return one or other  # type: ignore[return-value]
    return Field(one.seen + other.seen, _merged(one.shape, other.shape))


def _as_values(shape: Shape) -> Shape | None:
    if shape.values is not None:
        return shape.values
    return _all(each.shape for each in shape.fields.values())


def _settled(shape: Shape) -> Shape:
    """A map, if its names look like data now."""
    if not _is_map(shape):
        return shape
    return Shape(shape.kinds, values=_as_values(shape), items=shape.items, lists=shape.lists)


def _is_map(shape: Shape) -> bool:
    fields = shape.fields.values()
    if len(fields) > MOST_FIELDS:
        return True
    if len(fields) >= _SPARSE and shape.objects > 1:
        share = sum(each.seen for each in fields) / (shape.objects * len(fields))
        if share < _SHARE:
            return True
    return len(fields) >= _ALIKE and _are_alike([each.shape for each in fields])


def _are_alike(shapes: list[Shape]) -> bool:
    names = {frozenset(shape.fields) for shape in shapes}
    is_object = all(shape.fields and not shape.kinds and not shape.lists for shape in shapes)
    return is_object and len(names) == 1


def _inner(shape: Shape) -> list[Shape]:
    of = [each.shape for each in shape.fields.values()]
    return of + [each for each in (shape.values, shape.items) if each is not None]


def _fitting(shape: Shape) -> Shape:
    """The shape with as many levels as there is place for."""
    for depth in range(DEEPEST, 0, -1):
        if places(shape) <= MOST_PLACES:
            break
        shape = _cut(shape, depth)
    return shape


def _cut(shape: Shape, depth: int) -> Shape:
    if depth == 0:
        return Shape({UNKNOWN})
    fields = {
        name: Field(each.seen, _cut(each.shape, depth - 1)) for name, each in shape.fields.items()
    }
    values = None if shape.values is None else _cut(shape.values, depth - 1)
    items = None if shape.items is None else _cut(shape.items, depth - 1)
    return Shape(set(shape.kinds), shape.objects, fields, values, items, shape.lists)
