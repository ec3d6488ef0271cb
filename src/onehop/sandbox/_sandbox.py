"""Runs code in jailed workers, with the tools, sessions and people that it was given."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from onehop.analysis import Analyst
from onehop.backends.base import Backend, BackendSession, Compiling, Pooled
from onehop.config import SandboxConfig, SessionConfig
from onehop.errors import (
    ApprovalNotFoundError,
    InvalidRequestError,
    NotCompiledError,
    SandboxClosedError,
    ToolError,
)
from onehop.inputs.choices import Choices, check_session, check_yield, only_choices
from onehop.inputs.gc import free_later
from onehop.inputs.languages import DEFAULT
from onehop.runs.later import Later
from onehop.runs.loop import Home
from onehop.runs.traces import Trace, read_trace
from onehop.runs.watching import Watcher, is_watched, stage, watched_by
from onehop.sandbox._backends import (
    ahead_of,
    backend_of,
    or_close,
    prepare_checker,
    refuse_unsupported,
    reworded,
)
from onehop.sandbox._desks import Desks, is_checked, with_desk
from onehop.sandbox.halting import Printed
from onehop.sandbox.services import Artifacts, RunServices
from onehop.sandbox.sessions import Sessions
from onehop.source import without_shebang
from onehop.types import code_hash

if TYPE_CHECKING:  # parts that a plain run does without, half of the time of the import
    from onehop.backends.begun import Begun
    from onehop.requests import CheckedRequest
    from onehop.runs.decisions import Approval, Decision
    from onehop.runs.session_scope import SessionScope
    from onehop.runs.states import PoolState
    from onehop.sandbox._held import HeldRun
    from onehop.sandbox.approvals import Approvals
    from onehop.sandbox.calls import Grant, Layer, RunDesk, Toolbox, Wanted
    from onehop.sandbox.checks import Check, Checks
    from onehop.sandbox.mapping import Requests
    from onehop.sandbox.recordings import Recording
    from onehop.tools import ToolLimits
    from onehop.types import (
        CheckPolicy,
        ExecutionRequest,
        ExecutionResult,
        Isolation,
        Language,
        OnLog,
        OnProgress,
        OutputPage,
        Replay,
        SessionInfo,
    )

_KEPT_ARTIFACTS: Final = 128 << 20
"""Bytes of files that runs have shown."""

_log = logging.getLogger(__name__)


class Sandbox:
    """Runs JavaScript and TypeScript in jailed, disposable V8 processes.

    ``async with Sandbox() as sandbox: await sandbox.execute("return 1 + 1")``. Needs a running
    asyncio event loop, and belongs to the one it was opened in; it may be opened in one task and
    closed in another.
    """

    def __init__(
        self,
        config: SandboxConfig | None = None,
        *,
        backend: Backend | None = None,
        tools: Wanted | None = None,
        rules: Layer = (),
        tool_limits: ToolLimits | None = None,
        approvals: Approvals | bool = False,
        sessions: SessionConfig | None = None,
        preload_analysis: bool = False,
        first_language: Language = DEFAULT,
        first_is_checked: bool = False,
        watchers: Sequence[Watcher] = (),
        begun: Begun | None = None,
    ) -> None:
        """``backend`` runs the code: workers on this machine, unless another one is given. It is
        opened and closed with the sandbox. ``tools``: functions, ``Tool`` objects or a ``Tools``
        that the code may call, under ``rules`` and within ``tool_limits``. ``approvals``: calls
        that a rule asks about wait for ``decide``: for ``hold`` (30 s), then ``execute`` gives a
        result with status ``paused`` and ``wait`` the rest; without, they are blocked.
        ``preload_analysis``: load what parses texts while the first worker starts, since an
        Executor will need it.
        ``sessions``: how many there may be, and how long they live. ``first_language``: start what
        the first program needs in it too; ``first_is_checked``: start a checker for it, if there
        are tools. ``watchers`` hear of each stage of each run: ``onehop.telemetry`` has one for
        traces and one for metrics. ``begun``: processes that were started for it already; those
        that it does not need stay the caller's."""
        self._begun = begun
        self.watchers = tuple(watchers)
        self._preload_analysis = preload_analysis
        self._first_language = first_language
        self._first_is_checked = first_is_checked
        self._config = config or SandboxConfig()
        self._given = backend
        self._desks = Desks(tools, rules, tool_limits, approvals)
        self.sessions = Sessions(sessions or SessionConfig(), self._open_session)
        """The sessions of all agents."""
        self.later = Later()
        """Runs that go on after their caller was answered."""
        self.artifacts = Artifacts(_KEPT_ARTIFACTS)
        """What runs have shown."""
        self._backend: Backend | None = None
        self._home: Home | None = None
        """Where it is open."""
        self._checks: Checks | None = None
        """Of the backend that is open."""
        self.analyst = Analyst(self._config.allow_degraded, begun.zygote() if begun else None)
        """Has the texts of agents parsed in jailed processes; open as long as the sandbox is."""

    @property
    def toolbox(self) -> Toolbox:
        """The tools that the code may call."""
        return self._desks.toolbox

    @property
    def has_toolbox(self) -> bool:
        """Whether there are tools, or anything was said of some."""
        return self._desks.has_toolbox

    @property
    def approver(self) -> Approvals | None:
        """Asks people about calls; None where such calls are blocked."""
        return self._desks.approver

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

    async def open(self) -> None:
        """Start the spawner and wait for the first worker.

        Raises LayerUnavailableError when an isolation layer cannot be applied, WorkerStartError
        when no worker becomes ready, SandboxUnavailableError when no event loop of asyncio runs,
        and UpstreamUnavailableError when a server that is required does not come up.
        """
        if self._backend is not None:
            self._check_home()
            return
        try:
            await self._open(Home())
        except OSError as error:
            raise reworded(error) from None

    async def _open(self, home: Home) -> None:
        backend = self._given or backend_of(self._config, self.analyst, self._begun)
        self.analyst.open()
        if self._preload_analysis:
            self.analyst.start()
        tools = asyncio.create_task(self._desks.open())
        if self._first_is_checked and self._desks.has_given:
            prepare_checker(backend)
        try:
            await backend.open(self._first_language)
            await or_close(backend, tools)
        except BaseException:
            tools.cancel()
            await asyncio.wait([tools])
            await self._desks.aclose()
            await self.analyst.aclose()
            raise
        self._backend, self._home = backend, home
        self._checks = None
        for words in self._desks.stray():
            _log.warning("%s", words)

    async def aclose(self) -> None:
        """End every run as cancelled, and leave no process, descriptor or thread behind. In a copy
        of the process by fork nothing is ended: all of it is the other's.

        Raises SandboxClosedError where it is open in the event loop of another thread.
        """
        if self._home is not None:
            self._home.check_end()
        home, self._home = self._home, None
        if home is not None and home.is_elsewhere:
            self._backend = None
            return
        backend, self._backend = self._backend, None
        if self.approver is not None and backend is not None:
            self.approver.pause()
        if backend is not None:
            await self.sessions.aclose()
            await backend.aclose()
            await self.later.aclose()
        self.artifacts.clear()
        await self._desks.aclose()
        await self.analyst.aclose()

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
        on_log: OnLog | None = None,
        tools: Wanted | None = None,
        rules: Layer = (),
        typecheck: CheckPolicy | None = None,
        plan: bool = False,
        isolation: Isolation | None = None,
        traceparent: str | None = None,
        on_progress: OnProgress | None = None,
        **choices: Unpack[Choices],
    ) -> ExecutionResult:
        """Run ``code`` as the body of an async function that sees ``context``.

        ``language`` is JavaScript unless it is a name of TypeScript (``typescript``, ``ts``,
        ``tsx``). ``timeout`` is in ms (the configured 5000 by default, at most 30000).
        ``agent_id`` is whom the queue is fair to. ``on_log`` hears each console line as it is
        printed. ``tools`` are for this run instead of the sandbox's own: functions and ``Tool``
        objects, and names and globs of those that the sandbox has; ``rules`` hold beside the
        sandbox's. ``typecheck`` is what the check before the run may refuse: ``"off"``,
        ``"provable"`` (what must fail; the usual one where tools are granted) or ``"strict"``. With
        ``plan`` the code is checked and its calls are listed, and nothing is executed.
        ``isolation`` is ``process`` (a fresh process) or ``realm`` (a fresh realm in a process of
        the agent's own); the settings decide where it is None. ``traceparent`` is the caller's
        place in a trace, as W3C writes it. ``seed`` fixes random numbers, ``clock`` (ms since 1970,
        or an ISO time) every clock of the code; ``session`` names the agent's session that it runs
        in. ``on_progress`` hears what the code tells by ``progress``. ``yield_after`` ms have an
        answer come by then, with status ``running``, and ``wait`` gives the rest. What the code
        does wrong is a result with ``success=False``. Cancelling the awaiting task kills the run at
        once.

        Raises InvalidRequestError before anything runs, Overloaded when too many executions wait,
        SandboxClosedError, and SandboxUnavailableError when workers do not start any more.
        """
        from onehop.requests import check_request  # with pydantic, so not before it is open

        backend = self._backend_here()
        if choices:
            only_choices(choices, self)
        chosen: dict[str, Any] = {**choices}
        after = check_yield(chosen.pop("yield_after", None))
        grant = self._desks.grant(tools, [rules] if rules else ())
        is_alone = after is None and grant is None and not (plan or chosen.get("session"))
        is_wanted = is_alone and isinstance(context, dict) and self._runs_in_process(isolation)
        ahead = ahead_of(backend, agent_id) if is_wanted else None
        try:
            checked = check_request(
                self._config,
                ahead,
                code=code,
                language=language,
                timeout=timeout,
                context=context,
                capture_console=capture_console,
                description=description,
                typecheck=typecheck,
                plan=plan,
                isolation=isolation,
                **chosen,
            )
            held = self._held_run(grant, checked.request)
            run = (on_log, grant, on_progress, held)
            if self.watchers or is_watched():
                running = self._watched_run(checked, agent_id, read_trace(traceparent), *run)
            else:
                running = self._checked_run(checked, agent_id, *run)
            if after is None and held is None:
                result = await running
                free_later(checked, len(checked.context_json))
                return result
            run_id = secrets.token_hex(16) if held is None else held.run_id
            seconds = None if after is None else after / 1000
            named = _named(running, run_id)
            return await self.later.start(agent_id, run_id, code, named, seconds, held)
        finally:
            if ahead is not None:
                ahead.close()

    def _runs_in_process(self, isolation: Isolation | None) -> bool:
        return (isolation or self._config.isolation) == "process"

    def _held_run(self, grant: Grant | None, request: ExecutionRequest) -> HeldRun | None:
        """For a run whose calls may have to wait for people; a session's cannot pause."""
        if self.approver is None or grant is None or not grant.asks or request.session is not None:
            return None
        from onehop.sandbox._held import HeldRun

        return HeldRun(
            secrets.token_hex(16),
            code_hash(request.code),
            is_open=lambda: self._backend is not None,
            has_room=lambda: self.later.paused < self._config.max_waiting,
        )

    async def _watched_run(
        self, checked: CheckedRequest, agent_id: str, trace: Trace | None, *run: Any
    ) -> ExecutionResult:
        """The stage lasts as long as the run, also of one that is answered before its end."""
        request = checked.request
        with (
            watched_by(self.watchers),
            stage("execution", request=request, agent_id=agent_id, trace=trace) as noted,
        ):
            result = await self._checked_run(checked, agent_id, *run)
            noted.note(result=result)
            return result

    async def _checked_run(
        self,
        checked: CheckedRequest,
        agent_id: str,
        on_log: OnLog | None,
        grant: Grant | None,
        on_progress: OnProgress | None,
        held: HeldRun | None,
    ) -> ExecutionResult:
        if not is_checked(checked.request, grant):
            return await self.run(checked, agent_id, on_log, None, on_progress)
        verdict = self._opened_checks().passed(checked.request)
        check = None if verdict else await self.typecheck(checked, agent_id, grant)
        if check is not None and check.ends_here:
            return check.result()
        desk = self._desks.desk(grant, held, agent_id=agent_id)
        result = await self.run(checked, agent_id, on_log, desk, on_progress)
        if check is None and result.success:
            return result.with_known(typecheck=verdict)
        check = check or await self.typecheck(checked, agent_id, grant)
        return await check.explain(result)

    async def wait(
        self, run_id: str, timeout: float | None = None, *, agent_id: str = ""
    ) -> ExecutionResult:
        """The result of a run that was answered with status ``running`` or ``paused``; still that
        after ``timeout`` ms. It is kept for an hour after its end, the latest 200 of an agent.

        Raises RunNotFoundError, and what the run has raised.
        """
        self._check_home()
        seconds = None if timeout is None else timeout / 1000
        return await self.later.wait(agent_id, run_id, seconds)

    async def typecheck(
        self, checked: CheckedRequest, agent_id: str = "", grant: Grant | None = None
    ) -> Check:
        """Check the code of a call before it runs, which ``run`` does not; ``grant`` are its tools.
        Hand the result of the run to its ``explain``."""
        checks, request = self._opened_checks(), checked.request
        declared = self.sessions.names(agent_id, request.session) if request.session else ()
        return await checks.check(request, agent_id, grant, declared)

    def _opened_checks(self) -> Checks:
        """Made once: to ask a backend what it offers takes as long as a check."""
        backend = self._backend_here()
        if self._checks is None:
            from onehop.sandbox.checks import Checks, Room

            self._checks = Checks(backend if isinstance(backend, Room) else None)
        return self._checks

    def map(
        self,
        requests: Requests,
        *,
        concurrency: int | None = None,
        isolation: Isolation | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Run many requests: ``async for result in sandbox.map({"code": c} for c in programs)``.

        ``requests``, also an async iterator, has dicts of the arguments of ``execute``, except
        ``yield_after``. At most ``concurrency`` run at once (as many as the sandbox runs, by
        default). Results come in the order of the requests, or with ``ordered=False`` as they are
        there. A bad request is a failed result. Only a few requests beyond those that run are taken
        ahead, so that their number does not matter. Closing the iterator cancels what runs.

        Raises InvalidRequestError for bad arguments of its own, and while results are taken what
        ``requests`` raises and what ``execute`` raises, except InvalidRequestError and Overloaded.
        """
        from onehop.sandbox.mapping import attempting, mapped

        most = self._config.max_concurrency
        wanted = most if concurrency is None else concurrency
        if type(wanted) is not int or wanted < 1:
            raise InvalidRequestError("concurrency", repr(concurrency)[:80], "an integer from 1")
        run = attempting(partial(self.execute, isolation=isolation))
        return mapped(run, requests, concurrency=wanted, ordered=ordered)

    def check(self, **call: Any) -> CheckedRequest:
        """Check the arguments of ``execute`` without running. Raises InvalidRequestError."""
        from onehop.requests import check_request  # with pydantic, so not before it is open

        return check_request(self._config, **call)

    async def run(
        self,
        checked: CheckedRequest,
        agent_id: str = "",
        on_log: OnLog | None = None,
        desk: RunDesk | None = None,
        on_progress: OnProgress | None = None,
    ) -> ExecutionResult:
        """Run what ``check`` has passed; ``desk`` answers its calls of tools, and is closed with
        the run; ``on_progress`` hears how far it says that it is. Raises what ``execute`` raises.
        """
        refuse_unsupported(self._backend_here(), checked)
        session = checked.request.session
        values = None if session is None else partial(self.sessions.values, agent_id, session)
        services = RunServices(self.artifacts.of(agent_id), on_progress, values)
        try:
            if desk is None:
                result = await self._running(checked, agent_id, on_log, None, services)
            else:
                printed = Printed(on_log)
                hears = on_log if desk.stopped is None else printed.hear
                running = self._running(checked, agent_id, hears, desk, services)
                result = await with_desk(desk, running, checked.request, printed)
        except OSError as error:
            raise reworded(error) from None
        finally:
            if services.has_work:
                await services.aclose()
        if services.artifacts:
            result = result.model_copy(update={"artifacts": services.artifacts})
        if checked.warnings:
            told = [*checked.warnings, *(result.warnings or ())]
            result = result.model_copy(update={"warnings": told})
        return result

    def _running(
        self,
        checked: CheckedRequest,
        agent_id: str,
        on_log: OnLog | None,
        desk: RunDesk | None,
        services: RunServices,
    ) -> Coroutine[Any, Any, ExecutionResult]:
        limits = self._config.limits(checked.request.timeout)
        backend, session = self._backend_here(), checked.request.session
        if session is None:
            return backend.run(checked, limits, agent_id, on_log, desk, services)
        return self.sessions.run(
            agent_id,
            session,
            lambda inner: inner.run(checked, limits, on_log, desk, services),
        )

    async def replay(self, recording: Recording | Mapping[str, Any]) -> Replay:
        """Make a recorded run again, offline in a fresh worker, and say whether it does and gives
        the same: ``recording`` has every answer, and no tool is called.

        Raises InvalidRequestError for what is not a recording, and what ``execute`` raises.
        """
        from onehop.sandbox._replaying import replay

        return await replay(self._config, self._backend_here(), self.artifacts, recording)

    async def _open_session(self, agent_id: str) -> BackendSession:
        return await self._backend_here().open_session(agent_id)

    def session(self, name: str | None = None, *, agent_id: str = "") -> SessionScope:
        """A session: ``async with sandbox.session() as s: await s.execute(…)``. With a ``name``
        it is that session of the agent, and lives on; without, it ends with the block."""
        from onehop.runs.session_scope import SessionScope

        checked = check_session(name)
        return SessionScope(self, checked, **({"agent_id": agent_id} if agent_id else {}))

    def list_sessions(self, agent_id: str | None = None) -> list[SessionInfo]:
        """The sessions of an agent, or all of them."""
        from onehop.types.shown.markup import Shown

        return Shown(self.sessions.list(agent_id))

    async def end_session(self, session: str, *, agent_id: str = "") -> bool:
        """End a session of an agent, with all that ``store`` keeps; False when there is none."""
        self._check_home()
        return await self.sessions.end(agent_id, session)

    def read_artifact(self, artifact_id: str, *, agent_id: str | None = None) -> bytes:
        """The bytes of a file that a run has shown; with an ``agent_id``, only of its own runs.
        Raises ArtifactNotFoundError."""
        return self.artifacts.read(artifact_id, agent_id)[1]

    def desk(
        self, tools: Wanted | None = None, layers: Sequence[Layer] = (), **run: Any
    ) -> RunDesk | None:
        """Where a run's calls of tools are answered; None when it may call none. ``run`` is what
        ``make_desk`` takes. Raises InvalidRequestError."""
        return self._desks.desk(self._desks.grant(tools, layers), **run)

    async def approvals(self) -> list[Approval]:
        """The calls that wait for a person now, the oldest first."""
        from onehop.types.shown.markup import Shown

        self._check_home()
        return Shown([] if self.approver is None else await self.approver.pending())

    async def decide(
        self, run_id: str, decisions: Mapping[str, Decision], by: str
    ) -> dict[str, Approval]:
        """Decide about calls of a run that wait, by their ids; gives what stands of each: a
        decision that was made before stays.

        Raises InvalidRequestError, also for edited arguments that the tool does not take, and
        ApprovalNotFoundError; then nothing was decided.
        """
        if self.approver is None:
            raise ApprovalNotFoundError("nothing waits: Sandbox(approvals=True) lets calls wait")
        self._check_home()
        return await self.approver.decide(run_id, decisions, by)

    async def call_tool(
        self,
        path: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        agent_id: str = "",
        rules: Layer = (),
    ) -> Any:
        """Call one tool as the code would, under the same rules; the value as the code gets it.
        Raises ToolError."""
        self._check_home()
        desk = self.desk(None, [rules] if rules else (), agent_id=agent_id)
        if desk is None:
            raise ToolError("unknown_tool", f"no tool is called {path}: none are granted", path)
        from onehop.sandbox.calls import call_directly

        return await call_directly(desk, path, {} if arguments is None else arguments)

    async def execute_javascript(self, code: str, **options: Any) -> ExecutionResult:
        """``execute`` with ``language="javascript"``."""
        return await self.execute(code, "javascript", **options)

    async def execute_typescript(self, code: str, **options: Any) -> ExecutionResult:
        """``execute`` with ``language="typescript"``."""
        return await self.execute(code, "typescript", **options)

    def read_output(
        self, persisted_output_id: str, offset: int = 0, limit: int = 65536
    ) -> OutputPage:
        """A page, in characters, of the JSON text of an output that was too large to return.

        Raises OutputNotFoundError.
        """
        return self._open_backend().read_output(persisted_output_id, offset, limit)

    def get_config(self) -> SandboxConfig:
        """The settings in force."""
        return self._config

    def update_config(
        self,
        *,
        timeout: float | None = None,
        memory_limit: int | None = None,
        capture_console: bool | None = None,
    ) -> SandboxConfig:
        """Change settings for the executions that start from now on. Raises ConfigError."""
        given = {
            "timeout": timeout,
            "memory_limit": memory_limit,
            "capture_console": capture_console,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        self._config = self._config.replace(**changes)
        if self._backend is not None:
            self._backend.reconfigure(self._config)
        return self._config

    def is_ready(self) -> bool:
        """Whether it is open and a worker is at hand, or soon will be."""
        return self._backend is not None and self._backend.ready

    @property
    def keeps_time(self) -> bool:
        """Whether a run can be made again alike here: see ``CheckedRequest.moves``."""
        return getattr(self._backend, "keeps_time", False)

    def pool_state(self) -> PoolState | None:
        """How the workers are now; None while it is not open, and for a backend without a pool on
        this machine."""
        backend: object = self._backend
        return backend.pool_state if isinstance(backend, Pooled) else None

    async def javascript(self, code: str, language: Language, agent_id: str = "") -> str:
        """Code of an agent as JavaScript, which is not run. Raises NotCompiledError, also
        where nothing compiles TypeScript, and what ``execute`` raises."""
        backend = self._backend_here()
        if language == "javascript":
            return without_shebang(code)
        if not isinstance(backend, Compiling):
            raise NotCompiledError(f"{type(backend).__name__} compiles no TypeScript here")
        return await backend.compile(code, agent_id)

    def _check_home(self) -> None:
        if self._home is not None:
            self._home.check()

    def _backend_here(self) -> Backend:
        """Raises SandboxClosedError, also where it is open but cannot be used."""
        self._check_home()
        return self._open_backend()

    def _open_backend(self) -> Backend:
        if self._backend is None:
            raise SandboxClosedError(
                "the sandbox is not open: use 'async with Sandbox() as sandbox', "
                "or await sandbox.open() first"
            )
        return self._backend


async def _named(running: Coroutine[Any, Any, ExecutionResult], run_id: str) -> ExecutionResult:
    result = await running
    return result.model_copy(update={"request_id": run_id})
