"""Gives each agent a checker of its own, as many as are allowed, and waits for none of them too
long: a program runs unchecked rather than late."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from onehop.compiler._checker import Checker
from onehop.compiler._facts import Facts, Failed, Message
from onehop.compiler._reader import GoneError
from onehop.errors import OnehopError
from onehop.types import Language

_IDLE_SECONDS: Final = 60.0
_SETTLED_SECONDS: Final = 5.0
"""A checker that was used so lately is not ended for another agent: starting one costs as much as
dozens of checks."""
_PAUSE_SECONDS: Final = 5.0
"""After a failure to start one."""
_NOT_STARTED: Final = "no checker could be started; the log says why"
_MOST_CODE: Final = 128 * 1024
"""Characters."""
_MOST_NESTED: Final = 200
_BRACKETS: Final = re.compile(r"[()\[\]{}]")
_MOST_KEPT: Final = 64
_MOST_KEPT_CHARACTERS: Final = 1 << 20

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class UncheckedError(Exception):
    """The program could not be checked in time; the text says why."""


@dataclass
class _Desk:
    """One agent's; nothing of it is ever another's."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    checker: asyncio.Task[Checker] | None = None
    callers: int = 0
    used: float = 0.0
    timer: asyncio.TimerHandle | None = None
    has_asked: bool = False
    """Whether the last question got to a checker."""
    known: OrderedDict[tuple[str, Language], Facts | str] = field(default_factory=OrderedDict)
    """What was found, or why nothing was: what has stalled a checker stalls no second one."""
    characters: int = 0

    def recall(self, code: str, language: Language) -> Facts | str | None:
        """What was found of the same program."""
        return self.known.get((code, language))

    def remember(self, code: str, language: Language, facts: Facts | str) -> None:
        """Keep it, and forget the oldest for room."""
        if (code, language) not in self.known:
            self.known[code, language] = facts
            self.characters += len(code)
        while len(self.known) > _MOST_KEPT or self.characters > _MOST_KEPT_CHARACTERS:
            (old, _), _ = self.known.popitem(last=False)
            self.characters -= len(old)


class Checkers:
    """``most`` checkers at work or idle, none before the first question. One that has served an
    agent serves no other. ``seconds`` is how long an answer may take, the start of one included."""

    def __init__(
        self, start: Callable[[], Awaitable[Checker]], *, most: int, seconds: float
    ) -> None:
        self._start = start
        self._most = most
        self._seconds = seconds
        self._desks: dict[str, _Desk] = {}
        self._fresh: asyncio.Task[Checker] | None = None
        """One that no agent has used."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._no_start_before = 0.0
        self._closed = False

    def prepare(self) -> None:
        """Start a checker ahead of the first question."""
        if self._fresh is not None and _is_of_no_use(self._fresh):
            self._later(_discard(self._fresh))
            self._fresh = None
        if self._most and not self._closed and self._fresh is None:
            self._fresh = asyncio.get_running_loop().create_task(self._start_one())

    async def facts(self, agent: str, code: str, language: Language) -> Facts:
        """What ``code`` does with tools. Raises UncheckedError."""
        known = self._desks[agent].recall(code, language) if agent in self._desks else None
        if isinstance(known, str):
            raise UncheckedError(known)
        if known is not None:
            return known
        try:
            _refuse_large(code)
            found = await self._ask(agent, lambda checker: checker.facts(code, language))
        except UncheckedError as error:
            self._remember(agent, code, language, str(error))
            raise
        self._remember(agent, code, language, found)
        return found

    async def messages(
        self, agent: str, code: str, language: Language, tools: str, context: str
    ) -> tuple[Message, ...]:
        """What TypeScript says of the types in ``code``. Raises UncheckedError."""
        _refuse_large(code)
        found = await self._ask(
            agent, lambda checker: checker.messages(code, language, tools, context)
        )
        return found.messages

    def _remember(self, agent: str, code: str, language: Language, found: Facts | str) -> None:
        if (desk := self._desks.get(agent)) is not None and desk.has_asked:
            desk.remember(code, language, found)

    async def _ask(self, agent: str, ask: Callable[[Checker], Awaitable[_T | Failed]]) -> _T:
        desk = self._desk_of(agent)
        desk.callers += 1
        desk.has_asked = False
        try:
            async with asyncio.timeout(self._seconds), desk.lock:
                checker = await self._checker_of(desk)
                desk.has_asked = True
                found = await ask(checker)
        except TimeoutError:
            raise UncheckedError(f"the checker did not answer within {self._seconds:g} s") from None
        except GoneError:
            raise UncheckedError("the checker ended over this code") from None
        finally:
            desk.callers -= 1
            self._leave(agent, desk)
        if isinstance(found, Failed):
            raise UncheckedError(f"the checker could not read the code: {found.reason}")
        return found

    # --- desks and places ---

    def _desk_of(self, agent: str) -> _Desk:
        """Raises UncheckedError when no place is free."""
        if self._closed:
            raise UncheckedError("the sandbox is closed")
        if not self._most:
            raise UncheckedError("this sandbox has no checkers (checkers=0)")
        if agent not in self._desks:
            if len(self._desks) >= self._most:
                self._make_room()
            self._desks[agent] = _Desk()
        return self._desks[agent]

    def _make_room(self) -> None:
        now = asyncio.get_running_loop().time()
        idle = [
            (desk.used, agent)
            for agent, desk in self._desks.items()
            if not desk.callers and now - desk.used > _SETTLED_SECONDS
        ]
        if not idle:
            raise UncheckedError("all checkers are busy with other agents")
        self._end(min(idle)[1])

    def _leave(self, agent: str, desk: _Desk) -> None:
        loop = asyncio.get_running_loop()
        desk.used = loop.time()
        if desk.timer is not None:
            desk.timer.cancel()
        if self._desks.get(agent) is not desk:
            return
        if not desk.callers and (desk.checker is None or _is_of_no_use(desk.checker)):
            self._drop(desk)
        desk.timer = loop.call_later(_IDLE_SECONDS, self._end_idle, agent, desk)

    def _end_idle(self, agent: str, desk: _Desk) -> None:
        if not desk.callers and self._desks.get(agent) is desk:
            self._end(agent)

    def _end(self, agent: str) -> None:
        desk = self._desks.pop(agent)
        if desk.timer is not None:
            desk.timer.cancel()
        self._drop(desk)

    def _drop(self, desk: _Desk) -> None:
        if desk.checker is not None:
            self._later(_discard(desk.checker))
            desk.checker = None

    # --- processes ---

    async def _checker_of(self, desk: _Desk) -> Checker:
        """The desk's own, which a caller that leaves does not take down with it."""
        if desk.checker is not None and _is_of_no_use(desk.checker):
            self._drop(desk)
        if desk.checker is None:
            self.prepare()
            desk.checker, self._fresh = self._fresh, None
        if desk.checker is None:
            raise UncheckedError("the sandbox is closed")
        return await asyncio.shield(desk.checker)

    async def _start_one(self) -> Checker:
        """Raises UncheckedError."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._no_start_before:
            raise UncheckedError(_NOT_STARTED)
        try:
            return await self._start()
        except (OnehopError, OSError) as error:
            _log.warning("a checker did not start: %s", error)
            self._no_start_before = loop.time() + _PAUSE_SECONDS
            raise UncheckedError(_NOT_STARTED) from None

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End every checker and leave nothing behind."""
        self._closed = True
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            self._later(_discard(fresh))
        for agent in list(self._desks):
            self._end(agent)
        while self._tasks:
            await asyncio.wait(self._tasks)


def _is_of_no_use(task: asyncio.Task[Checker]) -> bool:
    """Whether it has failed to start, has ended, or has done enough."""
    if not task.done():
        return False
    if task.cancelled() or task.exception() is not None:
        return True
    checker = task.result()
    return not checker.alive or checker.is_worn


async def _discard(task: asyncio.Task[Checker]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if task.cancelled() or task.exception() is not None:
        return
    with contextlib.suppress(TimeoutError):
        await task.result().aclose()


def _refuse_large(code: str) -> None:
    """What could stall TypeScript's parser is not given to it. Raises UncheckedError."""
    if len(code) > _MOST_CODE:
        raise UncheckedError(f"the code is longer than {_MOST_CODE} characters")
    if sum(map(code.count, "([{")) <= _MOST_NESTED:
        return
    depth = deepest = 0
    for bracket in _BRACKETS.findall(code):
        depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    if deepest > _MOST_NESTED:
        raise UncheckedError(f"the code is nested deeper than {_MOST_NESTED} levels")
