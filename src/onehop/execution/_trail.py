"""What others hear of a run while it is made, and what is kept of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from onehop.audit.redaction import Secrets
from onehop.events import Event, ValidationCompleted, ValidationStarted
from onehop.execution import _outcomes
from onehop.runs.watching import stage
from onehop.types import ErrorInfo, ExecutionResult, Progress

if TYPE_CHECKING:
    from onehop.audit.recorder import Complete, Recorder
    from onehop.audit.redaction import Redactor
    from onehop.execution._run import Run
    from onehop.execution.bus import EventBus
    from onehop.limits import Limits
    from onehop.records import ExecutionRecord
    from onehop.runs.decisions import Approval
    from onehop.runs.states import JournalState

_SECRETS_IN_THREAD: Final = 64 * 1024
"""Bytes of context from which its secrets are looked for in a thread."""
_PROGRESS_PAUSE: Final = 0.25
"""Seconds between two events of a run's progress."""
_MOST_PROGRESS: Final = 100
"""Of them in one run."""


class Trail:
    """Tells ``bus`` of runs, and has ``recorder`` keep them (None: nothing is kept). What
    ``redactor`` masks is neither announced nor kept."""

    def __init__(self, recorder: Recorder | None, redactor: Redactor, bus: EventBus) -> None:
        self._recorder = recorder
        self._redactor = redactor
        self._bus = bus

    async def open(self) -> None:
        """Open the journal. Raises AuditUnavailableError."""
        if self._recorder is not None:
            await self._recorder.open()

    def complete_by(self, complete: Complete) -> None:
        """Ask ``complete`` for the records of runs that a process has left unfinished."""
        if self._recorder is not None:
            self._recorder.complete_by(complete)

    async def aclose(self) -> None:
        """Deliver what can be delivered, and close the journal."""
        if self._recorder is not None:
            await self._recorder.aclose()

    async def trouble(self) -> str | None:
        """Why runs cannot be recorded, or their records do not get on; None when all is well."""
        return None if self._recorder is None else await self._recorder.trouble()

    async def state(self) -> JournalState | None:
        """How the journal is now; None when nothing is kept."""
        return None if self._recorder is None else await self._recorder.state()

    async def flush(self, timeout: float) -> bool:
        """Wait until the store has every run that has ended; False after ``timeout`` seconds."""
        return self._recorder is None or await self._recorder.flush(timeout)

    async def admit(self) -> None:
        """Raise AuditUnavailableError if a run could not be recorded now."""
        if self._recorder is not None:
            await self._recorder.admit()

    # --- what others hear ---

    def announce(self, run: Run, event: Event) -> None:
        """Tell and keep the same: nothing that is masked in the records."""
        if run.pauses and isinstance(event, ValidationStarted | ValidationCompleted):
            return  # it was told when the run began
        told = self._redactor.event(event, run.secrets)
        run.events.append(told)
        self._bus.publish(told)

    def hear_progress(self, run: Run, report: Progress) -> None:
        """Pass it on, and announce it now and then."""
        if run.on_progress is not None:
            run.on_progress(report)
        now = time.monotonic()
        is_early = now - run.announced_at < _PROGRESS_PAUSE and report.fraction < 1
        if not is_early and run.reports < _MOST_PROGRESS:
            run.reports, run.announced_at = run.reports + 1, now
            self.announce(run, run.announcer.progress(report))

    def hear_approval(self, run: Run, approval: Approval) -> None:
        """Announce that a call waits, or what was decided, which its record keeps too."""
        if approval.status != "pending":
            run.decided[approval.call_id] = approval
        self.announce(run, run.announcer.asked(approval))

    def announce_end(
        self, run: Run, result: ExecutionResult, limits: Limits, output_size: int
    ) -> None:
        """Say how it has ended, and which limit ended it."""
        for event in run.announcer.ended(result, limits, output_size):
            self.announce(run, event)

    # --- what is kept ---

    async def learn_secrets(self, run: Run) -> None:
        """What of the run's context may be neither announced nor kept."""
        context = run.original.request.context
        if run.size < _SECRETS_IN_THREAD:
            run.secrets = self._redactor.secrets(context)
        else:
            run.secrets = await asyncio.to_thread(self._redactor.secrets, context)

    async def start(self, run: Run) -> None:
        """The code begins. Should this process be lost, the run is on record as interrupted."""
        await self.learn_secrets(run)
        started = run.announcer.started()
        if self._recorder is not None:
            result = _outcomes.interrupted(run.digest)
            failed = self._redactor.event(_failure(run, result), run.secrets)
            record = run.record(result, {"interrupted": True})
            events = (*run.events, started, failed)
            with stage("store"):
                await self._recorder.start(record, events, run.size, run.secrets)
        self.announce(run, started)

    async def finish(self, run: Run, result: ExecutionResult, size: int) -> None:
        """It has ended with ``result``, of ``size`` bytes, about."""
        if self._recorder is not None:
            record = run.record(result, {**run.facts(), **run.ran(result)})
            with stage("store", run_id=run.run_id):
                await self._recorder.finish(
                    run.run_id, record, tuple(run.events), run.size + size, run.secrets
                )

    async def hand_over(self, run: Run) -> None:
        """What becomes of the run if its server is lost is the store's to say from now on."""
        if self._recorder is not None:
            await self._recorder.finish(run.run_id, None, tuple(run.events))

    async def give_up(self, run: Run, error: Exception) -> None:
        """It was announced and did not run: say so; the name is free for another attempt."""
        await self.learn_secrets(run)
        info = ErrorInfo(type="internal", name=type(error).__name__, message=str(error))
        self.announce(run, run.announcer.failed(f"{info.name}: {info.message}", info))
        await self.hand_over(run)

    async def bury(self, record: ExecutionRecord, failed: Event) -> None:
        """Tell and keep the end of a run that nobody makes any more."""
        told = self._redactor.event(failed, Secrets())
        if self._recorder is not None:
            await self._recorder.finish(record.run_id or "", record, (told,))
        self._bus.publish(told)


def _failure(run: Run, result: ExecutionResult) -> Event:
    info = result.error_info
    assert info is not None  # noqa: S101 - made by ``_outcomes.interrupted``
    return run.announcer.failed(result.error or "", info)
