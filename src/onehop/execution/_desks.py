"""Where the calls of a run are answered, announced, and asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from onehop.audit.redaction import Redactor
    from onehop.execution._run import Run
    from onehop.execution._trail import Trail
    from onehop.sandbox import Sandbox
    from onehop.sandbox.calls import Asker, RunDesk

_HOLD_AGAIN: Final = 5.0
"""Seconds that a worker is held for people at most, when the run was made again."""


class Desks:
    """Makes the desk of each run. People who are asked see no more of the arguments than
    ``redactor`` leaves."""

    def __init__(self, sandbox: Sandbox, trail: Trail, redactor: Redactor) -> None:
        self._sandbox = sandbox
        self._trail = trail
        self._redactor = redactor

    def open(self, run: Run) -> RunDesk | None:
        """The run's desk; None when it may call nothing."""
        if run.grant is None:
            return None
        from onehop.sandbox.calls import make_desk

        caller = run.caller
        run.desk = make_desk(
            run.grant,
            agent_id=caller.agent_id,
            channel_id=caller.channel_id,
            request_id=caller.request_id,
            hear=lambda event, call: self._trail.announce(run, run.announcer.tool(event, call)),
            asker=self._asker(run),
            tape=None if run.keeping is None else run.keeping.tape,
        )
        return run.desk

    def _asker(self, run: Run) -> Asker | None:
        """Who asks people about the run's calls."""
        approver, caller = self._sandbox.approver, run.caller
        if approver is None:
            return None
        asker = approver.asker(
            run.run_id,
            agent_id=caller.agent_id,
            channel_id=caller.channel_id,
            request_id=caller.request_id,
            hear=lambda approval: self._trail.hear_approval(run, approval),
            mask=lambda given: self._redactor.arguments(given, run.secrets),
            holder=run.keeping,
            hold=min(approver.hold, _HOLD_AGAIN) if run.pauses else None,
        )
        if run.keeping is not None:
            run.keeping.asker = asker
        return asker
