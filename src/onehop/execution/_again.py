"""A paused run goes on: it is made again up to where it was, with the answers that it had."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Final

from onehop.errors import SealedError, ToolError
from onehop.events import CODE_APPROVAL_DECIDED, ApprovalDecided
from onehop.execution import _outcomes
from onehop.execution._announcements import lost
from onehop.execution._run import Run, open_run
from onehop.runs.callers import Caller
from onehop.runs.watching import stage, watched_by
from onehop.sandbox.halting import differing
from onehop.stores.base import EventQuery

if TYPE_CHECKING:
    from onehop.config import CorrectionConfig
    from onehop.execution._conduct import Conductor
    from onehop.execution._grants import Grants
    from onehop.execution._names import Names
    from onehop.execution._trail import Trail
    from onehop.execution.keeping import Keeper
    from onehop.runs.kept import KeptRun
    from onehop.sandbox import Sandbox
    from onehop.sandbox.calls import Grant
    from onehop.sandbox.recordings import Program, Script
    from onehop.types import ExecutionResult

_DELIVERY: Final = 1.0
"""Seconds in which what was announced here before its pause gets to the store."""
_log = logging.getLogger(__name__)


class Again:
    """Makes runs of ``sandbox`` again from what ``keeper`` has of them."""

    def __init__(
        self,
        keeper: Keeper,
        sandbox: Sandbox,
        corrections: CorrectionConfig,
        grants: Grants,
        conductor: Conductor,
        trail: Trail,
        names: Names,
    ) -> None:
        self._keeper = keeper
        self._sandbox = sandbox
        self._corrections = corrections
        self._grants = grants
        self._conductor = conductor
        self._trail = trail
        self._names = names

    async def resume(self, kept: KeptRun) -> None:
        """Make a claimed run again up to where it was, and go on. Raises StoreError, and what a run
        raises that could not begin."""
        if await self._has_ended(kept):
            await self._keeper.bury(kept)
            return
        try:
            program, script = await self._keeper.open(kept)
        except SealedError as error:
            await self._bury(kept, f"what was kept of the run cannot be opened: {error}")
            return
        if not script.is_whole:
            most = self._keeper.config.max_size
            words = f"the run was answered more than is kept of one ({most} MB)"
            reason = f"{words}, and its server ended"
            await self._bury(kept, reason, script)
            return
        caller = Caller(
            agent_id=kept.agent_id,
            channel_id=kept.channel_id,
            request_id=kept.request_id,
            conversation=program.conversation,
        )
        with (
            watched_by(self._sandbox.watchers),
            stage("execution", caller=caller, agent_id=caller.agent_id, trace=None) as noted,
        ):
            run = await self._rebuilt(kept, caller, program)
            noted.note(request=run.original.request, run_id=run.run_id)
            result = await self._replayed(run, kept, program, script)
            noted.note(result=result, repeated=False)

    async def _has_ended(self, kept: KeptRun) -> bool:
        """Whether its server had recorded its end, and died before it could say so: people are not
        asked about calls that it had made. Raises StoreError."""
        record = await self._keeper.store.get(kept.request_id, kept.agent_id)
        return record is not None and record.run_id == kept.run_id and not record.was_interrupted

    async def _rebuilt(self, kept: KeptRun, caller: Caller, program: Program) -> Run:
        """The run as it was called, under its own id."""
        run = await open_run(self._sandbox, caller, program.arguments, self._corrections)
        run.run_id, run.executed_at = kept.run_id, program.executed_at
        run.pauses = kept.fence - 1
        run.checked = run.original = dataclasses.replace(run.original, isolation=program.isolation)
        return run

    async def _replayed(
        self, run: Run, kept: KeptRun, program: Program, script: Script
    ) -> ExecutionResult:
        gone: ToolError | None = None
        try:
            run.grant = await self._grant(run, program)
            run.grant = await self._grants.with_snippets(run, program.rules)
        except ToolError as error:  # a tool that the call has asked for by its name
            gone = error
        run.keeping = await self._keeper.again(kept, program, script, run.grant)
        run.decided = run.keeping.decided
        try:
            return await self._go_on(run, gone)
        finally:
            await run.keeping.leave()

    async def _grant(self, run: Run, program: Program) -> Grant | None:
        if (brought := self._keeper.brought.get(run.run_id)) is not None:
            return brought
        self._grants.forget(run.caller.agent_id)  # what was decided rests on those of now
        return await self._grants.grant(run.caller.agent_id, program.names, program.rules)

    async def _go_on(self, run: Run, gone: ToolError | None) -> ExecutionResult:
        with self._names.flight(run):
            await self._trail.learn_secrets(run)
            self._trail.announce(run, run.announcer.resumed(run.run_id, run.pauses))
            await self._tell_decisions(run)
            if await self._grants.is_revoked(run.caller.agent_id):
                return await self._conductor.end(run, _outcomes.revoked(run.original.request))
            if gone is not None:
                ended = _outcomes.cancelled(run.original.request)
                return await self._conductor.end(run, differing(ended, str(gone)))
            return await self._conductor.carry_out(run, None)

    async def _tell_decisions(self, run: Run) -> None:
        """Those about calls that are not asked about again, if the server that heard of them has
        died before it could tell. Raises StoreError."""
        assert run.keeping is not None  # noqa: S101 - it is made again
        settled = run.keeping.settled
        if not settled:
            return
        await self._trail.flush(_DELIVERY)
        caller = run.caller
        wanted = EventQuery(
            request_id=caller.request_id,
            agent_id=caller.agent_id,
            event_types=frozenset({CODE_APPROVAL_DECIDED}),
        )
        found = [stored.event for stored in await self._keeper.store.events(wanted)]
        told = {each.call_id for each in found if isinstance(each, ApprovalDecided)}
        for approval in settled:
            if approval.call_id not in told:
                self._trail.hear_approval(run, approval)

    async def _bury(self, kept: KeptRun, reason: str, script: Script | None = None) -> None:
        """A run that nobody can make again: say so, and what is known of its calls."""
        _log.error("the paused run %s cannot go on: %s", kept.run_id, reason)
        facts = await self._keeper.effects_of(kept, script)
        record = _outcomes.lost(kept, reason, facts)
        await self._trail.bury(record, lost(record, kept))
        await self._keeper.bury(kept)
