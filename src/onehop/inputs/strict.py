"""Strict JSON: no NaN, no key twice in one object. Half a surrogate pair stays as it is, so that it
is judged and named by its place, however it came."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final


class RepeatedKeyError(ValueError):
    """An object has the same key twice: which of the two is meant?"""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key[:80]!r} twice in one object")


def parse(text: str) -> Any:
    """The value. Raises ValueError; a RepeatedKeyError is one."""
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark, which has to be left out")
    if not text.strip():
        raise ValueError("it is empty")
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("too many levels of nesting") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise RepeatedKeyError(_first_repeated(name for name, _ in pairs))
    return made


def _first_repeated(names: Iterable[str]) -> str:
    seen = set[str]()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("unreachable")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
