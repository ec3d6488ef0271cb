"""What a Sandbox needs of whatever runs its code. ``onehop.testing`` has a suite for each of these
sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from onehop.config import SandboxConfig
    from onehop.limits import Limits
    from onehop.requests import CheckedRequest
    from onehop.runs.questions import Desk, Services
    from onehop.runs.states import PoolState
    from onehop.types import ExecutionResult, Language, OnLog, OutputPage


class SessionGoneError(Exception):
    """The session was lost before its call began, so that the call can begin in another one."""


class BackendSession(Protocol):
    """What several calls of one agent share: opened by ``Backend.open_session``."""

    names: dict[str, None]
    """What its calls have declared so far, as keys."""
    ended: str | None
    """Why it takes no more calls, in words; None while it does."""

    async def run(
        self,
        request: CheckedRequest,
        limits: Limits,
        on_log: OnLog | None = None,
        desk: Desk | None = None,
        services: Services | None = None,
    ) -> ExecutionResult:
        """Run one call to its end; the caller lets one call run at a time.

        Raises what ``Backend.run`` raises, and SessionGoneError when nothing has run.
        """
        ...

    async def aclose(self) -> None:
        """End the call that runs, and forget everything."""


@runtime_checkable
class Backend(Protocol):
    """Runs checked requests somewhere: ``open``, any number of ``run``, ``aclose``.

    ``isolations``, if it has that, names the classes of ``CheckedRequest.isolation`` that it
    offers; without, it offers ``process``, and the sandbox refuses the other. ``has_sessions``, if
    it has that and it is false, says that it keeps nothing between two calls. ``keeps_time``,
    if it has that and it is true, says that it obeys ``CheckedRequest.moves``. ``ahead``, if it has
    that, takes an agent and gives an ``Ahead`` for its next call, which runs in a process of its
    own; it comes back with the request, and is closed after it.
    """

    @property
    def ready(self) -> bool:
        """Whether a run could start now or soon; false before ``open`` and after ``aclose``."""
        ...

    async def open(self, language: Language = "javascript") -> None:
        """Become ready, with what the first program needs if it is in ``language``.

        Raises SandboxUnavailableError, and leaves nothing behind then.
        """

    async def run(
        self,
        request: CheckedRequest,
        limits: Limits,
        agent: str,
        on_log: OnLog | None = None,
        desk: Desk | None = None,
        services: Services | None = None,
    ) -> ExecutionResult:
        """Run to the end; ``on_log`` hears each console line as it is printed, ``desk`` answers the
        code's calls of tools, when it is granted some, and ``services`` takes what it shows.

        Cancelling the awaiting task kills the run.

        Raises Overloaded, SandboxClosedError, SandboxUnavailableError; what the guest does wrong
        is in the result.
        """
        ...

    async def open_session(self, agent: str) -> BackendSession:
        """A session of an agent; cheap, for nothing is started before its first call.

        Raises SandboxClosedError.
        """
        ...

    def reconfigure(self, config: SandboxConfig) -> None:
        """Bound the runs that start from now on by ``config``."""

    def read_output(self, identifier: str, offset: int, limit: int) -> OutputPage:
        """A page, in characters, of an output that was too large to return.

        Raises OutputNotFoundError.
        """
        ...

    async def aclose(self) -> None:
        """End every run and leave nothing behind."""


@runtime_checkable
class Compiling(Protocol):
    """A Backend that can make JavaScript of TypeScript without running it."""

    async def compile(self, code: str, agent: str) -> str:
        """The JavaScript. Raises NotCompiledError, and what ``run`` raises."""
        ...


@runtime_checkable
class Pooled(Protocol):
    """A Backend that can tell how its workers are. Not every one has workers on this machine."""

    @property
    def pool_state(self) -> PoolState:
        """How they are now."""
        ...
