"""One execution from start to end: correct the call, validate, announce, run, record.

Every door calls this and adds nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from onehop.audit.recorder import Mode, make_recorder
from onehop.audit.redaction import Redactor
from onehop.callers import Caller
from onehop.config import AuditConfig, CorrectionConfig
from onehop.errors import NotReplayableError, OnehopError, RunNotFoundError, StoreError
from onehop.execution._agent_rules import AgentRules
from onehop.execution._conduct import Conductor
from onehop.execution._desks import Desks
from onehop.execution._grants import Grants
from onehop.execution._judging import Judge
from onehop.execution._lessons import Lessons, learn
from onehop.execution._names import Names
from onehop.execution._pauses import Pauses
from onehop.execution._preparation import Preparer
from onehop.execution._run import Run, open_run
from onehop.execution._snippets import ExecutorSnippets
from onehop.execution._trail import Trail
from onehop.execution.bus import EventBus
from onehop.inputs.choices import Choices, check_session, check_yield, to_wire
from onehop.patterns import Patterns
from onehop.runs.loop import running_loop
from onehop.runs.session_scope import SessionScope
from onehop.runs.states import ExecutorState
from onehop.runs.traces import read_trace
from onehop.runs.watching import stage, watched_by
from onehop.sessions import StoreKeeping
from onehop.validation import Validator

if TYPE_CHECKING:
    from onehop.calls import Beside, Grant, Layer, Wanted
    from onehop.execution._resuming import Resumer
    from onehop.execution.keeping import Keeper
    from onehop.execution.so_far import SoFar
    from onehop.sandbox import Sandbox
    from onehop.stores.base import Store
    from onehop.stores.leases import Leases
    from onehop.types import (
        CheckPolicy,
        ExecutionResult,
        OnLog,
        OnProgress,
        Replay,
        ValidationLevel,
    )

_LOADING: Final = 2.0
"""Seconds that reading what tools have answered before may take."""
_COUNTED: Final = 1000
"""Calls that wait for a person, which are counted."""
_COUNTING: Final = 1.0
"""Seconds that counting them may take."""
_FAREWELL: Final = 10.0
"""Seconds that closing waits for runs in flight."""

_log = logging.getLogger(__name__)


class Executor:
    """Runs calls of ``code_execute`` under one order of steps.

    ``sandbox`` is open; ``validator`` judges the code (by the settings when None); ``store``, open,
    keeps what happened (None: nothing is kept), as ``audit`` says, for which "strict" is short for
    ``AuditConfig(mode="strict")``; ``bus`` hears of it. They stay the caller's to close, after the
    executor. ``open_executor`` composes all from the settings. With ``leases`` in the store, a
    request id names one run among all servers that share it.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        validator: Validator | None = None,
        store: Store | None = None,
        bus: EventBus | None = None,
        *,
        audit: AuditConfig | Mode | None = None,
        corrections: CorrectionConfig | None = None,
        patterns: Patterns | None = None,
        level: ValidationLevel = "BLOCKING",
        leases: Leases | None = None,
        keeper: Keeper | None = None,
        resumes: bool = False,
    ) -> None:
        """``keeper`` keeps runs that may have to wait for people; with ``resumes`` this executor
        goes on with those that anybody has paused on the same store."""
        self.sandbox = sandbox
        self.bus = bus or EventBus()
        self._store = store
        if store is not None:
            sandbox.sessions.keeping = StoreKeeping(store)
        self._patterns = patterns or Patterns()
        self._corrections = corrections or CorrectionConfig()
        self._keeper = keeper
        self._opening: asyncio.Task[None] | None = None

        kept = _audit(audit)
        redactor = self._redactor = Redactor(kept)
        recorder = None
        if store is not None:
            recorder = make_recorder(store, kept, redactor, watchers=sandbox.watchers)
        self._trail = Trail(recorder, redactor, self.bus)
        self._names = Names(store, recorder, keeper, leases)
        if keeper is not None:
            from onehop.execution.cut_off import CutOff

            self._trail.complete_by(CutOff(keeper).complete)
        self.snippets = ExecutorSnippets(store, sandbox)
        """Code that people have saved for agents to call."""
        self._grants = Grants(sandbox, AgentRules(store), self.snippets)
        judges = validator or Validator()
        self._judge = Judge(
            sandbox,
            Preparer(judges, self._corrections),
            judges,
            self._patterns,
            self._trail,
            "STRICT" if level == "STRICT" else "BLOCKING",
        )
        pauses = Pauses(keeper, sandbox, self._trail, self._names)
        self._conductor = Conductor(
            sandbox,
            self._judge,
            Desks(sandbox, self._trail, redactor),
            Lessons(self._patterns, sandbox.analyst),
            self._trail,
            self._names,
            pauses,
        )
        self._resumer = self._make_resumer(keeper, pauses) if keeper and resumes else None

    def _make_resumer(self, keeper: Keeper, pauses: Pauses) -> Resumer:
        from onehop.execution._again import Again
        from onehop.execution._resuming import Resumer

        again = Again(
            keeper,
            self.sandbox,
            self._corrections,
            self._grants,
            self._conductor,
            self._trail,
            self._names,
        )
        resumer = Resumer(keeper, again.resume, self.sandbox.is_ready, self._names.is_flying)
        pauses.on_paused(resumer.wake)
        return resumer

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def store(self) -> Store:
        """Where runs are kept. Raises StoreError for an executor that keeps nothing."""
        if self._store is None:
            raise StoreError("this executor keeps nothing: it was made without a store")
        return self._store

    async def open(self) -> None:
        """Open the journal and learn from past runs; the first call does it too.

        Raises AuditUnavailableError.
        """
        if self._opening is None:
            self._opening = running_loop().create_task(self._open())
        if self._opening.done() and self._opening.exception() is None:
            return
        try:
            await asyncio.shield(self._opening)
        except OnehopError:
            self._opening = None
            raise

    def pause(self) -> None:
        """Pause the runs that wait for people now, as far as they can go on later."""
        if self.sandbox.approver is not None:
            self.sandbox.approver.pause()

    def resume_paused(self) -> None:
        """Go on with paused runs from now on, if it was made for that; the sandbox is open."""
        if self._resumer is not None:
            self._resumer.start()
            if self.sandbox.approver is not None:
                self.sandbox.approver.on_decided(self._resumer.wake)

    async def aclose(self) -> None:
        """Wait for runs that are ending, and deliver what can be delivered. Runs still in flight
        end when the sandbox closes: close that first to end them."""
        await self._names.ended(_FAREWELL)
        if self.sandbox.has_toolbox:
            await self.sandbox.toolbox.observer.aclose()
        if self._resumer is not None:
            await self._resumer.aclose()
        opening, self._opening = self._opening, None
        if opening is not None:
            await self._trail.aclose()

    async def trouble(self) -> str | None:
        """Why runs cannot be recorded, or their records do not get on; None when all is well."""
        return await self._trail.trouble()

    async def state(self) -> ExecutorState:
        """How everything is now."""
        return ExecutorState(
            pool=self.sandbox.pool_state(),
            journal=await self._trail.state(),
            upstreams=self.sandbox.toolbox.upstreams(),
            runs=self._names.runs,
            approvals=await self._count_approvals(),
        )

    async def _count_approvals(self) -> int | None:
        approver = self.sandbox.approver
        if approver is None:
            return None
        try:
            async with asyncio.timeout(_COUNTING):
                return len(await approver.pending(limit=_COUNTED))
        except (StoreError, TimeoutError):
            return None

    async def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the store has every run that has ended; False after ``timeout`` seconds."""
        return await self._trail.flush(timeout)

    async def execute(
        self,
        code: str,
        language: str | None = None,
        timeout: float | None = None,
        context: dict[str, Any] | None = None,
        capture_console: bool | None = None,
        *,
        description: str | None = None,
        agent_id: str = "",
        channel_id: str = "",
        request_id: str | None = None,
        on_log: OnLog | None = None,
        tools: Wanted | None = None,
        rules: Layer = (),
        typecheck: CheckPolicy | None = None,
        plan: bool | None = None,
        traceparent: str | None = None,
        on_progress: OnProgress | None = None,
        **choices: Unpack[Choices],
    ) -> ExecutionResult:
        """``call`` with the arguments of ``Sandbox.execute``; JavaScript by default."""
        given = {
            "code": code,
            "language": language,
            "timeout": timeout,
            "context": context,
            "captureConsole": capture_console,
            "description": description,
            "typecheck": typecheck,
            "plan": plan,
        }
        arguments = {name: value for name, value in given.items() if value is not None}
        arguments |= to_wire(choices)
        caller = Caller(
            agent_id=agent_id,
            channel_id=channel_id,
            request_id=request_id or "",
            trace=read_trace(traceparent),
        )
        layers = [rules] if rules else ()
        return await self.call(arguments, caller, on_log, tools, layers, on_progress)

    def session(self, name: str | None = None, *, agent_id: str = "") -> SessionScope:
        """See ``Sandbox.session``."""
        checked = check_session(name)
        return SessionScope(self, checked, **({"agent_id": agent_id} if agent_id else {}))

    async def end_session(self, session: str, *, agent_id: str = "") -> bool:
        """See ``Sandbox.end_session``. Raises StoreError."""
        return await self.sandbox.end_session(session, agent_id=agent_id)

    async def call(
        self,
        arguments: Mapping[str, Any],
        caller: Caller,
        on_log: OnLog | None = None,
        tools: Wanted | None = None,
        rules: Sequence[Layer] = (),
        on_progress: OnProgress | None = None,
        *,
        beside: Beside | None = None,
    ) -> ExecutionResult:
        """``carry_out``; with ``yield`` (ms) among the arguments, it answers by then with status
        ``running`` if the run has not ended, and ``wait`` gives the rest."""
        after, rest = None, arguments
        if _has_yield(arguments):
            after = check_yield(arguments["yield"])
            rest = {name: value for name, value in arguments.items() if name != "yield"}
        work = self.carry_out(rest, caller, on_log, tools, rules, on_progress, beside=beside)
        if after is None:
            return await work
        later, code = self.sandbox.later, str(rest.get("code", ""))
        agent_id, run_id = caller.agent_id, caller.request_id
        return await later.start(agent_id, run_id, code, work, after / 1000)

    async def wait(
        self, run_id: str, timeout: float | None = None, *, agent_id: str = ""
    ) -> ExecutionResult:
        """The result of a run by its request id, or by the id that decisions about it name; status
        ``running`` after ``timeout`` ms, if it still runs. What is not kept here any more comes
        from the audit trail.

        Raises RunNotFoundError, and what the run has raised.
        """
        seconds = None if timeout is None else timeout / 1000
        missing: RunNotFoundError | None = None
        try:
            result = await self.sandbox.later.wait(agent_id, run_id, seconds)
            if result.status != "paused":
                return result
        except RunNotFoundError as error:
            missing = error
        asked = Caller(agent_id=agent_id, request_id=run_id)
        found = await self._names.known(asked, seconds)
        if found is None and (meant := await self._names.meant(asked)):
            found = await self._names.known(meant, seconds)
        if found is None:
            raise missing or RunNotFoundError(f"no run {run_id[:80]!r} is known any more")
        return found

    async def carry_out(
        self,
        arguments: Mapping[str, Any],
        caller: Caller,
        on_log: OnLog | None = None,
        tools: Wanted | None = None,
        rules: Sequence[Layer] = (),
        on_progress: OnProgress | None = None,
        *,
        beside: Beside | None = None,
    ) -> ExecutionResult:
        """Do what one call of ``code_execute`` asks for; ``arguments`` are its own, on the wire.

        A request id that the agent has used gives the first result and runs nothing, unless that
        run was cancelled before it called a tool that writes. What the code does wrong, or why it
        may not run, is a result with ``success=False``. ``on_log`` hears each console line as it is
        printed, ``on_progress`` how far the code says that it is. ``tools`` are as in
        ``Sandbox.execute``, ``rules`` layers of rules beside the sandbox's; tools ``beside`` the
        sandbox's are there too. Cancelling the
        awaiting task kills the run.

        Raises InvalidRequestError before anything happens; StoreUnavailableError when there are
        tools, and the rules of the agent are not known; Overloaded, SandboxClosedError and
        SandboxUnavailableError when it could not run; and AuditUnavailableError when it could not
        be recorded.
        """
        await self.open()
        with (
            watched_by(self.sandbox.watchers),
            stage(
                "execution", caller=caller, agent_id=caller.agent_id, trace=caller.trace
            ) as noted,
        ):
            run = await open_run(self.sandbox, caller, arguments, self._corrections)
            run.on_progress = on_progress
            run.wanted, run.layers, run.has_beside = tools, rules, beside is not None
            noted.note(request=run.original.request, run_id=run.run_id)
            run.grant = await self._grants.grant(caller.agent_id, tools, rules, beside)
            run.grant = await self._grants.with_snippets(run, rules)
            if run.original.request.plan:
                result = await self._judge.plan(run)
            else:
                result = await self._first(run, on_log)
            noted.note(result=result, repeated=run.repeated)
            return result

    async def _first(self, run: Run, on_log: OnLog | None) -> ExecutionResult:
        """Of the first run of this name: an earlier one's, or this one's."""
        earlier, unchecked = await self._names.earlier(run.caller)
        if earlier is not None:
            run.repeated = True
            return earlier
        if unchecked:
            self._names.go_unchecked(run)
        with self._names.flight(run):
            elsewhere = await self._names.elsewhere(run)
            if elsewhere is not None:
                return elsewhere
            try:
                return await self._conductor.carry_out(run, on_log)
            finally:
                if run.keeping is not None:  # whatever came of it, nobody holds it here any more
                    await run.keeping.leave()

    async def replay(self, request_id: str, *, agent_id: str | None = None) -> Replay:
        """Make a run again that has ended, offline, with the answers that it had; of any agent for
        None. Raises NotReplayableError, StoreError, and what a run raises that cannot begin."""
        if self._keeper is None:
            raise NotReplayableError("nothing is kept of runs here: see ONEHOP_RECORDING")
        return await self.sandbox.replay(await self._keeper.recording(request_id, agent_id))

    async def so_far(self, run_id: str) -> SoFar | None:
        """The code of a run that waits for people, and its calls; None when they are not kept or
        cannot be opened here. Raises StoreError."""
        if self._keeper is None:
            return None
        from onehop.execution.so_far import so_far

        return await so_far(self._keeper, self._redactor, run_id)

    async def view(self, agent_id: str, beside: Beside | None = None) -> Grant:
        """What an agent's code may see of the tools, and of those ``beside`` them, under the rules
        of its record.

        Raises StoreUnavailableError and StoreError when these are not known.
        """
        return await self._grants.view(agent_id, beside)

    def forget_rules(self, agent_id: str) -> None:
        """The agent's rules are others from now on; without this, within a second."""
        self._grants.forget(agent_id)

    async def _open(self) -> None:
        self.sandbox.analyst.start()
        await self._trail.open()
        if self._keeper is not None:
            await _prepared(self._keeper)
        if self._store is not None:
            await learn(self._patterns, self._store)
            if self.sandbox.has_toolbox and self.sandbox.toolbox.has_given:
                await self._load_observed(self._store)

    async def _load_observed(self, store: Store) -> None:
        """What answers of tools have looked like, here and on other servers; an outage is none."""
        try:
            async with asyncio.timeout(_LOADING):
                await self.sandbox.toolbox.observer.load(store)
        except (StoreError, TimeoutError) as error:
            _log.warning("what tools have answered before is not known: %s", _reason(error))


async def _prepared(keeper: Keeper) -> None:
    """With its key; while the store is away nobody knows if one may be made. Raises ConfigError."""
    try:
        async with asyncio.timeout(_LOADING):
            await keeper.prepare()
    except (StoreError, TimeoutError) as error:
        _log.warning("what the store keeps of runs is not known: %s", _reason(error))


def _reason(error: Exception) -> str:
    return str(error) or "the store takes too long to answer"


def _has_yield(arguments: Any) -> bool:
    return isinstance(arguments, Mapping) and "yield" in arguments


def _audit(given: AuditConfig | Mode | None) -> AuditConfig:
    if isinstance(given, AuditConfig):
        return given
    return AuditConfig() if given is None else AuditConfig(mode=given)
