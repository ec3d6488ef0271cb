"""A Backend that runs nothing: it gives the answers that a test wants."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from onehop.backends.base import BackendSession
from onehop.backends.outputs import Outputs
from onehop.config import SandboxConfig
from onehop.errors import OnehopError, SandboxClosedError
from onehop.limits import Limits
from onehop.requests import CheckedRequest
from onehop.runs.questions import Desk, Services
from onehop.testing._values import as_output, well_formed
from onehop.types import (
    ErrorInfo,
    ExecutionRequest,
    ExecutionResult,
    Language,
    LogEntry,
    LogLevel,
    OnLog,
    OutputPage,
    ResourceUsage,
    code_hash,
)

_KEPT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a run comes to."""

    output: Any = None
    """JSON data, or what a run would make JSON of: a set, NaN, bytes, an aware datetime."""
    lines: Sequence[str | tuple[LogLevel, str]] = ()
    """What it prints first; a line without a level is ``log``."""
    error: ErrorInfo | None = None
    """Why it fails."""
    seconds: float = 0
    """How long it takes. Beyond the deadline of the call it ends as a timeout."""


class FakeBackend:
    """Answers each run with ``answer``, and keeps the requests in ``calls``.

    ``answer`` is JSON data, an ``Answer``, an exception, or a function of the request (async or
    not) that returns or raises one of them. An exception is the code's failure, with its name and
    message; one of onehop's own (``Overloaded``) is raised to the caller instead, and so is an
    AssertionError of the function, which is the test's. An answer that no run can give is a
    TypeError that names what is wrong in it.

    >>> async with Sandbox(backend=FakeBackend({"total": 7})) as sandbox:
    ...     assert (await sandbox.execute("return 1")).output == {"total": 7}

    No code runs and nothing is confined: ``enforcement`` of each result is empty.
    """

    def __init__(self, answer: Any | Callable[[ExecutionRequest], Any] = None) -> None:
        self.answer = answer
        self.calls: list[ExecutionRequest] = []
        """Every request so far, in order."""
        self._outputs = Outputs(_KEPT_BYTES)
        self._closing: asyncio.Event | None = None

    @property
    def ready(self) -> bool:
        """Whether it is open."""
        return self._closing is not None

    async def open(self, language: Language = "javascript") -> None:  # noqa: ARG002
        """See Backend.open. It may be opened again after ``aclose``."""
        self._closing = asyncio.Event()

    async def run(
        self,
        request: CheckedRequest,
        limits: Limits,
        agent: str,
        on_log: OnLog | None = None,
        desk: Desk | None = None,  # noqa: ARG002 - it runs no code that could ask
        services: Services | None = None,  # noqa: ARG002 - nor any that could show something
    ) -> ExecutionResult:
        """See Backend.run; it calls no tools."""
        if self._closing is None:
            raise SandboxClosedError("the backend is not open")
        self.calls.append(request.request)
        answer = await self._answered(request.request)
        run = _Run(request.request, limits, answer)
        ended = await run.wait(self._closing)
        entries = run.print(on_log)
        output, identifier = self._fit(answer.output, limits, agent)
        return run.result(ended, entries, output, identifier)

    async def open_session(self, agent: str) -> BackendSession:
        """See Backend.open_session. Its calls are answered like others, and share nothing."""
        return _Session(self, agent)

    def reconfigure(self, config: SandboxConfig) -> None:
        """See Backend.reconfigure. Limits come with each call."""

    def read_output(self, identifier: str, offset: int, limit: int) -> OutputPage:
        """See Backend.read_output."""
        return self._outputs.read(identifier, offset, limit)

    async def aclose(self) -> None:
        """See Backend.aclose."""
        if self._closing is not None:
            self._closing.set()
        self._closing = None
        self._outputs.clear()

    async def _answered(self, request: ExecutionRequest) -> Answer:
        try:
            given = self.answer(request) if callable(self.answer) else self.answer
            if inspect.isawaitable(given):
                given = await given
        except AssertionError:
            raise
        except Exception as error:
            given = error
        if isinstance(given, OnehopError):
            raise given
        if isinstance(given, Exception):
            name, message = type(given).__name__, well_formed(str(given))
            return Answer(error=ErrorInfo(type="runtime", name=name, message=message))
        return given if isinstance(given, Answer) else Answer(output=given)

    def _fit(self, output: Any, limits: Limits, agent: str) -> tuple[Any, str | None]:
        output = as_output(output)
        text = to_json(output).decode()
        if len(text.encode()) <= limits.output_bytes:
            return output, None
        preview = text.encode()[: limits.output_bytes].decode(errors="ignore")
        return preview, self._outputs.of(agent).keep(text, complete=True)


class _Session:
    """See BackendSession."""

    def __init__(self, backend: FakeBackend, agent: str) -> None:
        self._backend = backend
        self._agent = agent
        self.names: dict[str, None] = {}
        self.ended: str | None = None

    async def run(
        self,
        request: CheckedRequest,
        limits: Limits,
        on_log: OnLog | None = None,
        desk: Desk | None = None,
        services: Services | None = None,
    ) -> ExecutionResult:
        """See BackendSession.run."""
        return await self._backend.run(request, limits, self._agent, on_log, desk, services)

    async def aclose(self) -> None:
        """See BackendSession.aclose."""
        self.ended = "it was closed"


class _Run:
    """One run that is played."""

    def __init__(self, request: ExecutionRequest, limits: Limits, answer: Answer) -> None:
        self._request = request
        self._limits = limits
        self._answer = answer

    async def wait(self, closing: asyncio.Event) -> ErrorInfo | None:
        """Let the time pass; why it did not end by itself."""
        late = self._answer.seconds > self._limits.timeout
        patience = min(self._answer.seconds, self._limits.timeout)
        try:
            async with asyncio.timeout(patience):
                await closing.wait()
        except TimeoutError:
            return self._timeout() if late else self._answer.error
        message = "the run was cancelled before it ended"
        return ErrorInfo(type="cancelled", name="CancelledError", message=message)

    def print(self, on_log: OnLog | None) -> list[LogEntry]:
        """Its lines, which ``on_log`` hears too."""
        if not self._request.capture_console:
            return []
        entries = [_entry(line) for line in self._answer.lines]
        if on_log is not None:
            for entry in entries:
                on_log(entry)
        return entries

    def result(
        self,
        error: ErrorInfo | None,
        entries: list[LogEntry],
        output: Any,
        identifier: str | None,
    ) -> ExecutionResult:
        """What the caller gets."""
        timed_out = error is not None and error.type == "timeout"
        return ExecutionResult(
            success=error is None,
            status="completed" if error is None else "failed",
            output=output if error is None else None,
            logs=[entry.line for entry in entries],
            log_entries=entries,
            execution_time=min(self._answer.seconds, self._limits.timeout) * 1000,
            code_hash=code_hash(self._request.code),
            resource_usage=ResourceUsage(memory=0, timeout=timed_out),
            error=None if error is None else error.headline,
            error_info=error,
            output_truncated=True if identifier and error is None else None,
            persisted_output_id=identifier if error is None else None,
        )

    def _timeout(self) -> ErrorInfo:
        message = f"the code ran longer than its deadline of {self._limits.timeout * 1000:g} ms"
        return ErrorInfo(type="timeout", name="TimeoutError", message=message)


def _entry(line: str | tuple[LogLevel, str]) -> LogEntry:
    given: tuple[LogLevel, str] = ("log", line) if isinstance(line, str) else line
    return LogEntry(level=given[0], message=well_formed(given[1]), time=0)
