"""Outputs too large to return at once, kept for reading in pages until the sandbox closes."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

from onehop import types
from onehop._data import data
from onehop.errors import OutputNotFoundError

if TYPE_CHECKING:
    from onehop.types import OutputPage


@data(frozen=True, slots=True)
class _Kept:
    text: str
    size: int
    complete: bool


class OutputShelf:
    """One agent's place among the ``Outputs`` that are kept."""

    def __init__(self, outputs: Outputs, agent_id: str) -> None:
        self._outputs = outputs
        self._agent_id = agent_id

    def keep(self, text: str, *, complete: bool) -> str:
        """Keep the JSON text of an output and return its id. ``complete`` is false when the
        worker had cut it already."""
        return self._outputs.keep(self._agent_id, text, complete=complete)


class Outputs:
    """Keeps at most ``capacity`` bytes of text. When there is more, the agent that keeps the most
    loses its oldest: what others keep goes only when they keep as much."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: dict[str, OrderedDict[str, _Kept]] = {}
        self._owners: dict[str, str] = {}
        self._used: dict[str, int] = {}

    def of(self, agent_id: str) -> OutputShelf:
        """The agent's place."""
        return OutputShelf(self, agent_id)

    def keep(self, agent_id: str, text: str, *, complete: bool) -> str:
        """Keep one of an agent's; gives its id."""
        size = len(text.encode())
        identifier = secrets.token_urlsafe(12)
        self._kept.setdefault(agent_id, OrderedDict())[identifier] = _Kept(text, size, complete)
        self._owners[identifier] = agent_id
        self._used[agent_id] = self._used.get(agent_id, 0) + size
        while sum(self._used.values()) > self._capacity:
            self._drop_oldest(max(self._used, key=self._used.__getitem__))
        return identifier

    def read(self, identifier: str, offset: int, limit: int) -> OutputPage:
        """Characters ``offset`` to ``offset + limit``. Raises OutputNotFoundError."""
        agent_id = self._owners.get(identifier)
        if agent_id is None:
            raise OutputNotFoundError(
                f"no output is kept under {identifier!r}: it was dropped for newer ones, "
                "or belongs to another sandbox"
            )
        kept = self._kept[agent_id][identifier]
        start = max(0, offset)
        end = min(len(kept.text), start + max(1, limit))
        return types.OutputPage(
            text=kept.text[start:end],
            offset=start,
            next_offset=end if end < len(kept.text) else None,
            total=len(kept.text),
            complete=kept.complete,
        )

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._owners.clear()
        self._used.clear()

    def _drop_oldest(self, agent_id: str) -> None:
        identifier, dropped = self._kept[agent_id].popitem(last=False)
        del self._owners[identifier]
        self._used[agent_id] -= dropped.size
        if not self._kept[agent_id]:
            del self._kept[agent_id], self._used[agent_id]
