"""What agents use at the other servers that share the store: each server tells the others."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from onehop.errors import StoreError
from onehop.stores.base import ServerNote, Store

_PACE: Final = 1.0
"""Seconds between two exchanges while agents run code."""
_LEAST: Final = 0.05
"""Seconds between two exchanges at least, when there is a hurry."""
_GONE: Final = 5_000
"""ms after which the runs of a server that says nothing are over: it has died, or is idle."""
_FAREWELL: Final = 1.0
_NOTHING: Final = "{}"
_SHARED: Final = (
    "another server uses the same SQLite file, %s. Records, agents, limits and decisions are "
    "shared; sessions, tools that clients have handed in, running and large results, files of runs "
    "and logins to the dashboard are each server's own, so that an agent must always reach the "
    "same server. SQLite is for one server: use PostgreSQL or MongoDB for more"
)

_log = logging.getLogger(__name__)


class Usage(NamedTuple):
    """What one agent uses."""

    runs: int = 0
    """At this moment."""
    starts: int = 0
    """Within the last minute."""


class Elsewhere:
    """Knows what each agent uses at other servers, as of a second ago at most.

    ``own`` gives what is used here: of those agents that were active within a minute. ``open`` and
    ``aclose`` it.
    """

    def __init__(self, store: Store, own: Callable[[], Mapping[str, Usage]]) -> None:
        self._store = store
        self._own = own
        self._server = uuid.uuid4().hex
        self._others: dict[str, Usage] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._opened_at = 0.0
        self._is_alone = store.url.startswith("sqlite:")
        """As far as is known, and only where that matters."""

    def open(self) -> None:
        """Exchange from now on."""
        self._opened_at = time.monotonic()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="onehop.elsewhere")

    async def aclose(self) -> None:
        """Tell the others that nothing is used here any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await self._store.exchange_notes(self._server, _NOTHING)

    def of(self, agent_id: str) -> Usage:
        """What the agent uses elsewhere."""
        return self._others.get(agent_id, Usage())

    def hurry(self) -> None:
        """Much has changed here: tell the others at once."""
        self._wake.set()

    async def _run(self) -> None:
        told: Mapping[str, Usage] = {}
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PACE):
                    await self._wake.wait()
            self._wake.clear()
            own = self._own()
            if not own and not told:  # a minute without runs: what was known is old
                self._others = {}
                continue
            try:
                age = (time.monotonic() - self._opened_at) * 1000
                notes = await self._store.exchange_notes(self._server, json.dumps(own))
                told, self._others = own, _summed(notes)
                self._warn_of_others(notes, age)
            except StoreError as error:
                _log.info("what agents use elsewhere is not known: %s", error)
                self._others = {}
            await asyncio.sleep(_LEAST)

    def _warn_of_others(self, notes: list[ServerNote], age: float) -> None:
        """A note that is younger than this server is of one that runs beside it, not before it.
        ``age``, in ms, is that of this server before it asked: the store may answer late."""
        if self._is_alone and any(each.text != _NOTHING and each.age < age for each in notes):
            self._is_alone = False
            _log.warning(_SHARED, self._store.url)


def _summed(notes: list[ServerNote]) -> dict[str, Usage]:
    sums: dict[str, Usage] = {}
    for note in notes:
        for agent_id, used in _read(note.text).items():
            known = sums.get(agent_id, Usage())
            runs = used.runs if note.age < _GONE else 0
            sums[agent_id] = Usage(known.runs + runs, known.starts + used.starts)
    return sums


def _read(text: str) -> dict[str, Usage]:
    """What a server has told; nothing of what another version says in another way."""
    try:
        found: Any = json.loads(text)
        return {str(name): Usage(int(runs), int(starts)) for name, (runs, starts) in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
