"""Places in JSON data, as dotted paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_STEP: Final = 100
_PLACE: Final = 500
"""Characters of one step, and of a place: a step may be any text."""


def dotted(place: Iterable[int | str]) -> str:
    """``rows.0.id``, cut if it is long."""
    return ".".join(str(step)[:_STEP] for step in place)[:_PLACE]


def steps_in(value: Any, place: Iterable[int | str]) -> list[int | str]:
    """The steps of ``place`` that lead into ``value``: pydantic puts the names of types between
    them."""
    path: list[int | str] = []
    for step in place:
        if _has(value, step):
            path.append(step)
            value = value[step]
    return path


def _has(value: Any, step: int | str) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)
