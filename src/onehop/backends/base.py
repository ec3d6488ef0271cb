"""Where executions run: one verb and a close."""

from __future__ import annotations

from typing import Protocol

from onehop.limits import Limits
from onehop.requests import CheckedRequest
from onehop.types import ExecutionResult, OnLog


class Backend(Protocol):
    """Runs checked requests somewhere."""

    async def run(
        self, request: CheckedRequest, limits: Limits, agent: str, on_log: OnLog | None = None
    ) -> ExecutionResult:
        """Run to the end; ``on_log`` hears each console line as it is printed.

        Cancelling the awaiting task kills the run.

        Raises Overloaded, SandboxClosedError, SandboxUnavailableError; what the guest does wrong
        is in the result.
        """

    async def aclose(self) -> None:
        """End every run and leave nothing behind."""
