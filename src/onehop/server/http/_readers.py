"""The readers of the live feed, and how often they get what there is.

Those who want the same events get the same bytes, made once; and all of them in the same turn of
the loop, so that the runs are not held up in between.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pydantic_core import to_json

from onehop.events import Event
from onehop.server.asgi._sse import BEAT, HEARTBEAT
from onehop.server.asgi._sse import event as sse_event

WAITING: Final = 4096
"""Events that wait for one reader before it is sent away; it comes back and resumes."""
GATHERED: Final = 1024
"""Events that gather at most."""
_CHUNK: Final = 64 * 1024
"""Bytes from which on events are not sent together any more."""
_PAUSES: Final = (0.05, 2.0)
"""Seconds between two rounds: at least, at most."""
_OF_CPU: Final = 0.02
"""The share of this process's work that the readers get: the runs come first."""
_OF_TIME: Final = 0.01
"""The share of one core that they get in any case."""
_LOOK: Final = 0.1
"""Seconds between two looks whether it is their turn."""
_TURNS: Final = 3
"""Turns of the loop in which a round is done: readers wake, they write, and the writes go out."""
_BEATS: Final = HEARTBEAT / 6
"""Seconds between two looks for readers in silence."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events a reader wants; None does not filter."""

    agent_id: str | None = None
    channel_id: str | None = None
    types: frozenset[str] | None = None

    def wants(self, event: Event) -> bool:
        """Whether ``event`` is one of them."""
        return (
            self.agent_id in (None, event.agent_id)
            and self.channel_id in (None, event.channel_id)
            and (self.types is None or event.event_type in self.types)
        )

    def among(self, items: Iterable[Item]) -> Iterable[Item]:
        """Those of ``items`` that are wanted."""
        if self == _ALL:
            return items
        return (item for item in items if self.wants(item.event))


_ALL: Final = Filter()


class Item:
    """An event with its mark."""

    def __init__(self, event: Event, mark: int | None, server: str = "") -> None:
        self.event = event
        self._mark = mark
        self._server = server

    @cached_property
    def wire(self) -> bytes:
        """As it goes over the wire: made when somebody reads it, which most of the time nobody
        does, and the run that it tells of would wait for it."""
        data = to_json(self.event.to_dict(), inf_nan_mode="null")
        mark = "n" if self._mark is None else self._mark
        place = f"{mark}-{self.event.event_id}" + (f"-{self._server}" if self._server else "")
        return sse_event(self.event.event_type, data, place)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Events that are sent together."""

    data: bytes
    events: int


def chunks_of(items: Iterable[Item]) -> list[Chunk]:
    """What they are as bytes, in pieces of a size."""
    found, parts, size = list[Chunk](), list[bytes](), 0
    for item in items:
        parts.append(item.wire)
        size += len(item.wire)
        if size >= _CHUNK:
            found.append(Chunk(b"".join(parts), len(parts)))
            parts, size = [], 0
    if parts:
        found.append(Chunk(b"".join(parts), len(parts)))
    return found


class Reader:
    """One client, and what waits for it. Iterate over it; ``leave`` ends it."""

    def __init__(self, wanted: Filter, forget: Callable[[Reader], None]) -> None:
        self.wanted = wanted
        self._forget = forget
        self._waiting: deque[Chunk] = deque()
        self._events = 0
        self._wake: asyncio.Future[None] | None = None
        self._ended = False
        self._got_at = time.monotonic()

    def give(self, chunks: Iterable[Chunk]) -> None:
        """What comes next; never blocks. One that has not taken what it had, and gets too much, is
        sent away."""
        for chunk in chunks:
            if self._waiting and self._events + chunk.events > WAITING and not self._ended:
                _log.warning("a reader of events was too slow, and has to resume")
                self._ended = True
            if not self._ended:
                self._waiting.append(chunk)
                self._events += chunk.events
        self._woken()

    def catch_up(self, missed: Iterable[Item]) -> None:
        """What comes before all others, however much it is."""
        self._waiting.extend(chunks_of(self.wanted.among(missed)))

    def beat(self, now: float) -> None:
        """Say after a silence that the server lives."""
        if now - self._got_at >= HEARTBEAT and not self._waiting:
            self.give([Chunk(BEAT, 0)])

    def leave(self) -> None:
        """Take no more."""
        self._forget(self)
        self._ended = True
        self._woken()

    def __aiter__(self) -> Reader:
        return self

    async def __anext__(self) -> bytes:
        """The next events, until the reader turns out to be too slow for them."""
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        chunk = self._waiting.popleft()
        self._events = max(0, self._events - chunk.events)
        self._got_at = time.monotonic()
        return chunk.data

    def _woken(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class Pace:
    """How long events gather. A round is due when what the last ones took of the processor is a
    small share of what the process has used since, or of the time. Both clocks count seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._clock = clock
        self._cpu = cpu
        self._at = float("-inf")
        self._used = 0.0
        self._cost = 0.0

    def wait(self) -> float:
        """Seconds until the next round, or until it is to be asked again; 0 when it is due."""
        least, most = _PAUSES
        passed = self._clock() - self._at
        allowed = max((self._cpu() - self._used) * _OF_CPU, passed * _OF_TIME)
        if passed >= most or (passed >= least and allowed >= self._cost):
            return 0.0
        soonest = max(least, min(self._cost / _OF_TIME, most)) - passed
        return min(soonest, max(_LOOK, least - passed))

    def began(self) -> None:
        """A round goes out."""
        self._at = self._clock()
        self._used = self._cpu()

    def took(self, seconds: float) -> None:
        """What a round took of the processor."""
        self._cost += (seconds - self._cost) / 4


class Readers:
    """All readers of one feed. Events that come gather for a while, and go out in one round; the
    first after a silence goes out at once."""

    def __init__(self) -> None:
        self._groups: dict[Filter, set[Reader]] = {}
        self._gathered: list[Item] = []
        self._pace = Pace()
        self._timer: asyncio.TimerHandle | None = None
        self._beats: asyncio.TimerHandle | None = None

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, reader: Reader) -> None:
        """Give it what is offered from now on."""
        self._send()  # what has gathered is for the others
        self._groups.setdefault(reader.wanted, set()).add(reader)
        if self._beats is None:
            self._beats = asyncio.get_running_loop().call_later(_BEATS, self._beat)

    def remove(self, reader: Reader) -> None:
        """Give it no more."""
        group = self._groups.get(reader.wanted, set())
        group.discard(reader)
        if not group:
            self._groups.pop(reader.wanted, None)

    def offer(self, item: Item) -> None:
        """Another event; never blocks."""
        if not self._groups:
            return
        self._gathered.append(item)
        if len(self._gathered) >= GATHERED:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pace.wait(), self._round)

    def close(self) -> None:
        """Send nothing any more."""
        for timer in (self._timer, self._beats):
            if timer is not None:
                timer.cancel()
        self._timer = self._beats = None

    def _round(self) -> None:
        self._timer = None
        wait = self._pace.wait()
        if wait:
            self._timer = asyncio.get_running_loop().call_later(wait, self._round)
        else:
            self._send()

    def _send(self) -> None:
        items, self._gathered = self._gathered, []
        if not items or not self._groups:
            return
        self._pace.began()
        asyncio.get_running_loop().call_soon(self._measure, time.thread_time(), _TURNS)
        for wanted, readers in self._groups.items():
            chunks = chunks_of(wanted.among(items))
            for reader in readers if chunks else ():
                reader.give(chunks)

    def _measure(self, began: float, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._measure, began, turns - 1)
        else:
            self._pace.took(time.thread_time() - began)

    def _beat(self) -> None:
        now = time.monotonic()
        for readers in self._groups.values():
            for reader in readers:
                reader.beat(now)
        self._beats = None
        if self._groups:
            self._beats = asyncio.get_running_loop().call_later(_BEATS, self._beat)
