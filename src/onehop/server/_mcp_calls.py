"""One call of the tool: from a client's words to the executor, and its result back.

Whatever goes wrong with a call is a result with ``isError``, which the model reads and learns from.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import anyio
import mcp_types as types

from onehop.callers import Caller
from onehop.errors import InvalidRequestError, OnehopError, SandboxClosedError
from onehop.executor import Executor
from onehop.server._mcp_fit import fit
from onehop.server._mcp_outputs import KeptOutputs, link, uri_of
from onehop.server._mcp_progress import LogProgress
from onehop.server._mcp_refusals import broken, forbidden, refusal
from onehop.server._mcp_text import render
from onehop.types import ExecutionResult, LogEntry

REQUEST_ID: Final = "onehop/requestId"
"""In ``_meta`` of a call: its unique name; a repeated one gives the first result."""
CHANNEL_ID: Final = "onehop/channelId"
"""In ``_meta`` of a call: the channel that the agent speaks in."""

OnLog = Callable[[LogEntry], None]

_log = logging.getLogger(__name__)


class Principal(Protocol):
    """Who calls, as the key says."""

    @property
    def agent_id(self) -> str:
        """The agent."""

    @property
    def role(self) -> str:
        """``agent``, ``viewer`` or ``admin``."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asked for, and on whose behalf."""

    principal: Principal
    arguments: Mapping[str, Any]
    meta: Mapping[str, Any]
    channel_id: str = ""


class Calls:
    """Carries out calls of the tool."""

    def __init__(self, executor: Executor, outputs: KeptOutputs) -> None:
        self._executor = executor
        self._outputs = outputs

    async def carry_out(self, call: Call, progress: LogProgress | None) -> types.CallToolResult:
        """The result for the client. Cancelling kills the run."""
        if call.principal.role == "viewer":
            return forbidden(call.principal.role)
        request_id = None
        try:
            caller = _caller(call)
            request_id = caller.request_id
            result = await self._run(call, caller, progress)
            return self._answer(result, caller.agent_id)
        except OnehopError as error:
            return refusal(error, request_id)
        except Exception:
            _log.exception("a call of code_execute failed (request %s)", request_id)
            return broken(request_id)

    async def _run(
        self, call: Call, caller: Caller, progress: LogProgress | None
    ) -> ExecutionResult:
        if progress is None:
            return _result(await _apart(self._execute(call, caller, None)))
        async with anyio.create_task_group() as group:
            group.start_soon(progress.pump)
            done = await _apart(self._execute(call, caller, progress.add))
            progress.end()
        return _result(done)

    async def _execute(
        self,
        call: Call,
        caller: Caller,
        on_log: OnLog | None,  # noqa: ARG002 - the executor does not take it yet
    ) -> ExecutionResult:
        return await self._executor.call(call.arguments, caller)

    def _answer(self, result: ExecutionResult, agent_id: str) -> types.CallToolResult:
        if result.persisted_output_id is not None:
            self._outputs.note(agent_id, result.persisted_output_id)
        fitted = fit(result, lambda text: self._outputs.keep(agent_id, text))
        kept = fitted.persisted_output_id
        content: list[types.ContentBlock] = [
            types.TextContent(text=render(fitted, kept and uri_of(kept)))
        ]
        if kept is not None:
            content.append(link(kept))
        return types.CallToolResult(
            content=content,
            structured_content=fitted.to_dict(),
            is_error=not fitted.success,
        )


def _caller(call: Call) -> Caller:
    return Caller(
        agent_id=call.principal.agent_id,
        channel_id=_named(call.meta, CHANNEL_ID) or call.channel_id,
        request_id=_named(call.meta, REQUEST_ID),
    )


def _named(meta: Mapping[str, Any], name: str) -> str:
    value = meta.get(name, "")
    if not isinstance(value, str):
        raise InvalidRequestError(name, repr(value)[:80], "a string")
    return value


async def _apart(call: Coroutine[Any, Any, ExecutionResult]) -> asyncio.Task[ExecutionResult]:
    """Run it as a task of its own until that has ended.

    It is cancelled once at most: a cancelled scope of anyio would cancel again at each await, also
    while the run's end is being recorded.
    """
    task = asyncio.create_task(call)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen, though nobody waits for it any more
        raise
    return task


def _result(done: asyncio.Task[ExecutionResult]) -> ExecutionResult:
    if done.cancelled():
        raise SandboxClosedError("the run was given up: the sandbox closes")
    return done.result()
