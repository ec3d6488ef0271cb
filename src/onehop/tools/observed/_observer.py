"""Looks at some answers of each tool, off the way of the run, and keeps their shapes in a store."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from onehop.tools.observed._schema import schema_of
from onehop.tools.observed._shape import Shape, merged, shape_in
from onehop.tools.observed._text import ShapeError, shape_from_text, shape_to_text
from onehop.tools.observed._types import Observed, ObservedType

_ALL: Final = 20
"""Answers of a tool that are all looked at; after these, one in a minute."""
_PAUSE: Final = 60.0
_LARGEST: Final = 1024 * 1024
"""Bytes of an answer that is looked at."""
_WAITING: Final = 32
"""Answers that wait to be looked at; more are not."""
_TOOLS: Final = 2000
"""Tools that are remembered; those whose answer is the oldest go."""
_LATER: Final = 0.05
"""Seconds after an answer until it is looked at: the run may want the processor."""
_KEEPING: Final = 5.0
"""Seconds between two attempts to keep what is new."""
_FAREWELL: Final = 2.0
"""Seconds that closing waits for the store."""
_TRIES: Final = 3
"""Times that another server may be first."""

_log = logging.getLogger(__name__)


class Keeper(Protocol):
    """What an observer needs of a store."""

    async def observed_types(self) -> list[ObservedType]:
        """All of them."""

    async def observed_type(self, namespace: str, tool: str) -> ObservedType | None:
        """What is kept of a tool."""

    async def keep_observed_type(self, observed: ObservedType) -> bool:
        """Replace what is kept, if it has this revision; then the revision is one more."""


@dataclass(slots=True)
class _Seen:
    """What is known of one tool."""

    namespace: str
    fingerprint: str
    shape: Shape | None = None
    count: int = 0
    at: int = 0
    new: Shape | None = None
    """What the store does not have yet."""
    new_count: int = 0
    looked: int = 0
    """Answers that this process has looked at."""
    next_at: float = 0.0


class Observer:
    """Of one sandbox. ``clock`` counts seconds. ``load`` gives it a store, in which it keeps."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._waiting: deque[tuple[_Seen, bytes]] = deque()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._keeper: Keeper | None = None

    def note(self, namespace: str, tool: str, fingerprint: str, answer: bytes) -> None:
        """A tool has given this answer, JSON: it is looked at later, if at all."""
        if len(answer) > _LARGEST or len(self._waiting) >= _WAITING:
            return
        seen, now = self._of(namespace, tool, fingerprint), self._clock()
        if seen.looked >= _ALL and now < seen.next_at:
            return
        seen.looked += 1
        seen.next_at = now + _PAUSE
        self._waiting.append((seen, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    def of(self, tool: str, fingerprint: str) -> Observed | None:
        """What the answers of a tool have looked like so far."""
        seen = self._seen.get(tool)
        if seen is None or seen.shape is None or seen.fingerprint != fingerprint:
            return None
        schema = schema_of(seen.shape)
        day = datetime.fromtimestamp(seen.at / 1000, UTC).date().isoformat()
        return Observed(schema, seen.count, day) if schema else None

    async def load(self, keeper: Keeper) -> None:
        """Know what ``keeper`` has, and keep there. Raises what it raises."""
        self._keeper = keeper
        for kept in await keeper.observed_types():
            if kept.tool not in self._seen:
                self._take(kept)

    async def settle(self) -> None:
        """Look at all that waits, and keep it; without a keeper, it is known here only."""
        self._hurry.set()
        if self._task is not None:
            await self._task
        await self._look()
        await self._keep()
        self._hurry.clear()

    async def aclose(self) -> None:
        """``settle`` within a moment, and keep nothing more."""
        if self._keeper is None:
            self._waiting.clear()  # for nobody
        try:
            async with asyncio.timeout(_FAREWELL):
                await self.settle()
        except TimeoutError:
            _log.warning("the latest shapes of tools' answers were not kept in time")
        self._keeper = None

    # --- looking ---

    def _of(self, namespace: str, tool: str, fingerprint: str) -> _Seen:
        seen = self._seen.get(tool)
        if seen is None or seen.fingerprint != fingerprint:
            seen = self._seen[tool] = _Seen(namespace, fingerprint)
        self._seen.move_to_end(tool)
        if len(self._seen) > _TOOLS:
            self._seen.popitem(last=False)
        return seen

    async def _work(self) -> None:
        await self._pause(_LATER)
        await self._look()
        while self._has_news() and not self._hurry.is_set():
            await self._pause(_KEEPING)
            await self._look()
            await self._keep()

    def _has_news(self) -> bool:
        return self._keeper is not None and any(seen.new_count for seen in self._seen.values())

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)

    async def _look(self) -> None:
        """One after the other, in a thread: a megabyte takes some ms."""
        async with self._turn:
            while self._waiting:
                seen, answer = self._waiting.popleft()
                try:
                    found = await asyncio.to_thread(_with, answer, seen.shape, seen.new)
                except (ValueError, RecursionError):  # numbers or depths that are beyond Python
                    continue
                seen.shape, seen.new = found
                seen.count, seen.new_count = seen.count + 1, seen.new_count + 1
                seen.at = time.time_ns() // 1_000_000

    # --- keeping ---

    async def _keep(self) -> None:
        if (keeper := self._keeper) is None:
            return
        try:
            async with self._turn:
                for tool, seen in [*self._seen.items()]:
                    if seen.new_count:
                        await self._keep_one(keeper, tool, seen)
        except Exception as error:  # a store that is away; the next attempt has all of it
            _log.info("shapes of tools' answers were not kept: %s", error)

    async def _keep_one(self, keeper: Keeper, tool: str, seen: _Seen) -> None:
        """With what other servers have seen."""
        for _ in range(_TRIES):
            kept = await keeper.observed_type(seen.namespace, tool)
            after = _added(seen, tool, kept)
            if await keeper.keep_observed_type(after):
                self._take(replace(after, revision=after.revision + 1))
                return

    def _take(self, kept: ObservedType) -> None:
        try:
            shape = shape_from_text(kept.shape)
        except ShapeError as error:
            _log.info("what was observed of %s cannot be read: %s", kept.tool, error)
            return
        seen = self._of(kept.namespace, kept.tool, kept.fingerprint)
        seen.shape, seen.count, seen.at = shape, kept.count, kept.observed_at
        seen.new, seen.new_count = None, 0


def _with(answer: bytes, *known: Shape | None) -> list[Shape]:
    """Each of ``known`` with what the answer adds."""
    shape = shape_in(_body(json.loads(answer)))
    return [shape if each is None else merged(each, shape) for each in known]


def _body(value: Any) -> Any:
    """Of an HTTP operation's answer, as ``tools`` wraps it."""
    is_http = isinstance(value, dict) and tuple(value) == ("$http", "$body")
    return value["$body"] if is_http else value


def _added(seen: _Seen, tool: str, kept: ObservedType | None) -> ObservedType:
    """What is kept, with what is new; of another tool of this path nothing stays."""
    assert seen.new is not None  # noqa: S101 - something is new
    shape, count = seen.new, seen.new_count
    if kept is not None and kept.fingerprint == seen.fingerprint:
        try:
            shape = merged(shape_from_text(kept.shape), shape)
            count += kept.count
        except ShapeError:
            pass
    return ObservedType(
        namespace=seen.namespace,
        tool=tool,
        fingerprint=seen.fingerprint,
        shape=shape_to_text(shape),
        count=count,
        observed_at=max(seen.at, 0 if kept is None else kept.observed_at),
        revision=0 if kept is None else kept.revision,
    )
