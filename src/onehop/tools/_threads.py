"""Threads for functions that are not async: so many for each agent, and started when they are
needed.

They are daemons: a function that never ends holds neither a run nor the exit of the process. The
thread of a call that nobody waits for any more is given up, and another takes its place; as many
as an agent's may work at once may be given up at a time. Functions that hang in the runs of one
agent leave the threads of others alone.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final

from onehop.errors import ToolError

SIZE: Final = 32
"""Threads that work at once for one agent, unless an owner says otherwise."""
MOST: Final = 256
"""The same for all agents together, those given up among them."""

_IDLE: Final = 10.0
"""Seconds that a thread waits for another job before it ends."""


class Threads:
    """Of one owner, which closes it."""

    def __init__(self, size: int = SIZE, most: int = MOST) -> None:
        self._size = size
        self._most = most
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._stuck: Counter[str] = Counter()
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places = asyncio.Semaphore(most)
        self._shares: dict[str, _Share] = {}

    async def run(
        self,
        call: Callable[[], Any],
        on_start: Callable[[], None] | None = None,
        agent: str = "",
    ) -> Any:
        """What ``call`` returns, in a thread of the ``agent``'s; ``on_start`` is called here once
        there is one.

        Raises what ``call`` raises, and ToolError (``unavailable``) where too many threads are
        held by calls that never end.
        """
        self._refuse_stuck(agent)
        with self._share(agent) as own:
            async with own, self._places:
                self._refuse_stuck(agent)
                if on_start is not None:
                    on_start()
                return await self._outcome(call, agent)

    def _refuse_stuck(self, agent: str) -> None:
        is_full = self._stuck[agent] >= self._size or self._stuck.total() >= self._most
        if is_full or self._is_closed:
            raise ToolError(
                "unavailable",
                "all threads are held by calls that do not end",
                retryable=True,
                effect="none",
            )

    def close(self) -> None:
        """End the threads, each when its call ends; nothing new is taken."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.jobs.put(None)

    @contextmanager
    def _share(self, agent: str) -> Iterator[asyncio.Semaphore]:
        """An agent's places, as long as somebody uses them. A semaphore serves one loop; an owner
        may outlive its loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._places = loop, asyncio.Semaphore(self._most)
            self._shares = {}
        share = self._shares.setdefault(agent, _Share(asyncio.Semaphore(self._size)))
        share.users += 1
        try:
            yield share.places
        finally:
            share.users -= 1
            if not share.users and self._shares.get(agent) is share:
                del self._shares[agent]

    async def _outcome(self, call: Callable[[], Any], agent: str) -> Any:
        job = _Job(call, asyncio.get_running_loop(), agent)
        with self._lock:
            worker = self._idle.pop() if self._idle else _Worker(self._is_over, self._leaves)
        worker.jobs.put(job)
        try:
            value, error = await job.done
        except asyncio.CancelledError:
            self._give_up(job)
            raise
        if error is not None:
            raise error
        return value

    def _give_up(self, job: _Job) -> None:
        with self._lock:
            if not job.is_over:
                job.is_given_up = True
                self._stuck[job.agent] += 1

    def _leaves(self, worker: _Worker) -> bool:
        """In the thread: whether it may end; not if it was just chosen for a job."""
        with self._lock:
            is_idle = worker in self._idle
            if is_idle:
                self._idle.remove(worker)
        return is_idle

    def _free(self, job: _Job) -> None:
        """The thread of a call that was given up has come back."""
        if job.is_given_up:
            self._stuck[job.agent] -= 1
            if not self._stuck[job.agent]:
                del self._stuck[job.agent]

    def _is_over(self, job: _Job, worker: _Worker) -> bool:
        """In the thread: whether it is kept for another job."""
        with self._lock:
            job.is_over = True
            self._free(job)
            is_kept = not self._is_closed and len(self._idle) < self._size
            if is_kept:
                self._idle.append(worker)
        job.tell()
        return is_kept


@dataclass(slots=True)
class _Share:
    """Of one agent."""

    places: asyncio.Semaphore
    users: int = 0


class _Job:
    """One call, in the context of the task that wants it."""

    def __init__(
        self, call: Callable[[], Any], loop: asyncio.AbstractEventLoop, agent: str
    ) -> None:
        self.agent = agent
        self.done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
        self.is_over = False
        self.is_given_up = False
        self._call = call
        self._loop = loop
        self._context = contextvars.copy_context()
        self._outcome: tuple[Any, BaseException | None] = (None, None)

    def work(self) -> None:
        """In the thread. An exception is an outcome, whatever it is."""
        try:
            self._outcome = (self._context.run(self._call), None)
        except BaseException as error:
            self._outcome = (None, error)

    def tell(self) -> None:
        """Say so to the loop, if it still runs."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        if not self.done.done():
            self.done.set_result(self._outcome)


class _Worker:
    """One thread, which waits for jobs, and not for ever."""

    def __init__(
        self, is_over: Callable[[_Job, _Worker], bool], leaves: Callable[[_Worker], bool]
    ) -> None:
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._is_over = is_over
        self._leaves = leaves
        threading.Thread(target=self._work, name="onehop.tool", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job.work()
            if not self._is_over(job, self):
                return
            del job  # what it holds is not kept while nothing is to do

    def _next(self) -> _Job | None:
        while True:
            try:
                return self.jobs.get(timeout=_IDLE)
            except Empty:
                if self._leaves(self):
                    return None
