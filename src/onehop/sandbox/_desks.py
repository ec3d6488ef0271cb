"""The tools of a sandbox, and the desk at which the calls of one run are answered."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from onehop.sandbox.halting import Halted, Printed, halted, or_stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from onehop.sandbox._held import HeldRun
    from onehop.sandbox.approvals import Approvals
    from onehop.sandbox.calls import Grant, Layer, RunDesk, Toolbox, Wanted
    from onehop.tools import Bound, ToolLimits
    from onehop.types import ExecutionRequest, ExecutionResult


class Desks:
    """Has the tools that a sandbox grants, and whom its calls ask. The toolbox is made when a
    call names tools: a sandbox without any does not load what they need."""

    def __init__(
        self,
        tools: Wanted | None,
        rules: Layer,
        limits: ToolLimits | None,
        approvals: Approvals | bool,
    ) -> None:
        self._toolbox: Toolbox | None = None
        if tools is not None or rules or limits is not None:
            self._toolbox = _toolbox(tools, rules, limits)
        self.approver = self._approver(approvals)

    def _approver(self, given: Approvals | bool) -> Approvals | None:
        if given is False:
            return None
        if given is not True:
            given.find = self._tool
            return given
        from onehop.sandbox.approvals import Approvals
        from onehop.stores.memory import MemoryStore

        return Approvals(MemoryStore(), find=self._tool)

    def _tool(self, path: str) -> Bound | None:
        return self.toolbox.catalogue.bound.get(path)

    @property
    def toolbox(self) -> Toolbox:
        """The tools that the code may call."""
        if self._toolbox is None:
            self._toolbox = _toolbox()
        return self._toolbox

    @property
    def has_toolbox(self) -> bool:
        """Whether there are tools, or anything was said of some."""
        return self._toolbox is not None

    @property
    def has_given(self) -> bool:
        """Whether tools were granted."""
        return self._toolbox is not None and self._toolbox.has_given

    async def open(self) -> None:
        """Start the servers that have tools."""
        if self._toolbox is not None:
            await self._toolbox.open()

    async def aclose(self) -> None:
        """End them."""
        if self._toolbox is not None:
            await self._toolbox.aclose()

    def stray(self) -> Sequence[str]:
        """Words about rules that meet no tool."""
        return self._toolbox.stray() if self._toolbox else ()

    def grant(self, tools: Wanted | None, layers: Sequence[Layer]) -> Grant | None:
        """What one run may call; None when nothing. Raises InvalidRequestError."""
        if tools is None and not layers:
            return None if self._toolbox is None else self._toolbox.usual
        return self.toolbox.grant(tools, layers)

    def desk(self, grant: Grant | None, held: HeldRun | None = None, **run: Any) -> RunDesk | None:
        """Where the calls of a run are answered; ``run`` is what ``make_desk`` takes. ``held``
        waits for people beyond the time to hold a worker."""
        if grant is None:
            return None
        asker = None
        if self.approver is not None:
            run_id = os.urandom(16).hex() if held is None else held.run_id
            agent_id = run.get("agent_id", "")
            asker = self.approver.asker(run_id, agent_id=agent_id, request_id=run_id, holder=held)
            if held is not None:
                held.asker = asker
        return self._make_desk(grant, asker=asker, **run)

    @cached_property
    def _make_desk(self) -> Callable[..., RunDesk]:
        from onehop.sandbox.calls import make_desk

        return make_desk


def is_checked(request: ExecutionRequest, grant: Grant | None) -> bool:
    """Whether there is anything to check before the run; what checks is not loaded otherwise."""
    return grant is not None or request.typecheck not in {None, "off"} or request.plan


async def with_desk(
    desk: RunDesk,
    running: Coroutine[Any, Any, ExecutionResult],
    request: ExecutionRequest,
    printed: Printed,
) -> ExecutionResult:
    """The result of a run with its calls of tools; when it is cancelled, they are too."""
    try:
        result = await (running if desk.stopped is None else or_stopped(running, desk.stopped))
    except BaseException:
        await desk.aclose(at_once=True)
        raise
    await desk.aclose()
    if isinstance(result, Halted):
        await result.end()
        result = halted(result.why, request, printed)
    if result.success and not desk.calls:
        return result  # there is nothing more to say of it
    from onehop.sandbox.calls import with_calls

    return with_calls(result, desk)


def _toolbox(
    tools: Wanted | None = None, rules: Layer = (), limits: ToolLimits | None = None
) -> Toolbox:
    from onehop.sandbox.calls import Toolbox

    return Toolbox(tools, rules, limits)
