"""Programs through the public doors of onehop, each classified by how its run ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Literal

from benchmarks.conformance._options import Options
from benchmarks.conformance._tally import Outcome, Program, Tally
from onehop import InvalidRequestError, OnehopError, Sandbox, SandboxConfig
from onehop.config import CorrectionConfig
from onehop.execution.executor import Executor
from onehop.types import ExecutionResult

State = Literal["ran", "refused", "worker crash", "internal error"]
TIMEOUT = 10_000
"""ms that a program may take."""


class Ran:
    """The end of a run: what came of it, or why nothing did."""

    def __init__(self, state: State, outcome: Outcome) -> None:
        self.state = state
        self.outcome = outcome


class Sandboxed:
    """Runs programs by the executor, which refuses some, or by its sandbox, which does not."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def by_executor(self, program: Program, timeout: float = TIMEOUT) -> Ran:
        """Validated first."""
        call = self._executor.execute(
            program.code, program.language, timeout, agent_id="conformance"
        )
        return await _classified(call)

    async def by_sandbox(
        self, program: Program, timeout: float = TIMEOUT, context: dict[str, Any] | None = None
    ) -> Ran:
        """As it is."""
        sandbox = self._executor.sandbox
        return await _classified(sandbox.execute(program.code, program.language, timeout, context))

    async def globals(self) -> list[str]:
        """The names that a program finds on the global object."""
        code = "return Object.getOwnPropertyNames(globalThis)"
        ran = await self.by_sandbox(Program("globals", code))
        names: list[str] = ran.outcome.value
        return names


@asynccontextmanager
async def open_sandboxed(options: Options, *, corrections: bool) -> AsyncIterator[Sandboxed]:
    """A sandbox with an executor that keeps nothing."""
    size = options.concurrency
    config = SandboxConfig(pool_size=size, max_concurrency=size)
    async with Sandbox(config) as sandbox:
        settings = CorrectionConfig(enabled=corrections)
        async with Executor(sandbox, corrections=settings) as executor:
            yield Sandboxed(executor)


async def _classified(call: Awaitable[ExecutionResult]) -> Ran:
    try:
        result = await call
    except InvalidRequestError as error:
        return Ran("refused", Outcome(False, error=type(error).__name__, message=str(error)))
    except OnehopError as error:
        return Ran("internal error", Outcome(False, error=type(error).__name__, message=str(error)))
    return Ran(_state(result), _outcome(result))


def _state(result: ExecutionResult) -> State:
    info = result.error_info
    if info is None:
        return "ran"
    if info.type == "validation":
        return "refused"
    if info.type == "internal":
        return "internal error"
    return "worker crash" if info.name in ("WorkerExit", "ProtocolError") else "ran"


def _outcome(result: ExecutionResult) -> Outcome:
    info = result.error_info
    if info is None:
        return Outcome(True, result.output)
    return Outcome(False, None, info.name, info.message, info.line)


async def each(
    programs: Iterable[Program],
    examine: Callable[[Program], Awaitable[None]],
    options: Options,
    tally: Tally,
) -> None:
    """Examine programs, a few at a time, until all are done or the time is up."""
    waiting = list(programs)
    total, waiting, deadline = len(waiting), waiting[::-1], options.deadline()

    async def work() -> None:
        while waiting and monotonic() < deadline:
            await examine(waiting.pop())

    async with asyncio.TaskGroup() as group:
        for _ in range(options.concurrency):
            group.create_task(work())
    if waiting:
        tally.notes.append(f"out of time after {total - len(waiting)} of {total} programs")
