"""Before a run: its code repaired, judged, and checked against the tools that it may call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from onehop.corrections import in_original
from onehop.execution import _outcomes
from onehop.runs.watching import stage
from onehop.sandbox import is_checked
from onehop.validation import CodeHistory, Validator, Verdict

if TYPE_CHECKING:
    from onehop.execution._preparation import Preparer
    from onehop.execution._run import Run
    from onehop.execution._trail import Trail
    from onehop.patterns import Patterns
    from onehop.sandbox import Sandbox
    from onehop.types import ExecutionResult, ValidationLevel, ValidationReport


class Judge:
    """Has ``preparer`` repair code and ``validator`` judge it, at ``level``; ``patterns`` know what
    became of code like it, and ``sandbox`` checks its types."""

    def __init__(
        self,
        sandbox: Sandbox,
        preparer: Preparer,
        validator: Validator,
        patterns: Patterns,
        trail: Trail,
        level: ValidationLevel,
    ) -> None:
        self._sandbox = sandbox
        self._preparer = preparer
        self._validator = validator
        self._patterns = patterns
        self._trail = trail
        self._level = level

    async def validate(self, run: Run) -> ValidationReport:
        """Have the code repaired and judged, and say so."""
        self._trail.announce(run, run.announcer.validation_started())
        began = time.perf_counter()
        with stage("validation") as noted:
            verdict = await run.prepare(self._preparer, self._sandbox.analyst)
            report = await self._judge(run, verdict)
            if report.safe and run.keeping is None:  # else the log knows which tools have changed
                report = await self._typecheck(run, report)
            noted.note(report=report)
        elapsed = (time.perf_counter() - began) * 1000
        run.report = report
        if not report.safe:
            await self._trail.learn_secrets(run)
        for event in run.announcer.validated(run.placed(report), elapsed):
            self._trail.announce(run, event)
        return report

    async def plan(self, run: Run) -> ExecutionResult:
        """Check the code and list its calls. Nothing is executed, so that nothing is recorded, and
        the request id stays free."""
        report = await self.validate(run)
        result = refusal(run, report) if run.check is None else run.check.result()
        told = result.model_copy(
            update={
                "code_hash": run.digest,
                "corrections": run.corrections or None,
                "request_id": run.caller.request_id,
            }
        )
        return in_original(told, run.original.request.code, run.corrected)

    async def _typecheck(self, run: Run, report: ValidationReport) -> ValidationReport:
        """The report with what the check of the types and tools finds."""
        if not is_checked(run.checked.request, run.grant):
            return report
        run.check = await self._sandbox.typecheck(run.checked, run.caller.agent_id, run.grant)
        if not run.check.is_refused:
            return report
        issues = [*run.check.findings, *report.issues]
        return report.model_copy(update={"safe": False, "issues": issues})

    async def _judge(self, run: Run, verdict: Verdict | None) -> ValidationReport:
        agent_id, request = run.caller.agent_id, run.checked.request
        seen = self._patterns.history(agent_id, run.digest)
        return await self._validator.judge(
            self._sandbox.analyst,
            agent_id,
            request.code,
            request.language,
            level=self._level,
            history=CodeHistory(seen.failure_rate, seen.errors, seen.repeats_failure),
            verdict=verdict,
        )


def refusal(run: Run, report: ValidationReport) -> ExecutionResult:
    """The result of a run whose code may not run."""
    if run.check is not None and run.check.is_refused:
        return run.check.result()
    return _outcomes.refused(run.checked.request, report)
