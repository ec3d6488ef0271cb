"""Runs on this machine, in workers from a warm pool."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from onehop import source, types
from onehop.backends import _results
from onehop.backends._ahead import LocalAhead
from onehop.backends._digest import Digest
from onehop.backends._programs import Program, make_job, plain
from onehop.backends.outputs import Outputs
from onehop.errors import NotCompiledError, WorkerStartError
from onehop.runs.watching import stage
from onehop.workers import Job, Outcome, Pool, RealmPool, Worker, WorkerFactory, deno_programs
from onehop.workers.protocol import Failure, Original

if TYPE_CHECKING:  # what plain JavaScript does without is loaded with the first need of it
    from collections.abc import Awaitable, Callable

    from onehop.analysis import Analyst
    from onehop.backends._readers import Readers
    from onehop.backends._session import LocalSession
    from onehop.backends._session_texts import Told
    from onehop.compiler import Checkers
    from onehop.config import SandboxConfig
    from onehop.jail import SpawnerProcess
    from onehop.limits import Limits
    from onehop.requests import CheckedRequest
    from onehop.runs.questions import Desk, Services
    from onehop.runs.states import PoolState
    from onehop.types import ExecutionRequest, ExecutionResult, Language, OnLog, OutputPage

_FIRST_PAUSE = 0.001
"""Workers tried when one turns out dead before it was given the job."""


class LocalBackend:
    """A Backend of this machine. ``open`` before use.

    ``analyst`` finds better words for syntax errors than the engine has; it stays the caller's.
    """

    keeps_time: Final = True
    isolations: Final = ("process", "realm")
    """The isolation classes that it offers."""

    def __init__(
        self,
        config: SandboxConfig,
        factory: WorkerFactory | None = None,
        analyst: Analyst | None = None,
        begun: SpawnerProcess | None = None,
    ) -> None:
        """``begun`` is what ``jail.begin`` gave."""
        self._analyst = analyst
        self._factory = factory or WorkerFactory(
            config.allow_degraded,
            _ceiling(config),
            lambda: deno_programs(config.deno),
            copies=config.copy_workers,
            begun=begun,
        )
        self._pool = Pool(
            self._factory,
            size=config.pool_size,
            max_concurrency=config.max_concurrency,
            max_waiting=config.max_waiting,
            max_queue=config.max_queue,
        )
        self._realms = RealmPool(
            self._factory,
            per_agent=config.realm_processes,
            most=max(config.realm_processes + 1, config.max_concurrency),
            max_queue=config.max_queue,
            runs=config.realm_runs,
            idle=config.realm_idle / 1000,
        )
        self._config = config
        self._outputs = Outputs(config.kept_outputs)
        self._sessions: WeakSet[LocalSession] = WeakSet()

    @functools.cached_property
    def _readers(self) -> Readers:
        from onehop.backends._readers import Readers

        return Readers(self._config, self._factory, self._explain)

    @property
    def checkers(self) -> Checkers:
        """What looks through code before it runs; ``run`` itself does not ask it."""
        return self._readers.checkers

    @property
    def ready(self) -> bool:
        """Whether a run could start now or soon."""
        return self._pool.ready

    @property
    def pool_state(self) -> PoolState:
        """See Pooled."""
        state = self._pool.state
        waiting = state.waiting + self._realms.waiting
        return replace(state, waiting=waiting, realms=self._realms.processes)

    async def open(self, language: Language = "javascript") -> None:
        """Start the spawner and the first worker, and what the first program needs if it is in
        ``language``. Raises SandboxUnavailableError."""
        if language == "typescript":
            self._readers.compilers.prepare()
        try:
            await self._factory.prepare()
            with ThreadPoolExecutor(1) as executor:
                loading = asyncio.wrap_future(executor.submit(_load_models))
                await self._pool.open(loading)
        except BaseException:
            await self.aclose()
            raise

    def ahead(self, agent: str) -> LocalAhead:
        """See Foresighted."""
        return LocalAhead(self._pool, agent)

    async def run(
        self,
        request: CheckedRequest,
        limits: Limits,
        agent: str,
        on_log: OnLog | None = None,
        desk: Desk | None = None,
        services: Services | None = None,
    ) -> ExecutionResult:
        """See Backend.run."""
        ahead = request.ahead if isinstance(request.ahead, LocalAhead) else None
        digest = Digest(request.request.code)

        def job_of(program: Program) -> Job:
            return make_job(request, limits, program, on_log, desk, services)

        if (program := plain(request)) is not None:
            outcome = await self._outcome(request, agent, job_of(program), digest, ahead)
        else:
            found = await self._of_typescript(request, agent, job_of, digest, ahead)
            if isinstance(found, types.ExecutionResult):
                return found
            outcome = found
        return await self._result(agent, request, limits, outcome, digest)

    def _outcome(
        self,
        request: CheckedRequest,
        agent: str,
        job: Job,
        digest: Digest,
        ahead: LocalAhead | None,
    ) -> Awaitable[Outcome]:
        if request.isolation == "realm":
            return _run_job(self._realms, job, agent, digest.compute)
        first = None if ahead is None else ahead.take()
        return _run_job(self._pool, job, agent, digest.compute, first)

    async def _of_typescript(
        self,
        request: CheckedRequest,
        agent: str,
        job_of: Callable[[Program], Job],
        digest: Digest,
        given: LocalAhead | None,
    ) -> Outcome | ExecutionResult:
        """How a run ends, or the result of one that cannot begin."""
        ahead = given or self.ahead(agent)
        try:
            program = await self._program(request, agent, ahead)
            if isinstance(program, types.ExecutionResult):
                return program
            outcome = await self._outcome(request, agent, job_of(program), digest, ahead)
        finally:
            ahead.close()
        if program.is_checked or not _is_unread(outcome):
            return outcome
        checked = await self._program(request, agent)
        if isinstance(checked, types.ExecutionResult):
            return checked
        if checked.code == program.code:
            return outcome
        return await self._outcome(request, agent, job_of(checked), digest, None)

    async def _program(
        self, request: CheckedRequest, agent: str, ahead: LocalAhead | None = None
    ) -> Program | ExecutionResult:
        """Of a text that has to be compiled; the result when it cannot run. With ``ahead``, it is
        made ready while a compiler is at work, and V8 may still have to read what that gives."""
        code = source.without_shebang(request.request.code)
        begin = None
        if ahead is not None and request.isolation == "process":
            begin = functools.partial(ahead.begin, request.context_json)
        compiled = await self._readers.compile(
            request.request, code, agent, checked=ahead is None, meanwhile=begin
        )
        if isinstance(compiled, types.ExecutionResult):
            return compiled.model_copy(update={"isolation": request.isolation})
        original = Original(code, compiled.positions)
        return Program(compiled.code, original, compiled.is_checked)

    async def _result(
        self,
        agent: str,
        request: CheckedRequest,
        limits: Limits,
        outcome: Outcome,
        digest: Digest,
    ) -> ExecutionResult:
        if isinstance(outcome.end, Failure):
            outcome = await self._explained(request.request, agent, outcome, outcome.end)
        shelf = self._outputs.of(agent)
        return _results.from_outcome(
            request.request, digest.compute(), limits, outcome, shelf, request.isolation
        )

    async def compile(self, code: str, agent: str) -> str:
        """See Compiling."""
        request = types.ExecutionRequest(code=code, language="typescript", timeout=1)
        text = source.without_shebang(code)
        compiled = await self._readers.compile(request, text, agent)
        if isinstance(compiled, types.ExecutionResult):
            raise NotCompiledError(compiled.error or "it is not TypeScript")
        return compiled.code

    async def open_session(self, agent: str) -> LocalSession:
        """See Backend.open_session."""
        from onehop.backends._session import LocalSession

        session = LocalSession(
            self._pool,
            agent,
            functools.partial(self._read, agent),
            functools.partial(self._result, agent),
        )
        self._sessions.add(session)
        return session

    async def _read(self, agent: str, request: CheckedRequest) -> Told | ExecutionResult:
        from onehop.backends._session_texts import Told

        program = plain(request) or await self._program(request, agent)
        if isinstance(program, types.ExecutionResult):
            return program
        from onehop.backends._analysed import kept_by

        code, language = request.request.code, request.request.language
        kept = await kept_by(self._analyst, agent, program.code, language)
        return Told(program, kept, Digest(code))

    async def confirm_syntax(
        self, request: ExecutionRequest, agent: str, said: source.Diagnosis
    ) -> source.Diagnosis | None:
        """A syntax error that a checker has found, in the best words; None if it is none. Raises
        what ``run`` raises."""
        return await self._readers.confirm_syntax(request, agent, said)

    async def _explained(
        self, request: ExecutionRequest, agent: str, outcome: Outcome, end: Failure
    ) -> Outcome:
        """With a syntax error in better words than the engine's, where there are any."""
        if not end.syntax:
            return outcome
        said = source.Diagnosis(end.message, end.line, end.column)
        found = await self._explain(request, agent, said)
        told = replace(end, message=found.message, line=found.line, column=found.column)
        return replace(outcome, end=told)

    async def _explain(
        self, request: ExecutionRequest, agent: str, said: source.Diagnosis
    ) -> source.Diagnosis:
        if self._analyst is None:
            return said
        from onehop.backends._analysed import explained  # most runs fail in another way

        return await explained(self._analyst, agent, request.code, request.language, said)

    def reconfigure(self, config: SandboxConfig) -> None:
        """Bound workers by ``config`` from now on, and replace idle ones that are not."""
        self._factory.ceiling = _ceiling(config)
        self._pool.renew()
        self._realms.renew()

    def read_output(self, identifier: str, offset: int, limit: int) -> OutputPage:
        """A page of a kept output. Raises OutputNotFoundError."""
        return self._outputs.read(identifier, offset, limit)

    async def aclose(self) -> None:
        """See Backend.aclose."""
        if "_readers" in self.__dict__:
            await self._readers.aclose()
        for session in list(self._sessions):
            await session.aclose()
        await self._realms.aclose()
        await self._pool.aclose()
        self._outputs.clear()


def _load_models() -> None:
    """What each run needs, and no worker to start: half of all that there is to load. It takes as
    long as a worker takes to start, in processes of its own."""
    import_module("onehop.requests")


async def _run_job(
    pool: Pool | RealmPool,
    job: Job,
    agent: str,
    meanwhile: Callable[[], object],
    first: Worker | None = None,
) -> Outcome:
    """``meanwhile`` is called while the worker is at it; ``first`` was checked out. A worker that
    is lost before it has the job is replaced while the run has time. All idle workers may be lost
    at once, which the pool notices when the event loop goes on."""
    loop = asyncio.get_running_loop()
    last, pause = loop.time() + job.limits.timeout, _FIRST_PAUSE
    while True:
        with stage("queue"):
            worker, first = first or await pool.check_out(agent), None
        try:
            with stage("run") as noted:
                outcome = await worker.run(job, pool.turn(worker), meanwhile)
                noted.note(killed=_results.killed(outcome, job.limits))
                return outcome
        except WorkerStartError:
            if loop.time() > last:
                raise
        finally:
            pool.hand_back(worker)
        await asyncio.sleep(pause)
        pause *= 2


def _is_unread(outcome: Outcome) -> bool:
    """Whether the worker's V8 has refused the text, so that nothing of it has run."""
    return isinstance(outcome.end, Failure) and outcome.end.syntax


def _ceiling(config: SandboxConfig) -> Limits:
    return config.limits(config.timeout_max)
