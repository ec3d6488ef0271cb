"""Whether a text that a session is to keep is JSON, and what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from onehop.inputs.gc import read_json

_HALF: Final = re.compile("[\\ud800-\\udfff]")
_MOST: Final = 20_000
"""Values that are looked at for the place."""
_LONGEST: Final = 120
"""Characters of a place."""

_Place = tuple[Any, str] | None
"""The place around it, and the step from there: built as text only for the one that is named."""


def fault(text: str) -> str | None:
    """What is wrong with it; None if it is JSON. It comes from a worker that may be anything."""
    try:
        read_json(text.encode())
    except ValueError:
        return _half(text) or "the value is not JSON, or is nested too deeply"
    return None


def _half(text: str) -> str | None:
    """Half a surrogate pair, which JSON can write and UTF-8 cannot; None if nothing else is wrong
    or it is not found soon."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for words, is_key, place in _texts(value):
        if (found := _HALF.search(words)) is not None:
            where = ("a key of " if is_key else "") + _shown(place)
            code = f"\\u{ord(found[0]):04x} at index {_units(words, found)}"
            return (
                f"{where} has half a surrogate pair ({code}), which is not a character: cut texts "
                "between whole characters, or call toWellFormed() on it"
            )
    return None


def _texts(value: Any) -> Iterator[tuple[str, bool, _Place]]:
    """The texts in a value, whether each is a key, and where it is."""
    pending: list[tuple[Any, _Place]] = [(value, None)]
    left = _MOST
    while pending and left > 0:
        part, place = pending.pop()
        left -= 1
        if isinstance(part, str):
            yield part, False, place
        elif isinstance(part, list):
            pending += [(each, (place, f"[{at}]")) for at, each in enumerate(part[:left])][::-1]
        elif isinstance(part, dict):
            yield from ((key, True, place) for key in part)
            pending += [(each, (place, f".{key}")) for key, each in part.items()][::-1]


def _units(words: str, found: re.Match[str]) -> int:
    """The index as JavaScript counts it."""
    return len(words[: found.start()].encode("utf-16-le", "surrogatepass")) // 2


def _shown(place: _Place) -> str:
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(step)
    whole = "the value" + "".join(reversed(steps))
    cut = whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}…"
    return cut.encode(errors="replace").decode()
