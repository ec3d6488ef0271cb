"""Gives each agent a compiler of its own, and no more of them than allowed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from onehop.compiler._answers import Compiled, Refused
from onehop.compiler._desk import Desk
from onehop.compiler._process import Compiler
from onehop.compiler._reader import GoneError
from onehop.errors import OnehopError, Overloaded, SandboxClosedError, WorkerStartError

_ATTEMPTS = 2
_PAUSES = (0.0, 0.05, 0.2)
"""Before each further attempt to start one."""
_IDLE_SECONDS = 60.0
_LARGE_IDLE_SECONDS = 15.0
"""Of one that has loaded TypeScript's own compiler, which takes several times the memory."""
_SPARE_SECONDS = 0.25
"""The program that took the last spare should not share the processor with the next start."""
_TURN_SECONDS = 0.5
"""An agent that always has more to compile gives its place to one that waits, after that time."""
_WAIT_SECONDS = 1.0
"""Told to callers who are refused: how long it may take until one is free."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broken:
    """No compiler could say anything about the program, and two were tried."""


class Compilers:
    """``most`` compilers at work or idle, and one that no agent has used yet.

    None is started before the first program in TypeScript. A compiler that has served an agent
    serves no other; it ends when it has been idle, or when another agent needs its place.
    """

    def __init__(
        self, start: Callable[[], Awaitable[Compiler]], *, most: int, max_queue: int
    ) -> None:
        self._start = start
        self._most = most
        self._max_queue = max_queue
        self._desks: OrderedDict[str, Desk] = OrderedDict()
        """By agent, the least recently used one first."""
        self._waiting: deque[tuple[Desk, asyncio.Future[None]]] = deque()
        """For a place among the most."""
        self._callers = 0
        self._spare: asyncio.Task[Compiler] | None = None
        self._spare_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def prepare(self) -> None:
        """Start a compiler ahead of the first program."""
        self._cancel_spare_timer()
        if self._spare is None and not self._closed:
            self._spare = asyncio.get_running_loop().create_task(self._start_one())

    async def compile(
        self,
        agent: str,
        code: str,
        *,
        checked: bool = True,
        meanwhile: Callable[[], None] | None = None,
    ) -> Compiled | Refused | Broken:
        """``code`` as JavaScript, which V8 has read if it is ``checked``, or what is wrong with it.
        ``meanwhile`` is called when a compiler is at it, perhaps more than once.

        Raises Overloaded, SandboxClosedError, and what starting a compiler raises.
        """
        if self._closed:
            raise SandboxClosedError("the sandbox is closed")
        if self._callers > self._max_queue:
            raise Overloaded(self._callers, _WAIT_SECONDS)
        desk = self._desks.get(agent) or self._desks.setdefault(agent, Desk())
        self._desks.move_to_end(agent)
        desk.callers += 1
        self._callers += 1
        try:
            return await self._compile_at(desk, code, checked, meanwhile)
        finally:
            self._callers -= 1
            self._leave(agent, desk)

    async def _compile_at(
        self, desk: Desk, code: str, checked: bool, meanwhile: Callable[[], None] | None
    ) -> Compiled | Refused | Broken:
        async with desk.lock:
            known = desk.recall(code, checked=checked)
            if known is not None:
                return known
            for _ in range(_ATTEMPTS):
                compiler = await self._compiler_of(desk)
                try:
                    result = await compiler.compile(code, checked=checked, meanwhile=meanwhile)
                except GoneError:
                    _log.info("a compiler ended over a program of %d characters", len(code))
                else:
                    desk.remember(code, result)
                    return result
            return Broken()

    # --- desks and places ---

    async def _compiler_of(self, desk: Desk) -> Compiler:
        if desk.compiler is not None and not desk.compiler.alive:
            self._close_later(desk.compiler)
            desk.compiler = None
        if desk.compiler is None:
            await self._take_place(desk)
            desk.compiler = await self._fresh()
        return desk.compiler

    async def _take_place(self, desk: Desk) -> None:
        if desk.holds_place:
            return
        if self._closed:
            raise _closed()
        if not self._waiting and self._has_room():
            self._give_place(desk)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((desk, turn))
        await turn

    def _give_place(self, desk: Desk) -> None:
        desk.holds_place = True
        desk.place_since = asyncio.get_running_loop().time()

    def _has_room(self) -> bool:
        """Whether there is a place, or one that can be made."""
        if sum(each.holds_place for each in self._desks.values()) < self._most:
            return True
        for agent, desk in self._desks.items():
            if desk.holds_place and not desk.callers:
                self._clear(agent, desk)
                return True
        return False

    def _leave(self, agent: str, desk: Desk) -> None:
        desk.callers -= 1
        loop = asyncio.get_running_loop()
        if desk.callers:
            if self._waiting and loop.time() - desk.place_since > _TURN_SECONDS:
                self._dismiss(desk)
        elif desk.compiler is None or self._closed:
            self._clear(agent, desk)
        else:
            seconds = _LARGE_IDLE_SECONDS if desk.compiler.has_library else _IDLE_SECONDS
            desk.keep_timer(loop.call_later(seconds, self._end_idle, agent, desk))
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._has_room():
            desk, turn = self._waiting.popleft()
            if not turn.done():
                self._give_place(desk)
                turn.set_result(None)

    def _end_idle(self, agent: str, desk: Desk) -> None:
        if not desk.callers:
            self._clear(agent, desk)

    def _clear(self, agent: str, desk: Desk) -> None:
        """Forget all of the agent, and end its compiler."""
        desk.keep_timer(None)
        if self._desks.get(agent) is desk:
            del self._desks[agent]
        self._dismiss(desk)

    def _dismiss(self, desk: Desk) -> None:
        """End the agent's compiler, and free its place."""
        desk.holds_place = False
        if desk.compiler is not None:
            self._close_later(desk.compiler)
            desk.compiler = None

    # --- processes ---

    async def _fresh(self) -> Compiler:
        """One that no agent has used. The spare may have ended, and the next one may be lost while
        it starts: the spawner may end at any time, and is replaced."""
        for pause in _PAUSES:
            with contextlib.suppress(WorkerStartError, OSError):
                return await self._take_living()
            await asyncio.sleep(pause)
        return await self._take_living()

    async def _take_living(self) -> Compiler:
        compiler = await self._take_spare()
        if not compiler.alive:
            self._close_later(compiler)
            raise WorkerStartError("a compiler ended before it was given a program")
        self._prepare_later()
        return compiler

    async def _take_spare(self) -> Compiler:
        self.prepare()
        task, self._spare = self._spare, None
        if task is None:
            raise _closed()
        return await self._wait_for(task)

    async def _wait_for(self, task: asyncio.Task[Compiler]) -> Compiler:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._give_back(task)
            raise

    def _give_back(self, task: asyncio.Task[Compiler]) -> None:
        """The run was cancelled before the compiler had seen anything of it."""
        if self._spare is None and not self._closed:
            self._spare = task
        else:
            self._spawn_task(self._discard(task))

    async def _discard(self, task: asyncio.Task[Compiler]) -> None:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and task.exception() is None:
            await _close(task.result())

    def _prepare_later(self) -> None:
        self._cancel_spare_timer()
        if not self._closed:
            loop = asyncio.get_running_loop()
            self._spare_timer = loop.call_later(_SPARE_SECONDS, self.prepare)

    def _cancel_spare_timer(self) -> None:
        if self._spare_timer is not None:
            self._spare_timer.cancel()
            self._spare_timer = None

    async def _start_one(self) -> Compiler:
        try:
            return await self._start()
        except (OnehopError, OSError) as error:
            _log.warning("a compiler did not start: %s", error)
            raise

    def _close_later(self, compiler: Compiler) -> None:
        compiler.kill()
        self._spawn_task(_close(compiler))

    def _spawn_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the end ---

    async def aclose(self) -> None:
        """End every compiler and leave nothing behind."""
        self._closed = True
        self._cancel_spare_timer()
        if self._spare is not None:
            self._spawn_task(self._discard(self._spare))
            self._spare = None
        for agent, desk in list(self._desks.items()):
            self._clear(agent, desk)
        while self._waiting:
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(_closed())
        while self._tasks:
            await asyncio.wait(self._tasks)


def _closed() -> SandboxClosedError:
    return SandboxClosedError("the sandbox was closed while this run waited")


async def _close(compiler: Compiler) -> None:
    try:
        await compiler.aclose()
    except TimeoutError:
        _log.error("a compiler did not end after SIGKILL; the kernel may be holding it")
