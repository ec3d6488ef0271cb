"""One execution from start to end: correct the call, validate, announce, run, record.

Every door calls this and adds nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self, Unpack

from pydantic_core import to_json

from onehop._loop import running_loop
from onehop.audit.recorder import Mode, Recorder, make_recorder
from onehop.audit.redaction import Redactor
from onehop.backends.halting import differing
from onehop.callers import Caller
from onehop.calls import Asker, Beside, Grant, Layer, RunDesk, Wanted, make_desk
from onehop.config import AuditConfig, CorrectionConfig
from onehop.corrections import (
    in_original,
    unreturned,
)
from onehop.decisions import Approval
from onehop.errors import (
    NotReplayableError,
    OnehopError,
    RunNotFoundError,
    SealedError,
    StoreError,
    StoreUnavailableError,
)
from onehop.events import Event, ValidationCompleted, ValidationStarted
from onehop.execution import _outcomes
from onehop.execution._agent_rules import AgentRules
from onehop.execution._claims import Claims
from onehop.execution._cut_off import CutOff
from onehop.execution._preparation import Preparer
from onehop.execution._repeats import Repeats
from onehop.execution._resuming import Resumer
from onehop.execution._run import Run
from onehop.execution.bus import EventBus
from onehop.execution.keeping import Keeper, Keeping
from onehop.inputs.choices import Choices, check_session, check_yield, to_wire
from onehop.kept_runs import KeptRun
from onehop.later import still_running
from onehop.leases import Leases
from onehop.patterns import Patterns, Talk, shape, shape_alone
from onehop.recordings import LostRunError, Program, in_words
from onehop.records import GIVEN_UP, ExecutionRecord
from onehop.requests import is_large
from onehop.sandbox import Sandbox
from onehop.session_scope import SessionScope
from onehop.sessions import StoreKeeping
from onehop.states import ExecutorState
from onehop.stores.base import HistoryQuery, Store
from onehop.tools import read_rules
from onehop.traces import read_trace
from onehop.types import (
    CheckPolicy,
    ErrorInfo,
    ExecutionResult,
    OnLog,
    OnProgress,
    PendingApproval,
    Progress,
    Replay,
    ValidationLevel,
    ValidationReport,
    code_hash,
)
from onehop.validation import CodeHistory, Validator, Verdict
from onehop.watching import stage, watched_by

_UNCHECKED: Final = (
    "the audit trail did not answer, so nobody could look whether this request id has run before; "
    "if it has, this run is kept as a repeat of that"
)
_UNKNOWN_NAME: Final = (
    "nobody can look whether this request id has run before, and the code may call tools that "
    "change something"
)
_REPEATED: Final = "this request id had run already, so that this run is kept as a repeat of that"
_SECRETS_IN_THREAD: Final = 64 * 1024
"""Bytes of context from which its secrets are looked for in a thread."""
_NOTED: Final = 1000
"""Repeats that are remembered until their result is returned."""
_PROGRESS_PAUSE: Final = 0.25
"""Seconds between two events of a run's progress."""
_MOST_PROGRESS: Final = 100
"""Of them in one run."""
_LESSONS: Final = 500
"""Past runs that are learned from at the start."""
_LEARNING: Final = 2.0
"""Seconds that reading them may take."""
_FRESH: Final = 1.0
"""Seconds that the store has to take what has just ended, before it is asked for it."""
_COUNTED: Final = 1000
"""Calls that wait for a person, which are counted."""
_COUNTING: Final = 1.0
"""Seconds that counting them may take."""
_PAUSE_LOOK: Final = 0.25
"""Seconds between two looks at a paused run that somebody waits for: it may go on elsewhere."""
_HOLD_AGAIN: Final = 5.0
"""Seconds that a worker is held for people at most, when the run was made again."""
_SILENT: Final = 1.0
"""Seconds in which a store that did not answer is not asked for claims again."""
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
        self._keeper = keeper
        self._resumer: Resumer | None = None
        if keeper is not None and resumes:
            self._resumer = Resumer(keeper, self._resume, sandbox.is_ready)
        self._store = store
        if store is not None:
            sandbox.sessions.keeping = StoreKeeping(store)
        self.bus = bus or EventBus()
        self._validator = validator or Validator()
        kept = _audit(audit)
        self._redactor = Redactor(kept)
        self._recorder = (
            None
            if store is None
            else make_recorder(store, kept, self._redactor, watchers=sandbox.watchers)
        )
        self._corrections = corrections or CorrectionConfig()
        self._preparer = Preparer(self._validator, self._corrections)
        self._patterns = patterns or Patterns()
        self._level: ValidationLevel = "STRICT" if level == "STRICT" else "BLOCKING"
        self._rules = AgentRules(store)
        self._repeats = Repeats()
        self._repeated: OrderedDict[str, None] = OrderedDict()
        self._opening: asyncio.Task[None] | None = None
        self._runs: dict[str, Run] = {}
        """In flight, by their own ids."""
        self._claims = None if leases is None else Claims(leases)
        self._asked_in_vain = float("-inf")
        if self._recorder is not None:
            self._recorder.on_repeat(self._note_repeat)
            if self._claims is not None:
                self._recorder.on_taken(self._claims.taken)
            if keeper is not None:
                self._recorder.complete_by(CutOff(keeper, sandbox.toolbox.effect_of).complete)

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
        await self._repeats.ended(_FAREWELL)
        await self.sandbox.toolbox.observer.aclose()
        if self._resumer is not None:
            await self._resumer.aclose()
        opening, self._opening = self._opening, None
        if opening is not None and self._recorder is not None:
            await self._recorder.aclose()

    async def trouble(self) -> str | None:
        """Why runs cannot be recorded, or their records do not get on; None when all is well."""
        return None if self._recorder is None else await self._recorder.trouble()

    async def state(self) -> ExecutorState:
        """How everything is now."""
        return ExecutorState(
            pool=self.sandbox.pool_state(),
            journal=None if self._recorder is None else await self._recorder.state(),
            upstreams=self.sandbox.toolbox.upstreams(),
            runs=tuple(run.state for run in self._runs.values()),
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
        return self._recorder is None or await self._recorder.flush(timeout)

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
        """The result of a run by its request id; status ``running`` after ``timeout`` ms, if it
        still runs. What is not kept here any more comes from the audit trail.

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
        found = await self._known(Caller(agent_id=agent_id, request_id=run_id), seconds)
        if found is None:
            raise missing or RunNotFoundError(f"no run {run_id[:80]!r} is known any more")
        return found

    async def _known(self, caller: Caller, seconds: float | None) -> ExecutionResult | None:
        """The result of a run that another call has begun, that waits for people, or that is on
        record."""
        loop = asyncio.get_running_loop()
        end = None if seconds is None else loop.time() + seconds
        while True:
            try:
                async with asyncio.timeout_at(end):
                    known = await self._repeats.earlier(caller)
            except TimeoutError:
                return still_running(caller.request_id)
            if known is not None and known.status != "paused":
                return known
            paused = await self._paused(caller)  # looked at once, however short the time is
            if paused is None:
                break
            left = _PAUSE_LOOK if end is None else end - loop.time()
            if left <= 0:
                return paused
            await self._repeats.beginning(caller, min(left, _PAUSE_LOOK))
        if self._store is None:
            return known
        await self.flush(_FRESH)
        record = await self._store.get(caller.request_id, caller.agent_id)
        return None if record is None else _outcomes.result_of(record)

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
        run was cancelled. What the code does wrong, or why it may not run, is a result with
        ``success=False``. ``on_log`` hears each console line as it is printed, ``on_progress`` how
        far the code says that it is. ``tools`` are as in ``Sandbox.execute``, ``rules`` layers of
        rules beside the sandbox's; tools ``beside`` the sandbox's are there too. Cancelling the
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
            run = await self._prepare(caller, arguments)
            run.on_progress = on_progress
            run.wanted, run.layers, run.has_beside = tools, rules, beside is not None
            noted.note(request=run.original.request, run_id=run.run_id)
            run.grant = await self._grant(caller.agent_id, tools, rules, beside)
            if run.original.request.plan:
                result = await self._plan(run)
            else:
                result = await self._first(run, on_log)
            noted.note(result=result, repeated=run.repeated)
            return result

    async def _first(self, run: Run, on_log: OnLog | None) -> ExecutionResult:
        """Of the first run of this name: an earlier one's, or this one's."""
        caller = run.caller
        earlier, unchecked = await self._earlier(caller)
        if earlier is not None:
            run.repeated = True
            return earlier
        if unchecked:
            self._go_unchecked(run)
        with self._under_way(run):
            try:
                elsewhere = await self._elsewhere(run)
                if elsewhere is not None:
                    return elsewhere
                return await self._carry_out(run, on_log)
            except BaseException:
                if not run.ending and self._claims is not None:
                    self._claims.release(caller)
                raise
            finally:
                if run.keeping is not None:  # whatever came of it, nobody here holds it any more
                    await run.keeping.leave()

    @contextmanager
    def _under_way(self, run: Run) -> Iterator[None]:
        """Those who ask for a run of this name wait for this one; however it ends, they hear."""
        run.promise = self._repeats.begin(run.caller)
        self._runs[run.run_id] = run
        try:
            yield
        except BaseException as error:
            self._repeats.fail(run.caller, run.promise, error)
            raise
        finally:
            del self._runs[run.run_id]

    def _resolve(self, run: Run, result: ExecutionResult, size: int) -> None:
        """Tell those who wait for it; ``size`` is how many bytes the result holds, about."""
        assert run.promise is not None  # noqa: S101 - it is under way
        self._repeats.resolve(run.caller, run.promise, result, size)

    async def view(self, agent_id: str, beside: Beside | None = None) -> Grant:
        """What an agent's code may see of the tools, and of those ``beside`` them, under the rules
        of its record.

        Raises StoreUnavailableError and StoreError when these are not known.
        """
        toolbox = self.sandbox.toolbox
        if not toolbox.has_any and beside is None:
            return toolbox.view()
        return toolbox.view([await self._rules.of(agent_id)], beside)

    def forget_rules(self, agent_id: str) -> None:
        """The agent's rules are others from now on; without this, within a second."""
        self._rules.forget(agent_id)

    async def _grant(
        self,
        agent_id: str,
        tools: Wanted | None,
        rules: Sequence[Layer],
        beside: Beside | None,
    ) -> Grant | None:
        """The layers are the sandbox's, the agent's, and those of the call."""
        toolbox = self.sandbox.toolbox
        if tools is None and not toolbox.has_any and beside is None:
            return toolbox.grant(None, rules)
        return toolbox.grant(tools, [await self._rules.of(agent_id), *rules], beside)

    async def _prepare(self, caller: Caller, arguments: Mapping[str, Any]) -> Run:
        if not is_large(arguments):
            return Run(self.sandbox, caller, arguments, self._corrections)
        return await asyncio.to_thread(Run, self.sandbox, caller, arguments, self._corrections)

    async def _open(self) -> None:
        self.sandbox.analyst.start()
        if self._recorder is not None and self._store is not None:
            await self._recorder.open()
            await learn(self._patterns, self._store)
            if self.sandbox.toolbox.has_given:
                await self._load_observed(self._store)

    async def _load_observed(self, store: Store) -> None:
        """What answers of tools have looked like, here and on other servers; an outage is none."""
        try:
            async with asyncio.timeout(_LEARNING):
                await self.sandbox.toolbox.observer.load(store)
        except (StoreError, TimeoutError) as error:
            _log.warning("what tools have answered before is not known: %s", error)

    async def _earlier(self, caller: Caller) -> tuple[ExecutionResult | None, bool]:
        """The result of this request id, if it has run; and whether nobody could tell."""
        known = await self._repeats.earlier(caller)
        if known is not None or self._recorder is None or caller.minted:
            return known, False
        if self._claims is not None:  # looks for it when nobody else can begin it
            return None, False
        if (paused := await self._paused(caller)) is not None:
            return paused, False
        record, unchecked = await self._recorded(self._recorder, caller)
        if record is None or record.error_type == GIVEN_UP:
            return await self._repeats.earlier(caller), unchecked  # it may have begun meanwhile
        return _outcomes.result_of(record), False

    def _go_unchecked(self, run: Run) -> None:
        """An outage stops no run, but one that might send a write a second time."""
        if run.grant is not None and run.grant.effects - {"read"}:
            raise StoreUnavailableError(self.store.url, _UNKNOWN_NAME)
        run.unchecked = True

    async def _elsewhere(self, run: Run) -> ExecutionResult | None:
        """The result of the run of this name that another server has made, or makes now; that of
        one that waits for people, if there is one."""
        recorder, caller = self._recorder, run.caller
        if self._claims is None or recorder is None or caller.minted:
            return None
        silent = time.monotonic() - self._asked_in_vain < _SILENT
        if recorder.away or silent:  # to ask it would take its patience, once for each run
            self._go_unchecked(run)
            return None
        try:
            held = await self._claims.first(
                caller,
                lambda: recorder.find(caller.request_id, caller.agent_id),
                lambda: self._kept(caller),
            )
            if isinstance(held, KeptRun) and self._keeper is not None:
                return self._found(run, await self._keeper.result_of(held))
        except StoreUnavailableError as error:
            _log.info("cannot tell whether %s runs elsewhere: %s", caller.request_id, error)
            self._asked_in_vain = time.monotonic()
            self._go_unchecked(run)
            return None
        if isinstance(held, ExecutionRecord):
            return self._found(run, _outcomes.result_of(held))
        return None

    def _found(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """There is a run of this name already, with this result."""
        run.repeated = run.ending = True
        size = len(to_json(result.output, inf_nan_mode="null"))
        self._resolve(run, result, size)
        return result

    async def _recorded(
        self, recorder: Recorder, caller: Caller
    ) -> tuple[ExecutionRecord | None, bool]:
        try:
            return await recorder.find(caller.request_id, caller.agent_id), False
        except StoreUnavailableError as error:
            # An outage stops no run; what this process has run, it knows itself.
            _log.info("cannot tell whether %s ran before: %s", caller.request_id, error)
            return None, True

    def _note_repeat(self, record: ExecutionRecord) -> None:
        """The store knows better than this process: the first result is another one."""
        self._repeats.forget(record.agent_id, record.request_id)
        self._repeated[record.run_id or ""] = None
        while len(self._repeated) > _NOTED:
            self._repeated.popitem(last=False)

    async def _carry_out(self, run: Run, on_log: OnLog | None) -> ExecutionResult:
        if self._recorder is not None:
            await self._recorder.admit()
        try:
            result = await self._attempt(run, on_log)
        except asyncio.CancelledError:
            await self._end(run, _outcomes.cancelled(run.original.request))
            raise
        except Exception as error:
            await asyncio.shield(self._give_up(run, error))
            raise
        if result.status == "paused":
            return await self._pause(run, result)
        left = await self._find_shape(run, result)
        result = await self._end(run, result)
        if left is not None:
            raise left
        return result

    async def _find_shape(self, run: Run, result: ExecutionResult) -> asyncio.CancelledError | None:
        """Have the failure looked into. The run has ended, so it is recorded as it ended, also when
        its caller leaves meanwhile."""
        found = _with_findings(run, result)
        try:
            run.shape = await shape(
                self.sandbox.analyst, run.caller.agent_id, run.checked.request, found
            )
        except asyncio.CancelledError as left:
            return left
        return None

    async def _attempt(self, run: Run, on_log: OnLog | None) -> ExecutionResult:
        report = await self._validate(run)
        if not report.safe:
            return _refusal(run, report)
        if run.keeping is None:
            await self._start(run)
            run.keeping = self._keep(run)
        elif code_hash(run.checked.request.code) != run.keeping.program.digest:
            return differing(_outcomes.cancelled(run.original.request), "its code")
        run.step = "run"
        result = await self.sandbox.run(
            run.checked if run.keeping is None else run.keeping.checked(run.checked),
            run.caller.agent_id,
            on_log,
            self._desk(run),
            lambda report: self._hear_progress(run, report),
        )
        if run.keeping is not None:
            run.keeping.raw = result
            result = _seen_through(run.keeping, result)
        if run.check is not None:
            result = await run.check.explain(result)
        return result

    def _hear_progress(self, run: Run, report: Progress) -> None:
        """Pass it on, and announce it now and then."""
        if run.on_progress is not None:
            run.on_progress(report)
        now = time.monotonic()
        is_early = now - run.announced_at < _PROGRESS_PAUSE and report.fraction < 1
        if not is_early and run.reports < _MOST_PROGRESS:
            run.reports, run.announced_at = run.reports + 1, now
            self._announce(run, run.announcer.progress(report))

    async def _plan(self, run: Run) -> ExecutionResult:
        """Check the code and list its calls. Nothing is executed, so that nothing is recorded, and
        the request id stays free."""
        report = await self._validate(run)
        result = _refusal(run, report) if run.check is None else run.check.result()
        told = result.model_copy(
            update={
                "code_hash": run.digest,
                "corrections": run.corrections or None,
                "request_id": run.caller.request_id,
            }
        )
        return in_original(told, run.original.request.code, run.corrected)

    def _desk(self, run: Run) -> RunDesk | None:
        """Where the run's calls of tools are answered, announced and kept."""
        if run.grant is None:
            return None
        caller = run.caller
        run.desk = make_desk(
            run.grant,
            agent_id=caller.agent_id,
            channel_id=caller.channel_id,
            request_id=caller.request_id,
            hear=lambda event, call: self._announce(run, run.announcer.tool(event, call)),
            asker=self._asker(run),
            tape=None if run.keeping is None else run.keeping.tape,
        )
        return run.desk

    def _asker(self, run: Run) -> Asker | None:
        """Who asks people about the run's calls."""
        approver, caller = self.sandbox.approver, run.caller
        if approver is None:
            return None
        asker = approver.asker(
            run.run_id,
            agent_id=caller.agent_id,
            channel_id=caller.channel_id,
            request_id=caller.request_id,
            hear=lambda approval: self._hear_approval(run, approval),
            mask=lambda given: self._redactor.arguments(given, run.secrets),
            holder=run.keeping,
            hold=min(approver.hold, _HOLD_AGAIN) if run.pauses else None,
        )
        if run.keeping is not None:
            run.keeping.asker = asker
        return asker

    # --- runs that wait for people without a worker ---

    async def _paused(self, caller: Caller) -> ExecutionResult | None:
        """Of a run of this name that waits for people; also one that another server has paused."""
        if self._keeper is None:
            return None
        try:
            return await self._keeper.paused(caller.request_id, caller.agent_id)
        except StoreUnavailableError as error:
            _log.info("cannot tell whether %s is paused: %s", caller.request_id, error)
            return None

    async def _kept(self, caller: Caller) -> KeptRun | None:
        """What is kept of the run of this name. Raises StoreUnavailableError."""
        if self._keeper is None:
            return None
        return await self._keeper.kept(caller.request_id, caller.agent_id)

    def _keep(self, run: Run) -> Keeping | None:
        """Keep the run, if it may have to wait for people."""
        keeper, grant = self._keeper, run.grant
        if keeper is None or grant is None or run.original.request.session is not None:
            return None
        can_ask = self.sandbox.approver is not None
        if not (self.sandbox.keeps_time and keeper.wants(grant, can_ask)) or keeper.sealer is None:
            return None
        layers = [[rule.to_dict() for rule in read_rules(layer)] for layer in run.layers]
        keeping = keeper.begin(run, run.names, layers)
        keeping.before_hold = lambda: self._hand_over(run)
        return keeping

    async def _hand_over(self, run: Run) -> None:
        """What becomes of the run if its server is lost is the store's to say from now on."""
        if self._recorder is not None:
            await self._recorder.finish(run.run_id, None, tuple(run.events))

    async def _pause(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """The worker has ended; the run goes on after a decision."""
        keeper, keeping = self._keeper, run.keeping
        assert keeper is not None  # noqa: S101 - else it is not paused
        assert keeping is not None  # noqa: S101
        run.ending = True
        waiting: list[PendingApproval] = []
        try:
            if run.brings_tools and run.grant is not None:
                keeper.brought[run.run_id] = run.grant
            await keeping.put_down()
            waiting = await keeper.waiting(run.run_id)
            self._announce(run, run.announcer.paused(run.run_id, len(waiting)))
        except LostRunError:
            self._forget_brought(run)
        except StoreError as error:  # it is put down when its lease is over
            _log.warning("the store does not know yet that run %s waits: %s", run.run_id, error)
        finally:
            if self._claims is not None:  # who asks for it now finds it among those that wait
                self._claims.release(run.caller)
        if self._recorder is not None:
            await self._recorder.finish(run.run_id, None, tuple(run.events))
        update = {"approvals": waiting, "request_id": run.caller.request_id}
        told = result.model_copy(update={**update, "code_hash": run.digest})
        self._resolve(run, told, 0)
        if self._resumer is not None:
            self._resumer.wake()
        return told

    async def replay(self, request_id: str, *, agent_id: str | None = None) -> Replay:
        """Make a run again that has ended, offline, with the answers that it had; of any agent for
        None. Raises NotReplayableError, StoreError, and what a run raises that cannot begin."""
        if self._keeper is None:
            raise NotReplayableError("nothing is kept of runs here: see ONEHOP_RECORDING")
        return await self.sandbox.replay(await self._keeper.recording(request_id, agent_id))

    async def _resume(self, kept: KeptRun) -> None:
        """Make a run again up to where it was, and go on. Raises StoreError, and what a run
        raises that could not begin."""
        keeper = self._keeper
        assert keeper is not None  # noqa: S101 - else nothing is resumed
        try:
            program, script = await keeper.open(kept)
        except SealedError as error:
            await self._bury(kept, error)
            return
        caller = Caller(
            agent_id=kept.agent_id,
            channel_id=kept.channel_id,
            request_id=kept.request_id,
            conversation=program.conversation,
        )
        with (
            watched_by(self.sandbox.watchers),
            stage("execution", caller=caller, agent_id=caller.agent_id, trace=None) as noted,
        ):
            run = await self._prepare(caller, program.arguments)
            run.run_id, run.executed_at = kept.run_id, program.executed_at
            run.pauses = kept.fence - 1
            run.checked = run.original = dataclasses.replace(
                run.original, isolation=program.isolation
            )
            noted.note(request=run.original.request, run_id=run.run_id)
            run.grant = await self._grant_again(run, program)
            run.keeping = await keeper.again(kept, program, script, run.grant)
            try:
                noted.note(result=await self._go_on(run), repeated=False)
            finally:
                await run.keeping.leave()

    async def _bury(self, kept: KeptRun, error: SealedError) -> None:
        """A run that nobody can make again: say so."""
        assert self._keeper is not None  # noqa: S101 - see ``_resume``
        _log.error("the paused run %s cannot go on: %s", kept.run_id, error)
        record = _outcomes.lost(kept, f"what was kept of the run cannot be opened: {error}")
        if self._recorder is not None:
            await self._recorder.finish(kept.run_id, record, ())
        await self._keeper.bury(kept)

    async def _grant_again(self, run: Run, program: Program) -> Grant | None:
        assert self._keeper is not None  # noqa: S101 - see ``_resume``
        if (brought := self._keeper.brought.get(run.run_id)) is not None:
            return brought
        self._rules.forget(run.caller.agent_id)  # what was decided rests on those of now
        return await self._grant(run.caller.agent_id, program.names, program.rules, None)

    async def _go_on(self, run: Run) -> ExecutionResult:
        with self._under_way(run):
            await self._learn_secrets(run)
            self._announce(run, run.announcer.resumed(run.run_id, run.pauses))
            if await self._rules.is_revoked(run.caller.agent_id):
                return await self._end(run, _outcomes.revoked(run.original.request))
            return await self._carry_out(run, None)

    def _hear_approval(self, run: Run, approval: Approval) -> None:
        """Announce that a call waits, or what was decided, which its record keeps too."""
        if approval.status != "pending":
            run.decided[approval.call_id] = approval
        self._announce(run, run.announcer.asked(approval))

    async def _validate(self, run: Run) -> ValidationReport:
        """Have the code repaired and judged."""
        self._announce(run, run.announcer.validation_started())
        began = time.perf_counter()
        with stage("validation") as noted:
            verdict = await run.prepare(self._preparer, self.sandbox.analyst)
            report = await self._judge(run, verdict)
            if report.safe:
                report = await self._typecheck(run, report)
            noted.note(report=report)
        elapsed = (time.perf_counter() - began) * 1000
        run.report = report
        if not report.safe:
            await self._learn_secrets(run)
        for event in run.announcer.validated(run.placed(report), elapsed):
            self._announce(run, event)
        return report

    async def _typecheck(self, run: Run, report: ValidationReport) -> ValidationReport:
        """The report with what the check of the types and tools finds."""
        run.check = await self.sandbox.typecheck(run.checked, run.caller.agent_id, run.grant)
        if not run.check.is_refused:
            return report
        issues = [*run.check.findings, *report.issues]
        return report.model_copy(update={"safe": False, "issues": issues})

    async def _judge(self, run: Run, verdict: Verdict | None) -> ValidationReport:
        agent_id, request = run.caller.agent_id, run.checked.request
        seen = self._patterns.history(agent_id, run.digest)
        return await self._validator.judge(
            self.sandbox.analyst,
            agent_id,
            request.code,
            request.language,
            level=self._level,
            history=CodeHistory(seen.failure_rate, seen.errors, seen.repeats_failure),
            verdict=verdict,
        )

    async def _learn_secrets(self, run: Run) -> None:
        """What of the run's context may be neither told nor kept."""
        context = run.original.request.context
        if run.size < _SECRETS_IN_THREAD:
            run.secrets = self._redactor.secrets(context)
        else:
            run.secrets = await asyncio.to_thread(self._redactor.secrets, context)

    async def _start(self, run: Run) -> None:
        await self._learn_secrets(run)
        started = run.announcer.started()
        if self._recorder is not None:
            result = _outcomes.interrupted(run.digest)
            failed = self._redactor.event(_failure(run, result), run.secrets)
            record = run.record(result, {"interrupted": True})
            events = (*run.events, started, failed)
            with stage("store"):
                await self._recorder.start(record, events, run.size, run.secrets)
        self._announce(run, started)

    async def _end(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """Explain, announce, record, and hand it to all who wait for it.

        Not a task of its own: the sandbox would first start the next worker.
        """
        run.ending = True
        run.step = "end"
        size = 0
        try:
            if run.keeping is not None and not await run.keeping.is_ours():
                return await self._pause(run, result)
            result = self._explain(run, result)
            output_size = len(to_json(result.output, inf_nan_mode="null"))
            self._announce_end(run, result, output_size)
            size = output_size + sum(map(len, result.logs))
            await self._record(run, result, size)
            if run.keeping is not None:
                await run.keeping.finish(run.keeping.raw or result)
                self._forget_brought(run)
            result = self._with_repeat(run, result)
        except asyncio.CancelledError:  # given up while it is being written, which goes on
            self._resolve(run, result, size)
            raise
        self._resolve(run, result, size)
        return result

    def _announce_end(self, run: Run, result: ExecutionResult, output_size: int) -> None:
        limits = self.sandbox.get_config().limits(run.checked.request.timeout)
        for event in run.announcer.ended(result, limits, output_size):
            self._announce(run, event)

    async def _record(self, run: Run, result: ExecutionResult, size: int) -> None:
        if self._recorder is not None:
            record = run.record(result, run.facts())
            with stage("store", run_id=run.run_id):
                await self._recorder.finish(
                    run.run_id, record, tuple(run.events), run.size + size, run.secrets
                )

    def _with_repeat(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """Say so, if the store has taken the run already, and not as the first of its name."""
        if run.run_id not in self._repeated:
            return result
        return result.model_copy(update={"warnings": [*(result.warnings or ()), _REPEATED]})

    def _explain(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """The result in the terms of the caller's own text, and what runs like it have taught."""
        caller = run.caller
        result = _with_findings(run, result)
        if run.shape is None:
            run.shape = shape_alone(run.checked.request, result)
        talk = Talk(caller.agent_id, caller.channel_id, caller.conversation)
        hints = self._patterns.hints(talk, run.shape) if run.shape else []
        self._patterns.observe(talk, run.digest, run.shape)
        told = result.model_copy(
            update={
                "code_hash": run.digest,
                "corrections": run.corrections or None,
                "hints": [*(result.hints or ()), *hints] or None,
                "warnings": _warnings(run, result),
                "request_id": caller.request_id,
            }
        )
        return in_original(told, run.original.request.code, run.corrected)

    async def _give_up(self, run: Run, error: Exception) -> None:
        """It was announced and did not run: say so; the name is free for another attempt."""
        await self._learn_secrets(run)
        info = ErrorInfo(type="internal", name=type(error).__name__, message=str(error))
        self._announce(run, run.announcer.failed(f"{info.name}: {info.message}", info))
        if self._recorder is not None:
            await self._recorder.finish(run.run_id, None, tuple(run.events))

    def _forget_brought(self, run: Run) -> None:
        if self._keeper is not None:
            self._keeper.brought.pop(run.run_id, None)

    def _announce(self, run: Run, event: Event) -> None:
        """Tell and keep the same: nothing that is masked in the records."""
        if run.pauses and isinstance(event, ValidationStarted | ValidationCompleted):
            return  # it was told when the run began
        told = self._redactor.event(event, run.secrets)
        run.events.append(told)
        self.bus.publish(told)


def _seen_through(keeping: Keeping, result: ExecutionResult) -> ExecutionResult:
    """The result, unless the run was made again and did something else than before."""
    tape = keeping.tape
    if result.status == "paused":
        return result
    if tape.difference is not None:
        return differing(result, str(tape.difference))
    if (left := tape.script.next_call()) is not None and result.success:
        return differing(result, f"it has ended without {in_words(left)} (step {left.number})")
    return result


def _has_yield(arguments: Any) -> bool:
    return isinstance(arguments, Mapping) and "yield" in arguments


async def learn(patterns: Patterns, store: Store) -> None:
    """Teach ``patterns`` what the latest runs in ``store`` were like; an outage teaches nothing."""
    try:
        async with asyncio.timeout(_LEARNING):
            records = await store.history(HistoryQuery(limit=_LESSONS))
    except (StoreError, TimeoutError) as error:
        _log.warning("cannot learn from past runs: %s", error)
        return
    for record in reversed(records):
        shape = record.details.get("shape")
        if record.success or shape is not None:
            talk = Talk(record.agent_id, record.channel_id)
            patterns.observe(talk, record.code_hash, shape)


def _refusal(run: Run, report: ValidationReport) -> ExecutionResult:
    if run.check is not None and run.check.is_refused:
        return run.check.result()
    return _outcomes.refused(run.checked.request, report)


def _with_findings(run: Run, result: ExecutionResult) -> ExecutionResult:
    if run.report is None or not run.report.issues:
        return result
    return result.model_copy(update={"findings": run.report.issues})


def _warnings(run: Run, result: ExecutionResult) -> list[str] | None:
    missing = unreturned(run.corrected, result)
    ours = [missing, _UNCHECKED if run.unchecked else None]
    return [*(result.warnings or ()), *filter(None, ours)] or None


def _failure(run: Run, result: ExecutionResult) -> Event:
    info = result.error_info
    assert info is not None  # noqa: S101 - made by ``_outcomes.interrupted``
    return run.announcer.failed(result.error or "", info)


def _audit(given: AuditConfig | Mode | None) -> AuditConfig:
    if isinstance(given, AuditConfig):
        return given
    return AuditConfig() if given is None else AuditConfig(mode=given)
