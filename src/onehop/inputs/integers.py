"""Integers in a context that the code cannot have as they are: its numbers are doubles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

MOST: Final = 2**53 - 1
"""Up to here each integer is a double of its own."""
_SHAPE: Final = bytes.maketrans(b"123456789:,", b"000000000[[")
_LONG: Final = b"[" + b"0" * 16
_NAMED: Final = 5
"""Places that are named; the others are counted."""

Place = tuple[Any, ...]
"""The keys and indexes that lead to a value."""


def may_have_large(text: bytes) -> bool:
    """Whether compact JSON may hold integers beyond MOST: quick, and never wrongly false."""
    return text.translate(_SHAPE, b"-").find(_LONG) >= 0


def large_integers(value: Any) -> Iterator[tuple[Any, Any, int]]:
    """Each integer beyond MOST in JSON data: what it is in, under which key, and itself."""
    pending = [value]
    while pending:
        holder = pending.pop()
        items = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, child in items:
            if isinstance(child, dict | list | tuple):
                pending.append(child)
            elif type(child) is int and not -MOST <= child <= MOST:
                yield holder, key, child


def is_double(value: int) -> bool:
    """Whether it is within a double's range at all."""
    try:
        float(value)
    except OverflowError:
        return False
    return True


def as_texts(value: Any) -> None:
    """Put the digits of integers beyond MOST in their places."""
    for holder, key, child in list(large_integers(value)):
        holder[key] = str(child)


def warning(places: list[str]) -> str:
    """The warnings about integers that lose digits."""
    named = ", ".join(places[:_NAMED])
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    verb = "is an integer" if len(places) == 1 else "are integers"
    return (
        f"{named}{more} {verb} beyond 2^53, so that the code sees a rounded number: send the "
        "digits as a string to keep them"
    )
