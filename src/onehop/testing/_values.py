"""What a run would give for a value of Python: JSON, by the contract's table of values."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from onehop.inputs.integers import MOST

_DEEPEST: Final = 100
_MOST_LISTED: Final = 65_536
"""Bytes that are a list of numbers; more of them are base64."""


def as_output(value: Any) -> Any:
    """A copy of it as a run would give it. Raises TypeError for what has no counterpart."""
    return _converted(value, "output", ())


def well_formed(text: str) -> str:
    """The text with U+FFFD in the place of lone surrogates."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _converted(value: Any, place: str, around: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return well_formed(str(value))
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(value))
    if isinstance(value, datetime) and value.tzinfo is not None:
        text = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")
    if id(value) in around:
        return "[Circular]"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _container(value, place, around)
    raise TypeError(
        f"the answer of FakeBackend cannot be what a run gives: {place} is of the type "
        f"{type(value).__name__}; give JSON data, or an exception for a failure"
    )


def _number(value: float) -> Any:
    if isinstance(value, int):
        return int(value) if abs(value) <= MOST else str(int(value))
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) <= MOST else float(value)


def _bytes(value: bytes) -> Any:
    if len(value) <= _MOST_LISTED:
        return list(value)
    return {"$bytes": base64.b64encode(value).decode()}


def _container(value: Any, place: str, around: tuple[int, ...]) -> Any:
    if len(around) >= _DEEPEST:
        return "[Truncated]"
    around = (*around, id(value))
    if not isinstance(value, Mapping):
        return _listed(value, place, around)
    if not all(isinstance(key, str) for key in value):  # as a Map with such keys
        return [_listed(pair, place, around) for pair in value.items()]
    return {
        well_formed(key): _converted(each, f"{place}.{key}", around) for key, each in value.items()
    }


def _listed(values: Iterable[Any], place: str, around: tuple[int, ...]) -> list[Any]:
    return [_converted(each, f"{place}[{at}]", around) for at, each in enumerate(values)]
