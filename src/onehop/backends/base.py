"""What a Sandbox needs of whatever runs its code. ``onehop.testing`` has a suite for each of these
sentences."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from onehop.config import SandboxConfig
from onehop.limits import Limits
from onehop.questions import Desk
from onehop.requests import CheckedRequest
from onehop.states import PoolState
from onehop.types import ExecutionResult, Language, OnLog, OutputPage


@runtime_checkable
class Backend(Protocol):
    """Runs checked requests somewhere: ``open``, any number of ``run``, ``aclose``.

    ``isolations``, if it has that, names the classes of ``CheckedRequest.isolation`` that it
    offers; without, it offers ``process``, and the sandbox refuses the other.
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
    ) -> ExecutionResult:
        """Run to the end; ``on_log`` hears each console line as it is printed, ``desk`` answers the
        code's calls of tools, when it is granted some.

        Cancelling the awaiting task kills the run.

        Raises Overloaded, SandboxClosedError, SandboxUnavailableError; what the guest does wrong
        is in the result.
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
class Pooled(Protocol):
    """A Backend that can tell how its workers are. Not every one has workers on this machine."""

    @property
    def pool_state(self) -> PoolState:
        """How they are now."""
        ...
