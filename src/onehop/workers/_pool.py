"""Keeps workers warm: check out, retire, refill off the request's path, drain."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any

from onehop.cores import usable_cores
from onehop.errors import (
    LayerUnavailableError,
    OnehopError,
    Overloaded,
    SandboxClosedError,
    SandboxUnavailableError,
)
from onehop.workers._factory import WorkerFactory
from onehop.workers._job import Turn
from onehop.workers._places import Places, Shares
from onehop.workers._process import Worker
from onehop.workers._queue import FairQueue

if TYPE_CHECKING:
    from onehop.runs.states import PoolState

_STARTS_AT_ONCE = 1 + max(2, usable_cores())
"""One more than there are cores: each start waits for the host now and then."""
_FAILURES_BEFORE_GIVING_UP = 3
_LONGEST_PAUSE = 5.0
_GOOD_LIFE = 2.0
"""Seconds that a worker was idle; after them, its end says nothing about the start of others."""
_DRAIN_SECONDS = 10.0
_REFILL_SECONDS = 0.25
_ANSWER_SECONDS = 0.005
"""What a door may take to send the answer of a run, before its worker is killed and replaced."""

_log = logging.getLogger(__name__)


class Pool:
    """``size`` idle workers, at most ``max_concurrency`` at work, ``max_waiting`` beside them that
    only wait, and ``max_queue`` callers in line."""

    def __init__(
        self,
        factory: WorkerFactory,
        *,
        size: int,
        max_concurrency: int,
        max_waiting: int,
        max_queue: int,
    ) -> None:
        self._factory = factory
        self._size = size
        self._max_concurrency = max_concurrency
        self._max_queue = max_queue
        self._idle: deque[Worker] = deque()
        self._running: dict[Worker, str] = {}
        """With the agent whose run it is."""
        self._places = Places(max_concurrency)
        self._answered: dict[Worker, asyncio.TimerHandle] = {}
        self._resting: set[Worker] = set()
        self._rests = Shares(max_waiting)
        """Of the running: those that only wait for tools or timers, and have no place."""
        self._resuming: deque[tuple[Worker, asyncio.Future[None]]] = deque()
        self._waiting: FairQueue[asyncio.Future[Worker]] = FairQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._started = self._failed = self._lost = 0
        self._failures = 0
        self._failed_at = 0.0
        self._refill_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._checkouts: deque[float] = deque(maxlen=64)

    @property
    def idle(self) -> int:
        """Workers that are ready now."""
        return len(self._idle)

    @property
    def ready(self) -> bool:
        """Whether a run could start now or soon."""
        at_hand = self._idle or self._running or (self._starting and not self._failures)
        return not self._closed and bool(at_hand)

    @property
    def state(self) -> PoolState:
        """How it is now."""
        from onehop.runs.states import PoolState  # no run asks

        return PoolState(
            size=self._size,
            max_concurrency=self._max_concurrency,
            idle=len(self._idle),
            running=len(self._running),
            resting=len(self._resting),
            starting=self._starting,
            waiting=len(self._waiting),
            max_queue=self._max_queue,
            started=self._started,
            failed=self._failed,
            lost=self._lost,
        )

    async def open(self, loaded: Awaitable[object] | None = None) -> None:
        """Return when the first worker is ready, and what a run needs besides is ``loaded``: others
        start after that. Raises SandboxUnavailableError when none is."""
        worker = await self._factory.start_worker()
        try:
            if loaded is not None:
                await loaded
        except BaseException:
            await asyncio.shield(worker.aclose())
            raise
        self._add(worker)

    # --- check out ---

    async def check_out(self, agent: str) -> Worker:
        """A ready worker for one job, to be handed back afterwards.

        Raises Overloaded when the queue is full, SandboxClosedError, and SandboxUnavailableError
        when workers do not start any more.
        """
        worker = self.take(agent)
        if worker is not None:
            return worker
        if len(self._waiting) >= self._max_queue:
            self._make_room(agent)
        return await self._wait_in_line(agent)

    def take(self, agent: str) -> Worker | None:
        """``check_out`` of what is there now; None when nothing is, or others come first. Raises
        SandboxClosedError."""
        if self._closed:
            raise SandboxClosedError("the sandbox is closed")
        if self._answered and not (self._idle and self._places.admits(agent)):
            self._retire_answered()
        return None if self._waits_for_others(agent) else self._take_idle(agent)

    def _waits_for_others(self, agent: str) -> bool:
        """Whether somebody who waits, and may run now, comes first."""
        return bool(self._waiting) and (
            self._waiting.waits(agent) or self._waiting.turn(self._places.admits) is not None
        )

    def _make_room(self, agent: str) -> None:
        """The queue is full. An agent that has nothing in it displaces the newest call of the agent
        that has most."""
        overloaded = Overloaded(len(self._waiting), self._expected_wait())
        displaced = self._waiting.displace(agent)
        if displaced is None:
            raise overloaded
        if not displaced.done():
            displaced.set_exception(overloaded)

    async def _wait_in_line(self, agent: str) -> Worker:
        place: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.push(agent, place)
        self._refill()
        try:
            return await place
        except asyncio.CancelledError:
            self._waiting.discard(agent, place)
            if place.done() and not place.cancelled() and place.exception() is None:
                self._retire(place.result())
            raise

    def _take_idle(self, agent: str) -> Worker | None:
        if not self._places.admits(agent):
            return None
        while self._idle:
            worker = self._idle.popleft()
            worker.on_early_exit = _nothing
            if worker.idle and worker.memory_bytes == self._factory.ceiling.memory_bytes:
                self._running[worker] = agent
                self._places.take(agent)
                self._failures = 0
                self._checkouts.append(time.monotonic())
                return worker
            self._close_later(worker)
        return None

    def turn(self, worker: Worker) -> Turn:
        """The place of a worker that was checked out, for its job or all calls of its session."""
        return _Turn(self, worker)

    def rest(self, worker: Worker) -> bool:
        """Take back the place of a worker that only waits, for tools or for the next call of its
        session; it keeps its memory, so that not any number may do so, and no agent's may be all
        of them. Whether it was taken."""
        if worker in self._resting:
            return True
        agent = self._running.get(worker)
        if agent is None or not self._rests.admits(agent):
            return False
        self._rests.take(agent)
        self._resting.add(worker)
        self._places.give_back(agent)
        if self._resuming or self._waiting:
            self._serve()
        return True

    async def resume(self, worker: Worker) -> None:
        """Wait until a worker that rests has a place again; it comes before those that have none
        yet, since it holds memory."""
        if self.resume_nowait(worker):
            return
        turn = asyncio.get_running_loop().create_future()
        self._resuming.append((worker, turn))
        self._serve()
        await turn

    def resume_nowait(self, worker: Worker) -> bool:
        """Give a worker that rests a place, if there is one that nobody waits for; whether it has
        one."""
        return not self._resuming and self._resume_now(worker)

    def _resume_some(self) -> None:
        for _ in range(len(self._resuming)):
            worker, turn = self._resuming.popleft()
            if turn.done() or worker not in self._resting:
                continue
            if self._resume_now(worker):
                turn.set_result(None)
            else:
                self._resuming.append((worker, turn))

    def _resume_now(self, worker: Worker) -> bool:
        agent = self._running.get(worker)
        if worker not in self._resting or agent is None or not self._places.admits(agent):
            return False
        self._resting.discard(worker)
        self._rests.give_back(agent)
        self._places.take(agent)
        return True

    def _serve(self) -> None:
        """Give ready workers to those who wait."""
        self._resume_some()
        while (agent := self._waiting.turn(self._places.admits)) is not None:
            if self._waiting.first(agent).done():  # cancelled in this very turn of the loop
                self._waiting.pop(agent)
            elif (worker := self._take_idle(agent)) is not None:
                self._waiting.pop(agent).set_result(worker)
            else:
                return

    def _expected_wait(self) -> float:
        """Seconds until the queue as it is will have been served, from the recent pace."""
        if len(self._checkouts) < 2:
            return 1.0
        pace = (time.monotonic() - self._checkouts[0]) / len(self._checkouts)
        return max(0.1, min(60.0, pace * len(self._waiting)))

    # --- retire and refill ---

    def hand_back(self, worker: Worker) -> None:
        """Retire a used worker, soon: killing and refilling cost the caller nothing when they come
        after its answer, which it would otherwise share the processors with. A run that waits in
        line comes first."""
        loop = asyncio.get_running_loop()
        if self._waiting or self._closed:
            loop.call_soon(self._retire, worker)
        else:
            self._answered[worker] = loop.call_later(_ANSWER_SECONDS, self._retire, worker)

    def _retire_answered(self) -> None:
        for worker, timer in list(self._answered.items()):
            timer.cancel()
            self._retire(worker)

    def _retire(self, worker: Worker) -> None:
        self._answered.pop(worker, None)
        if worker in self._running:
            agent = self._running.pop(worker)
            if worker in self._resting:
                self._resting.discard(worker)
                self._rests.give_back(agent)
            else:
                self._places.give_back(agent)
        self._close_later(worker)
        self._serve()
        self._refill()

    def _close_later(self, worker: Worker) -> None:
        self._spawn_task(self._close_worker(worker))

    async def _close_worker(self, worker: Worker) -> None:
        try:
            await worker.aclose()
        except TimeoutError:
            _log.error("a worker did not end after SIGKILL; the kernel may be holding it")

    def refill_later(self) -> None:
        """The run that took a worker must not share the processor with the start of the next;
        when it ends, ``_retire`` refills. But it may take long, and the pool may run dry."""
        loop = asyncio.get_running_loop()
        delay = _REFILL_SECONDS if len(self._idle) * 2 >= self._size else _ANSWER_SECONDS
        due, timer = loop.time() + delay, self._refill_timer
        if timer is None or timer.when() > due:
            self._cancel_refill_timer()
            self._refill_timer = loop.call_at(due, self._refill_now)

    def _refill_now(self) -> None:
        self._refill_timer = None
        self._refill()

    def _cancel_refill_timer(self) -> None:
        if self._refill_timer is not None:
            self._refill_timer.cancel()
            self._refill_timer = None

    def _refill(self) -> None:
        """A timer that is set stays: to set it anew would cost each run more than it costs now."""
        if self._closed:
            return
        while (
            len(self._idle) + self._starting < self._wanted() and self._starting < _STARTS_AT_ONCE
        ):
            self._starting += 1
            self._spawn_task(self._start_one())

    def _wanted(self) -> int:
        return max(self._size, min(len(self._waiting), self._max_concurrency))

    async def _start_one(self) -> None:
        try:
            if self._failures > 1:  # the first may be chance
                await asyncio.sleep(min(_LONGEST_PAUSE, 0.05 * 2 ** min(self._failures, 10)))
            began = time.monotonic()
            worker = await self._factory.start_worker()
        except (OnehopError, OSError, TimeoutError) as error:
            self._starting -= 1
            self._note_failure(error, began)
        except BaseException:
            self._starting -= 1
            raise
        else:
            self._starting -= 1
            self._add(worker)
        self._refill()

    def _note_failure(self, error: Exception, began: float) -> None:
        """Starts that went on when the last failure was counted say nothing new: see _lose_idle."""
        self._failed += 1
        if began > self._failed_at:
            self._count_failure()
        _log.warning("a worker did not start (%d in a row): %s", self._failures, error)
        hopeless = isinstance(error, LayerUnavailableError)
        if hopeless or self._failures >= _FAILURES_BEFORE_GIVING_UP:
            self._fail_waiting(error)

    def _count_failure(self) -> None:
        self._failures += 1
        self._failed_at = time.monotonic()

    def _fail_waiting(self, error: Exception) -> None:
        reason = error if isinstance(error, OnehopError) else SandboxUnavailableError(str(error))
        while (agent := self._waiting.turn(_anyone)) is not None:
            place = self._waiting.pop(agent)
            if not place.done():
                place.set_exception(reason)

    def _add(self, worker: Worker) -> None:
        if self._closed:
            self._close_later(worker)
            return
        self._started += 1
        ready_at = time.monotonic()
        worker.on_early_exit = lambda: self._lose_idle(worker, ready_at)
        self._idle.append(worker)
        self._serve()
        self._refill()

    def _lose_idle(self, worker: Worker, ready_at: float) -> None:
        """An idle worker ended or spoke out of turn. Soon after its start, that is a failure to
        start, found late. Many that end at once, by whatever ends them, are one failure: those
        that were ready before the failure that was counted last say nothing new."""
        if time.monotonic() - ready_at < _GOOD_LIFE and ready_at > self._failed_at:
            self._count_failure()
        self._lost += 1
        _log.warning("an idle worker was lost")
        self._drop_idle(worker)

    def _drop_idle(self, worker: Worker) -> None:
        if worker in self._idle:
            self._idle.remove(worker)
            self._close_later(worker)
            self._refill()

    def renew(self) -> None:
        """Replace idle workers that were started under another memory limit."""
        for worker in list(self._idle):
            if worker.memory_bytes != self._factory.ceiling.memory_bytes:
                self._drop_idle(worker)

    # --- the end ---

    def _spawn_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End every run as cancelled, refuse who waits, and leave no process behind."""
        self._closed = True
        self._cancel_refill_timer()
        self._fail_waiting(SandboxClosedError("the sandbox was closed while this run waited"))
        self._retire_answered()
        for worker in list(self._running):
            worker.stop()
        while self._idle:
            self._close_later(self._idle.popleft())
        await self._drain()
        await self._factory.aclose()

    async def _drain(self) -> None:
        deadline = time.monotonic() + _DRAIN_SECONDS
        while (self._tasks or self._running) and time.monotonic() < deadline:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=0.1)
            else:
                await asyncio.sleep(0.001)  # a run's own task has yet to hand its worker back


def _nothing() -> None:
    pass


def _anyone(_agent: str) -> bool:
    return True


class _Turn:
    """Of one worker."""

    def __init__(self, pool: Pool, worker: Worker) -> None:
        self._pool = pool
        self._worker = worker
        self._has_begun = False

    def begun(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._pool.refill_later()

    def rest(self) -> bool:
        return self._pool.rest(self._worker)

    async def resume(self) -> None:
        await self._pool.resume(self._worker)
