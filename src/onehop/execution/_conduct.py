"""One run, from its code to its result: judged, run, explained, announced and recorded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic_core import to_json

from onehop.execution import _outcomes
from onehop.execution._judging import Judge, refusal
from onehop.runs.later import paused
from onehop.sandbox.halting import differing
from onehop.types import ExecutionResult, OnLog, code_hash

if TYPE_CHECKING:
    from onehop.execution._desks import Desks
    from onehop.execution._lessons import Lessons
    from onehop.execution._names import Names
    from onehop.execution._pauses import Pauses
    from onehop.execution._run import Run
    from onehop.execution._trail import Trail
    from onehop.execution.keeping import Keeping
    from onehop.sandbox import Sandbox


class Conductor:
    """Takes a run that is in flight to its end, or to a pause."""

    def __init__(
        self,
        sandbox: Sandbox,
        judge: Judge,
        desks: Desks,
        lessons: Lessons,
        trail: Trail,
        names: Names,
        pauses: Pauses,
    ) -> None:
        self._sandbox = sandbox
        self._judge = judge
        self._desks = desks
        self._lessons = lessons
        self._trail = trail
        self._names = names
        self._pauses = pauses

    async def carry_out(self, run: Run, on_log: OnLog | None) -> ExecutionResult:
        """Judge the code, run it, and end the run. Raises what a run raises that could not begin,
        and AuditUnavailableError."""
        await self._trail.admit()
        try:
            result = await self._attempt(run, on_log)
        except asyncio.CancelledError:
            await self.end(run, _outcomes.cancelled(run.original.request))
            raise
        except Exception as error:
            await asyncio.shield(self._trail.give_up(run, error))
            raise
        if result.status == "paused":
            return await self._pauses.put_down(run, result)
        left = await self._lessons.find_shape(run, result)
        result = await self.end(run, result)
        if left is not None:
            raise left
        return result

    async def _attempt(self, run: Run, on_log: OnLog | None) -> ExecutionResult:
        report = await self._judge.validate(run)
        if not report.safe:
            return refusal(run, report)
        if run.keeping is None:
            await self._trail.start(run)
            run.keeping = self._pauses.keep(run)
        elif code_hash(run.checked.request.code) != run.keeping.program.digest:
            return differing(_outcomes.cancelled(run.original.request), "its code")
        run.step = "run"
        result = await self._sandbox.run(
            run.checked if run.keeping is None else run.keeping.checked(run.checked),
            run.caller.agent_id,
            on_log,
            self._desks.open(run),
            lambda report: self._trail.hear_progress(run, report),
        )
        if run.keeping is not None:
            run.keeping.raw = result
            result = _seen_through(run.keeping, result)
        if run.check is not None:
            result = await run.check.explain(result)
        return result

    async def end(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """Explain, announce, record, and hand it to all who wait for it.

        Not a task of its own: the sandbox would first start the next worker.
        """
        run.ending = True
        run.step = "end"
        size = 0
        try:
            if run.keeping is not None and not await run.keeping.is_ours():
                return await self._pauses.put_down(run, _of_another(run, result))
            result = self._lessons.explain(run, run.with_calls(result))
            size = self._announce_end(run, result) + sum(map(len, result.logs))
            await self._trail.finish(run, result, size)
            await self._pauses.finish(run, result)
            result = self._names.with_repeat(run, result)
        except asyncio.CancelledError:  # given up while it is being written, which goes on
            self._names.resolve(run, result, size)
            raise
        self._names.resolve(run, result, size)
        return result

    def _announce_end(self, run: Run, result: ExecutionResult) -> int:
        """Say how it has ended; answers the bytes of its output."""
        output_size = len(to_json(result.output, inf_nan_mode="null"))
        limits = self._sandbox.get_config().limits(run.checked.request.timeout)
        self._trail.announce_end(run, result, limits, output_size)
        return output_size


def _of_another(run: Run, result: ExecutionResult) -> ExecutionResult:
    """What is true of a run that another server has gone on with: whatever came of it here, its
    result is the other's."""
    if result.status == "paused":
        return result
    return paused(run.digest, run.caller.request_id, [])


def _seen_through(keeping: Keeping, result: ExecutionResult) -> ExecutionResult:
    """The result, unless the run was made again and did something else than before."""
    tape = keeping.tape
    if result.status == "paused":
        return result
    if tape.difference is not None:
        return differing(result, str(tape.difference))
    if (left := tape.script.next_call()) is not None and result.success:
        from onehop.sandbox.recordings import in_words

        return differing(result, f"it has ended without {in_words(left)} (step {left.number})")
    return result
