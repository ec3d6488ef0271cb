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
from onehop.backends._digest import Digest
from onehop.backends.outputs import Outputs
from onehop.errors import NotCompiledError, WorkerStartError
from onehop.runs.watching import stage
from onehop.workers import Job, Outcome, Pool, RealmPool, WorkerFactory, deno_programs
from onehop.workers.protocol import Failure, Original

if TYPE_CHECKING:  # what plain JavaScript does without is loaded with the first need of it
    from collections.abc import Callable

    from onehop.analysis import Analyst
    from onehop.backends._readers import Readers
    from onehop.backends._session import LocalSession
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
        program = await self._program(request, agent)
        if isinstance(program, types.ExecutionResult):
            return program
        job = _job(request, limits, program, on_log, desk, services)
        digest = Digest(request.request.code)
        pool = self._pool if request.isolation == "process" else self._realms
        outcome = await _run_job(pool, job, agent, digest.compute)
        return await self._result(request, limits, agent, outcome, digest)

    async def _program(
        self, request: CheckedRequest, agent: str
    ) -> tuple[str, Original | None] | ExecutionResult:
        """The text that a worker runs, and what it was made from; the result when it cannot run."""
        code = source.without_shebang(request.request.code)
        if request.request.language != "typescript":
            return code, None
        compiled = await self._readers.compile(request.request, code, agent)
        if isinstance(compiled, types.ExecutionResult):
            return compiled.model_copy(update={"isolation": request.isolation})
        return compiled.code, Original(code, compiled.positions)

    async def _result(
        self,
        request: CheckedRequest,
        limits: Limits,
        agent: str,
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
            functools.partial(self._session_job, agent),
            lambda request, limits, outcome, digest: self._result(
                request, limits, agent, outcome, digest
            ),
        )
        self._sessions.add(session)
        return session

    async def _session_job(
        self,
        agent: str,
        request: CheckedRequest,
        limits: Limits,
        on_log: OnLog | None,
        desk: Desk | None,
        services: Services | None,
        variables: source.Variables,
    ) -> tuple[Job, source.Kept] | ExecutionResult:
        program = await self._program(request, agent)
        if isinstance(program, types.ExecutionResult):
            return program
        language = request.request.language
        kept = await source.kept_by(self._analyst, agent, program[0], language)
        kept = variables.fitted(kept)
        session = source.kept_json(kept)
        return _job(request, limits, program, on_log, desk, services, session), kept

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
        return await source.explained(self._analyst, agent, request.code, request.language, said)

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


def _job(
    request: CheckedRequest,
    limits: Limits,
    program: tuple[str, Original | None],
    on_log: OnLog | None,
    desk: Desk | None,
    services: Services | None,
    session_json: str | None = None,
) -> Job:
    code, original = program
    return Job(
        code=code,
        original=original,
        context_json=request.context_json,
        capture_console=request.request.capture_console,
        limits=limits,
        on_log=on_log,
        desk=desk,
        seed=request.request.seed,
        clock=request.request.clock,
        moves=request.moves,
        services=services,
        session_json=session_json,
    )


async def _run_job(
    pool: Pool | RealmPool, job: Job, agent: str, meanwhile: Callable[[], object]
) -> Outcome:
    """``meanwhile`` is called while the worker is at it. A worker that is lost before it has the
    job is replaced while the run has time. All idle workers may be lost at once, which the pool
    notices when the event loop goes on."""
    loop = asyncio.get_running_loop()
    last, pause = loop.time() + job.limits.timeout, _FIRST_PAUSE
    while True:
        with stage("queue"):
            worker = await pool.check_out(agent)
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


def _ceiling(config: SandboxConfig) -> Limits:
    return config.limits(config.timeout_max)
