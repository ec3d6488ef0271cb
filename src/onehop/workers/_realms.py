"""Processes that run jobs in realms: each is of one agent from its first job to its end.

An agent has a few of them, and takes one job at a time to each. A process is ended when its run
failed or left something behind, when it has grown, when it has had its number of runs, and when it
is idle for long.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any, Final

from onehop.errors import (
    LayerUnavailableError,
    OnehopError,
    Overloaded,
    SandboxClosedError,
    SandboxUnavailableError,
)
from onehop.limits import MIB
from onehop.workers._factory import REALMS_CPU_SECONDS, WorkerFactory
from onehop.workers._job import Turn
from onehop.workers._places import Places, Shares
from onehop.workers._process import Worker
from onehop.workers._queue import FairQueue

_MOST_GROWN: Final = 64 * MIB
"""Beyond its memory when it was ready; or half of the memory that a run may have, where that is
more."""
_RESTING: Final = 8
"""Processes whose runs only wait for tools, for each that computes."""
_FAILURES: Final = 3
"""Starts in a row that fail, until those who wait hear of it."""
_WAIT: Final = 1.0
"""Seconds after which one that is refused may try again."""
_LOOK_SECONDS: Final = 1.0
_DRAIN_SECONDS: Final = 10.0

_log = logging.getLogger(__name__)


class RealmPool:
    """At most ``per_agent`` processes of an agent compute at the same time, and ``most`` exist;
    ``max_queue`` callers wait. A process has at most ``runs`` and is ended ``idle`` seconds after
    the last."""

    def __init__(
        self,
        factory: WorkerFactory,
        *,
        per_agent: int,
        most: int,
        max_queue: int,
        runs: int,
        idle: float,
    ) -> None:
        self._factory = factory
        self._per_agent = per_agent
        self._most = most
        self._max_queue = max_queue
        self._runs = runs
        self._patience = idle
        self._idle: dict[Worker, str] = {}
        """Between two runs, with their agents; those that were used last come last."""
        self._since: dict[Worker, float] = {}
        self._spare: list[Worker] = []
        """Ready, without an agent."""
        self._busy: dict[Worker, str] = {}
        self._places = Places(most)
        """Of the processes, so that no agent's runs, which may all only wait, can hold all."""
        self._resting: set[Worker] = set()
        """Of the busy: those whose runs only wait for tools."""
        self._rests = Shares(_RESTING * per_agent)
        self._resuming: list[tuple[Worker, asyncio.Future[None]]] = []
        self._computing: Counter[str] = Counter()
        """By agent: processes that have a run and do not rest."""
        self._waiting: FairQueue[asyncio.Future[Worker]] = FairQueue()
        self._starting = 0
        self._failures = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def processes(self) -> int:
        """How many there are, with those that start."""
        return len(self._idle) + len(self._spare) + len(self._busy) + self._starting

    @property
    def waiting(self) -> int:
        """Runs that wait for one."""
        return len(self._waiting)

    # --- check out ---

    async def check_out(self, agent: str) -> Worker:
        """A process of ``agent`` for its next job, to be handed back afterwards.

        Raises Overloaded when the queue is full, SandboxClosedError, and what the start of a worker
        raises.
        """
        if self._closed:
            raise SandboxClosedError("the sandbox is closed")
        if not self._waiting.waits(agent) and (worker := self._take(agent)) is not None:
            return worker
        if len(self._waiting) >= self._max_queue:
            self._make_room(agent)
        place: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.push(agent, place)
        self._serve()
        try:
            return await place
        except asyncio.CancelledError:
            self._waiting.discard(agent, place)
            if place.done() and not place.cancelled() and place.exception() is None:
                self.hand_back(place.result())
            raise

    def _make_room(self, agent: str) -> None:
        """The queue is full. An agent that has nothing in it displaces a call of another."""
        overloaded = Overloaded(len(self._waiting), _WAIT)
        displaced = self._waiting.displace(agent)
        if displaced is None:
            raise overloaded
        if not displaced.done():
            displaced.set_exception(overloaded)

    def _admits(self, agent: str) -> bool:
        """Whether one more of the agent's processes may compute."""
        return self._computing[agent] < self._per_agent

    def _may_have_more(self, agent: str) -> bool:
        return self._admits(agent) and self._places.admits(agent)

    def _take(self, agent: str) -> Worker | None:
        """One of the agent's own that is idle, or one that has no agent yet."""
        if not self._may_have_more(agent):
            return None
        worker = self._own_idle(agent) or self._fresh()
        if worker is not None:
            worker.on_early_exit = _nothing
            self._busy[worker] = agent
            self._computing[agent] += 1
            self._places.take(agent)
        return worker

    def _own_idle(self, agent: str) -> Worker | None:
        for worker in [each for each, owner in reversed(self._idle.items()) if owner == agent]:
            self._forget_idle(worker)
            if self._is_fit(worker):
                return worker
            self._close_later(worker)
        return None

    def _fresh(self) -> Worker | None:
        while self._spare:
            worker = self._spare.pop()
            if self._is_fit(worker):
                return worker
            self._close_later(worker)
        return None

    def _is_fit(self, worker: Worker) -> bool:
        return worker.idle and worker.memory_bytes == self._factory.ceiling.memory_bytes

    def _serve(self) -> None:
        """Give processes to those who wait, and start what is missing."""
        self._resume_some()
        while (agent := self._waiting.turn(self._may_have_more)) is not None:
            if self._waiting.first(agent).done():  # cancelled in this very turn of the loop
                self._waiting.pop(agent)
            elif (worker := self._take(agent)) is not None:
                self._waiting.pop(agent).set_result(worker)
            else:
                break
        self._start_some()

    def _start_some(self) -> None:
        """One for each agent that may have one more, and one that nobody waits for yet."""
        if self._closed or not (self._busy or self._idle or self._waiting):
            return
        wanted = 1 + sum(1 for agent in self._waiting.agents() if self._may_have_more(agent))
        while len(self._spare) + self._starting < wanted and self._has_room():
            self._starting += 1
            self._spawn_task(self._start_one())

    def _has_room(self) -> bool:
        """Whether one more may exist; an idle one gives way to those who wait."""
        if self.processes < self._most:
            return True
        if self._waiting and self._idle:
            self._end_idle(next(iter(self._idle)))
            return True
        return False

    async def _start_one(self) -> None:
        try:
            worker = await self._factory.start_realms()
        except (OnehopError, OSError, TimeoutError) as error:
            self._starting -= 1
            self._note_failure(error)
            return
        except BaseException:
            self._starting -= 1
            raise
        self._starting -= 1
        self._failures = 0
        if self._closed:
            self._close_later(worker)
            return
        worker.on_early_exit = lambda: self._lose(worker)
        self._spare.append(worker)
        self._serve()
        self._look_later()

    def _note_failure(self, error: Exception) -> None:
        """Those who wait hear of it when it is not chance; the next one to ask tries again."""
        self._failures += 1
        _log.warning("a process with realms did not start (%d in a row): %s", self._failures, error)
        if self._failures < _FAILURES and not isinstance(error, LayerUnavailableError):
            self._serve()
            return
        reason = error if isinstance(error, OnehopError) else SandboxUnavailableError(str(error))
        self._failures = 0
        self._fail_waiting(reason)

    def _fail_waiting(self, error: Exception) -> None:
        while (agent := self._waiting.turn(_anyone)) is not None:
            place = self._waiting.pop(agent)
            if not place.done():
                place.set_exception(error)

    # --- turns: a run that only waits for tools leaves its place to others ---

    def turn(self, worker: Worker) -> Turn:
        """The place of a process that was checked out."""
        return _Turn(self, worker)

    def rest(self, worker: Worker) -> bool:
        """Take back its place; whether it was taken."""
        agent = self._busy.get(worker)
        if agent is None or not self._rests.admits(agent):
            return False
        self._rests.take(agent)
        self._resting.add(worker)
        self._computing[agent] -= 1
        self._serve()
        return True

    async def resume(self, worker: Worker) -> None:
        """Wait until it has a place again."""
        turn = asyncio.get_running_loop().create_future()
        self._resuming.append((worker, turn))
        self._serve()
        await turn

    def _resume_some(self) -> None:
        for worker, turn in list(self._resuming):
            agent = self._busy.get(worker)
            if turn.done() or agent is None or worker not in self._resting:
                self._resuming.remove((worker, turn))
            elif self._admits(agent):
                self._resuming.remove((worker, turn))
                self._resting.discard(worker)
                self._rests.give_back(agent)
                self._computing[agent] += 1
                turn.set_result(None)

    # --- hand back ---

    def hand_back(self, worker: Worker) -> None:
        """It has had its job. It is kept for its agent's next one, or ended."""
        agent = self._busy.pop(worker)
        self._places.give_back(agent)
        if worker in self._resting:
            self._resting.discard(worker)
            self._rests.give_back(agent)
        else:
            self._computing[agent] -= 1
        if not self._computing[agent]:
            del self._computing[agent]
        if self._closed or not self._is_fit(worker) or self._is_used_up(worker):
            self._close_later(worker)
        else:
            self._keep(worker, agent)
        if self._waiting or self._resuming or not self._spare:
            self._serve()

    def _is_used_up(self, worker: Worker) -> bool:
        if worker.was_near_limit or worker.runs >= self._runs:
            return True
        if worker.cpu_seconds > REALMS_CPU_SECONDS / 2:
            return True
        return worker.grown > max(_MOST_GROWN, self._factory.ceiling.memory_bytes // 2)

    def _keep(self, worker: Worker, agent: str) -> None:
        worker.on_early_exit = lambda: self._lose(worker)
        self._idle[worker] = agent
        self._since[worker] = asyncio.get_running_loop().time()
        self._look_later()

    def _lose(self, worker: Worker) -> None:
        """It ended, or spoke out of turn, between two runs."""
        if worker in self._idle:
            self._end_idle(worker)
        elif worker in self._spare:
            self._spare.remove(worker)
            self._close_later(worker)

    def _forget_idle(self, worker: Worker) -> None:
        del self._idle[worker], self._since[worker]

    def _end_idle(self, worker: Worker) -> None:
        self._forget_idle(worker)
        self._close_later(worker)

    def _look_later(self) -> None:
        if self._timer is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(min(_LOOK_SECONDS, self._patience), self._look)

    def _look(self) -> None:
        """End what has been idle for too long; without any other, the spare ones too."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        for worker, since in list(self._since.items()):
            if now - since >= self._patience:
                self._end_idle(worker)
        if not (self._idle or self._busy or self._waiting):
            while self._spare:
                self._close_later(self._spare.pop())
        if self._idle or self._spare:
            self._look_later()

    def renew(self) -> None:
        """End idle processes that were started under another memory limit."""
        for worker in [each for each in self._idle if not self._is_fit(each)]:
            self._end_idle(worker)

    # --- the end ---

    def _close_later(self, worker: Worker) -> None:
        self._spawn_task(_close(worker))

    def _spawn_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End every run as cancelled, refuse who waits, and leave no process behind."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._fail_waiting(SandboxClosedError("the sandbox was closed while this run waited"))
        for worker in list(self._busy):
            worker.stop()
        for worker in [*self._idle, *self._spare]:
            self._close_later(worker)
        self._idle.clear()
        self._since.clear()
        self._spare.clear()
        await self._drain()

    async def _drain(self) -> None:
        deadline = time.monotonic() + _DRAIN_SECONDS
        while (self._tasks or self._busy) and time.monotonic() < deadline:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=0.1)
            else:
                await asyncio.sleep(0.001)  # a run's own task has yet to hand it back


async def _close(worker: Worker) -> None:
    try:
        await worker.aclose()
    except TimeoutError:
        _log.error("a worker did not end after SIGKILL; the kernel may be holding it")


class _Turn:
    """Of one process."""

    def __init__(self, pool: RealmPool, worker: Worker) -> None:
        self._pool = pool
        self._worker = worker

    def begun(self) -> None:
        """Processes are replaced when they come back."""

    def rest(self) -> bool:
        return self._pool.rest(self._worker)

    async def resume(self) -> None:
        await self._pool.resume(self._worker)


def _nothing() -> None:
    pass


def _anyone(_agent: str) -> bool:
    return True
