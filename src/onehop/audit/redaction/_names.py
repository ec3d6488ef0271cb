"""Patterns of field names, matched in linear time."""

from __future__ import annotations

from collections.abc import Iterable

_CACHED = 10_000
_CONTEXT = "contextdata."


class Names:
    """Names in which ``*`` stands for anything; a pattern with a dot is about a place.

    Compared without regard to case. A place is a path such as ``output.items.0.card``, and a
    pattern fits the whole path or its end.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        lowered = [pattern.lower() for pattern in patterns]
        self._names = [each.split("*") for each in lowered if "." not in each]
        self._places = [
            parts
            for each in lowered
            if "." in each
            for place in [f"context.{each[len(_CONTEXT) :]}" if each.startswith(_CONTEXT) else each]
            for parts in (place.split("*"), f"*.{place}".split("*"))
        ]
        self._cache: dict[str, bool] = {}

    @property
    def has_places(self) -> bool:
        """Whether paths are worth building."""
        return bool(self._places)

    def match(self, name: str, path: str = "") -> bool:
        """Whether a field of this name, at this path, is meant."""
        known = self._cache.get(name)
        if known is None:
            lowered = name.lower()
            known = any(_fits(lowered, parts) for parts in self._names)
            if len(self._cache) < _CACHED and len(name) < 100:
                self._cache[name] = known
        return known or (bool(self._places) and bool(path) and self._match_path(path.lower()))

    def _match_path(self, path: str) -> bool:
        return any(_fits(path, parts) for parts in self._places)


def _fits(text: str, parts: list[str]) -> bool:
    """Whether ``text`` is these parts with anything between them."""
    first, *middle, last = parts if len(parts) > 1 else (parts[0], parts[0])
    if len(parts) == 1:
        return text == first
    end = len(text) - len(last)
    if end < len(first) or not (text.startswith(first) and text.endswith(last)):
        return False
    at = len(first)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
