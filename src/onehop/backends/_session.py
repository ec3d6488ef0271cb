"""A session on this machine: one worker, taken from the pool and kept between its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from onehop.backends import _results
from onehop.backends._analysed import kept_json
from onehop.backends._digest import Digest
from onehop.backends._programs import make_job
from onehop.backends._session_texts import Read, SessionTexts
from onehop.backends.base import SessionGoneError
from onehop.errors import SandboxClosedError, WorkerStartError
from onehop.limits import Limits
from onehop.requests import CheckedRequest
from onehop.runs.questions import Desk, Services
from onehop.runs.watching import stage
from onehop.source import NOTHING, Variables
from onehop.types import ExecutionResult, OnLog
from onehop.workers import Died, Job, Outcome, Pool, Turn, Worker

_CPU_SHARE: Final = 0.9
"""Of the CPU time that its worker may use in all: with more gone, the session ends."""
_LEFT_OPEN: Final = (
    "a call of a tool or of store was not answered when the call ended: await every call"
)
_CAUSES: Final = {
    "timeout": "the deadline ended its worker",
    "memory": "its worker used more memory than it may",
    "cpu": "its worker used more CPU time than it may",
    "threads": "its worker started more threads than it may",
    "cancelled": "a call of it was cancelled",
    "protocol": "its worker broke the protocol",
    "system_call": "its worker made a system call that it may not make",
    "crash": "its worker ended",
    "lost": "its worker was lost",
}
"""By why a worker ended in a call."""

MakeResult = Callable[[CheckedRequest, Limits, Outcome, Digest], Awaitable[ExecutionResult]]


class LocalSession:
    """See BackendSession. One call at a time is the caller's duty."""

    def __init__(self, pool: Pool, agent: str, read: Read, make_result: MakeResult) -> None:
        self._pool = pool
        self._agent = agent
        self._texts = SessionTexts(read)
        self._make_result = make_result
        self._worker: Worker | None = None
        self._turn: Turn | None = None
        """The place of the worker."""
        self._is_running = False
        self._idle: asyncio.Event | None = None
        """Set when the call that runs has ended, for those who wait for that."""
        self._closed = False
        self._variables = Variables()
        self.names: dict[str, None] = {}
        self.ended: str | None = None

    async def run(
        self,
        request: CheckedRequest,
        limits: Limits,
        on_log: OnLog | None = None,
        desk: Desk | None = None,
        services: Services | None = None,
    ) -> ExecutionResult:
        """See BackendSession.run."""
        told = self._texts.at_once(request) or await self._texts.read(request)
        if isinstance(told, ExecutionResult):
            return told
        kept, digest = told.kept, told.digest
        if kept is not NOTHING:
            kept = self._variables.fitted(kept)
        job = make_job(request, limits, told.program, on_log, desk, services, kept_json(kept))
        self._is_running = True
        try:
            outcome = await self._run_job(job, digest)
            if kept is not NOTHING:
                self.names |= dict.fromkeys(kept.names)
            self._judge(outcome, limits)
            result = await self._make_result(request, limits, outcome, digest)
            if kept is not NOTHING:
                self._variables.note(kept, is_success=result.success)
        except asyncio.CancelledError:
            self._end("a call of it was cancelled")
            raise
        else:
            return result
        finally:
            self._is_running = False
            self._rest()
            if self._idle is not None:
                self._idle.set()

    async def _run_job(self, job: Job, digest: Digest) -> Outcome:
        with stage("queue"):
            worker = self._worker_now() or await self._worker_with_place()
        try:
            with stage("run") as noted:
                outcome = await worker.run(job, self._turn, digest.compute)
                noted.note(killed=_results.killed(outcome, job.limits))
                return outcome
        except WorkerStartError as error:
            self._end("its worker was lost")
            raise SessionGoneError(str(error)) from None

    def _worker_now(self) -> Worker | None:
        """The one that it has, if that has its place again at once."""
        worker = self._worker
        if worker is None or self._closed or self.ended is not None:
            return None
        return worker if self._pool.resume_nowait(worker) else None

    async def _worker_with_place(self) -> Worker:
        if self._closed:
            raise SandboxClosedError("the session is closed")
        if self.ended is not None:
            raise SessionGoneError(self.ended)
        if self._worker is None:
            worker = self._worker = await self._pool.check_out(self._agent)
            worker.on_early_exit = self._lose
            self._turn = self._pool.turn(worker)
        else:
            await self._pool.resume(self._worker)
        return self._worker

    def _judge(self, outcome: Outcome, limits: Limits) -> None:
        """Whether another call can follow."""
        worker, end = self._worker, outcome.end
        if (cause := _results.killed(outcome, limits)) is not None:
            self._end(_CAUSES[cause])
        elif not isinstance(end, Died) and end.has_open:
            self._end(_LEFT_OPEN)
        elif worker is not None and worker.used_cpu_seconds > _CPU_SHARE * worker.most_cpu_seconds:
            most = worker.most_cpu_seconds
            self._end(f"its calls have used the {most:g} s of CPU time that it has")

    def _lose(self) -> None:
        """Its worker ended between two calls, or in one."""
        if not self._is_running:
            self._end("its worker ended")
            self._rest()

    def _end(self, why: str) -> None:
        self.ended = self.ended or why

    def _rest(self) -> None:
        """Give the place back, and the worker too if no call can follow."""
        worker = self._worker
        if worker is None:
            return
        may_stay = self.ended is None and not self._closed and worker.is_kept
        if may_stay and self._pool.rest(worker):
            return
        self._end("too many sessions wait" if may_stay else "its worker ended")
        self._worker = None
        worker.on_early_exit = _nothing
        self._pool.hand_back(worker)

    async def aclose(self) -> None:
        """See BackendSession.aclose."""
        self._closed = True
        self._end("it was closed")
        if self._is_running:
            if self._worker is not None:
                self._worker.stop()
            self._idle = self._idle or asyncio.Event()
            await self._idle.wait()
        self._rest()


def _nothing() -> None:
    pass
