"""Leases and notes of servers, in this process's memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress

from onehop.stores.base import NOTE_LIFE, Lease, ServerNote


class MemoryReplicas:
    """What servers share; here they are tasks of one process."""

    _leases: dict[str, tuple[Lease, int]]
    """Each with the time at which it expires, in ms of a steady clock."""
    _server_notes: dict[str, tuple[str, int]]
    _arrived: asyncio.Event
    """Set, and replaced, when events have come."""
    _last_event: int

    async def take_lease(self, name: str, holder: str, duration: int) -> Lease | None:
        """Let ``holder`` have ``name``, unless another has it."""
        known, until = self._leases.get(name, (None, 0))
        lapsed = known is not None and until <= _now()
        if known is not None and known.holder != holder and not lapsed:
            return None
        token = max(known.token + 1 if known else 0, time.time_ns() // 1000)
        if known is not None and known.holder == holder and not lapsed:
            token = known.token
        lease = Lease(name, holder, token, lapsed)
        self._leases[name] = (lease, _now() + duration)
        return lease

    async def keep_leases(self, holder: str, names: Collection[str], duration: int) -> set[str]:
        """Let ``holder`` go on having those that it has."""
        kept = {
            name for name in names if self._has(holder, name) and self._leases[name][1] > _now()
        }
        for name in kept:
            self._leases[name] = (self._leases[name][0], _now() + duration)
        return kept

    async def drop_leases(self, holder: str, names: Collection[str]) -> None:
        """Let others have them."""
        for name in names:
            if self._has(holder, name):
                del self._leases[name]

    def _has(self, holder: str, name: str) -> bool:
        return name in self._leases and self._leases[name][0].holder == holder

    def _prune_leases(self) -> None:
        old = _now() - 86_400_000
        self._leases = {name: each for name, each in self._leases.items() if each[1] > old}

    async def exchange_notes(self, server: str, text: str) -> list[ServerNote]:
        """Leave a note; gives those of the others."""
        now = _now()
        self._server_notes[server] = (text, now)
        fresh = {
            name: note for name, note in self._server_notes.items() if now - note[1] < NOTE_LIFE
        }
        self._server_notes = fresh
        return [
            ServerNote(name, told, now - at) for name, (told, at) in fresh.items() if name != server
        ]

    async def await_events(self, after: int, patience: float) -> None:
        """Return when there are events after ``after``, or ``patience`` seconds have passed."""
        if self._last_event <= after:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._arrived.wait()

    def _tell_of_events(self) -> None:
        self._arrived.set()
        self._arrived = asyncio.Event()


def _now() -> int:
    return time.monotonic_ns() // 1_000_000
