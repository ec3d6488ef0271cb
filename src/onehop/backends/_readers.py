"""What reads a backend's programs beside its workers: compilers of TypeScript, and checkers.

Plain JavaScript needs none of it, so that a backend loads this with its first need.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from onehop import source
from onehop.backends._results import located
from onehop.compiler import Broken, Checker, Checkers, Compiled, Compiler, Compilers, Refused
from onehop.types import ErrorInfo, ExecutionRequest, ExecutionResult, ResourceUsage, code_hash

if TYPE_CHECKING:
    from onehop.config import SandboxConfig
    from onehop.workers import WorkerFactory

Explain = Callable[[ExecutionRequest, str, source.Diagnosis], Awaitable[source.Diagnosis]]
"""Finds better words for a syntax error in the code of an agent."""

_TOO_MUCH = (
    "the TypeScript compiler failed on this code, twice: it may be nested too deeply or too long; "
    "split it up, or send it as JavaScript"
)


class Readers:
    """Jailed processes that read programs and run none, each for one agent at a time."""

    def __init__(self, config: SandboxConfig, factory: WorkerFactory, explain: Explain) -> None:
        self._factory = factory
        self._explain = explain
        self.compilers = Compilers(
            self._start_compiler, most=config.compilers, max_queue=config.max_queue
        )
        """Make JavaScript of TypeScript."""
        self.checkers = Checkers(
            self._start_checker, most=config.checkers, seconds=config.check_wait / 1000
        )
        """Look through code before it runs."""

    async def _start_checker(self) -> Checker:
        return await Checker.start(await self._factory.launcher())

    async def _start_compiler(self) -> Compiler:
        return await Compiler.start(await self._factory.launcher())

    async def compile(
        self,
        request: ExecutionRequest,
        code: str,
        agent: str,
        *,
        checked: bool = True,
        meanwhile: Callable[[], None] | None = None,
    ) -> Compiled | ExecutionResult:
        """TypeScript as JavaScript, or the result of a program that cannot be one; see
        ``Compilers.compile``."""
        found = await self._compile(request, code, agent, checked, meanwhile)
        return found if isinstance(found, Compiled) else _uncompiled(request, found)

    async def _compile(
        self,
        request: ExecutionRequest,
        code: str,
        agent: str,
        checked: bool = True,
        meanwhile: Callable[[], None] | None = None,
    ) -> Compiled | Refused | Broken:
        result = await self.compilers.compile(agent, code, checked=checked, meanwhile=meanwhile)
        if not isinstance(result, Refused):
            return result
        said = source.Diagnosis(result.message, result.line, result.column)
        found = await self._explain(request, agent, said)
        return Refused(found.message, found.line, found.column)

    async def confirm_syntax(
        self, request: ExecutionRequest, agent: str, said: source.Diagnosis
    ) -> source.Diagnosis | None:
        """A syntax error that a checker has found, in the best words; None if it is none, for
        TypeScript's compiler has the last word on TypeScript. Raises what ``run`` raises."""
        if request.language == "javascript":
            return await self._explain(request, agent, said)
        result = await self._compile(request, source.without_shebang(request.code), agent)
        if not isinstance(result, Refused):
            return None
        return source.Diagnosis(result.message, result.line, result.column)

    async def aclose(self) -> None:
        """End all processes."""
        await self.compilers.aclose()
        await self.checkers.aclose()


def _uncompiled(request: ExecutionRequest, why: Refused | Broken) -> ExecutionResult:
    if isinstance(why, Refused):
        error = located(request, "runtime", "SyntaxError", why.message, why.line, why.column)
    else:
        error = ErrorInfo(type="resource_limit", name="CompilerError", message=_TOO_MUCH)
    return ExecutionResult(
        success=False,
        status="failed",
        code_hash=code_hash(request.code),
        resource_usage=ResourceUsage(memory=0),
        error=error.headline,
        error_info=error,
    )
