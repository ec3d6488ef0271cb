"""The types of a run's ``context``, from the data that it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from onehop.tools import key

_DEEPEST: Final = 8
_FIELDS: Final = 100
"""Of one object."""
_ROWS: Final = 50
"""Of one list that are looked at."""
_VALUES: Final = 5000


def context_declaration(context: dict[str, Any]) -> str:
    """``declare const context: {rows: {id: number; name?: string}[]};``"""
    return f"declare const context: {_text(_Reader().read(context))};\n"


@dataclass
class _Shape:
    """What one place of the data may be."""

    kinds: set[str] = field(default_factory=set)
    fields: dict[str, _Shape] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)
    has_fields: bool = False
    items: _Shape | None = None


class _Reader:
    def __init__(self) -> None:
        self._left = _VALUES

    def read(self, value: Any, depth: int = 0) -> _Shape:
        shape = _Shape()
        self._add(shape, value, depth)
        return shape

    def _add(self, shape: _Shape, value: Any, depth: int) -> None:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            shape.kinds.add("any")
        elif isinstance(value, dict):
            self._add_fields(shape, value, depth)
        elif isinstance(value, list):
            shape.items = shape.items or _Shape()
            for item in value[:_ROWS]:
                self._add(shape.items, item, depth + 1)
            if len(value) > _ROWS:  # the others may have more
                shape.items.kinds.add("any")
        else:
            shape.kinds.add(_kind(value))

    def _add_fields(self, shape: _Shape, value: dict[str, Any], depth: int) -> None:
        if len(value) > _FIELDS:
            shape.kinds.add("any")
            return
        if shape.has_fields:
            shape.optional |= shape.fields.keys() ^ value.keys()
        shape.has_fields = True
        for name, item in value.items():
            self._add(shape.fields.setdefault(name, _Shape()), item, depth + 1)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _text(shape: _Shape) -> str:
    parts = sorted(shape.kinds)
    if shape.has_fields:
        fields = (_field(name, one, shape) for name, one in shape.fields.items())
        parts.append("{" + "; ".join(fields) + "}")
    if shape.items is not None:
        parts.append(f"Array<{_text(shape.items)}>")
    if "any" in parts or parts in ([], ["null"]):  # nothing is known of what else it may be
        return "any"
    return " | ".join(parts)


def _field(name: str, shape: _Shape, around: _Shape) -> str:
    mark = "?" if name in around.optional else ""
    return f"{key(name)}{mark}: {_text(shape)}"
