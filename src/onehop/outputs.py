"""Outputs too large to return at once, kept for reading in pages until the sandbox closes."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from onehop.errors import OutputNotFoundError
from onehop.types import OutputPage


@dataclass(frozen=True, slots=True)
class _Kept:
    text: str
    size: int
    complete: bool


class OutputShelf:
    """Keeps at most ``capacity`` bytes of text; the oldest outputs go first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._used = 0

    def keep(self, text: str, *, complete: bool) -> str:
        """Keep the JSON text of an output and return its id. ``complete`` is false when the
        worker had cut it already."""
        size = len(text.encode())
        identifier = secrets.token_urlsafe(12)
        self._kept[identifier] = _Kept(text, size, complete)
        self._used += size
        while self._used > self._capacity and self._kept:
            _, dropped = self._kept.popitem(last=False)
            self._used -= dropped.size
        return identifier

    def read(self, identifier: str, offset: int, limit: int) -> OutputPage:
        """Characters ``offset`` to ``offset + limit``. Raises OutputNotFoundError."""
        kept = self._kept.get(identifier)
        if kept is None:
            raise OutputNotFoundError(
                f"no output is kept under {identifier!r}: it was dropped for newer ones, "
                "or belongs to another sandbox"
            )
        start = max(0, offset)
        end = min(len(kept.text), start + max(1, limit))
        return OutputPage(
            text=kept.text[start:end],
            offset=start,
            next_offset=end if end < len(kept.text) else None,
            total=len(kept.text),
            complete=kept.complete,
        )

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._used = 0
