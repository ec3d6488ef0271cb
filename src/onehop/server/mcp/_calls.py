"""One call of the tool: from a client's words to the executor, and its result back.

Whatever goes wrong with a call is a result with ``isError``, which the model reads and learns from.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Final, Protocol

import anyio
import mcp_types as types

from onehop.callers import Caller
from onehop.calls import narrowing_from
from onehop.definition.text import to_text
from onehop.definition.told import told_of
from onehop.errors import InvalidRequestError, SandboxClosedError
from onehop.execution.executor import Executor
from onehop.server._errors import ForbiddenError
from onehop.server._runs import Runs
from onehop.server.mcp import _artifacts
from onehop.server.mcp._data import PREFIX, to_data, to_meta
from onehop.server.mcp._fit import fit
from onehop.server.mcp._outputs import KeptOutputs, link, uri_of
from onehop.server.mcp._progress import Report, report_lines
from onehop.server.mcp._refusals import refusal
from onehop.traces import Trace, read_trace
from onehop.types import ExecutionResult

REQUEST_ID: Final = "onehop/requestId"
"""In ``_meta`` of a call: its unique name; a repeated one gives the first result."""
CHANNEL_ID: Final = "onehop/channelId"
"""In ``_meta`` of a call: the channel that the agent speaks in. ``onehop/tools`` and
``onehop/rules`` beside it are those of the run: the host's to set, not the model's."""


_USUAL_WAIT: Final = 20_000
_LONGEST_WAIT: Final = 30_000
"""ms"""


class Principal(Protocol):
    """Who calls, as the key says."""

    @property
    def agent_id(self) -> str:
        """The agent."""

    @property
    def role(self) -> str:
        """``agent``, ``viewer``, ``approver`` or ``admin``."""


Admit = Callable[[Any], AbstractContextManager[None]]
"""Counts a run of a Principal while it is entered; raises an OnehopError for one too many."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asked for, and on whose behalf."""

    principal: Principal
    arguments: Mapping[str, Any]
    meta: Mapping[str, Any]
    channel_id: str = ""
    conversation: str = ""
    trace: Trace | None = None
    """What the request's headers say; ``_meta`` of the call comes first."""


class Calls:
    """Carries out calls of the tool."""

    def __init__(self, runs: Runs, outputs: KeptOutputs, admit: Admit, executor: Executor) -> None:
        self._executor = executor
        self._sandbox = executor.sandbox
        self._runs = runs
        self._outputs = outputs
        self._admit = admit

    async def carry_out(self, call: Call, report: Report | None) -> types.CallToolResult:
        """The result for the client, which ``report`` tells of console lines meanwhile.

        Cancelling kills the run.
        """
        request_id = None
        try:
            caller = _caller(call)
            request_id = caller.request_id
            with ExitStack() as place:
                place.enter_context(self._admit(call.principal))
                result = await self._run(call, caller, report)
                if result.status == "running":  # it keeps its place
                    later, end = self._sandbox.later, place.pop_all().close
                    later.when_ended(caller.agent_id, caller.request_id, end)
            return self._answer(result, caller.agent_id)
        except Exception as error:
            return refusal(error, request_id)

    async def wait(
        self, principal: Principal, arguments: Mapping[str, Any]
    ) -> types.CallToolResult:
        """The result of a run that goes on, or has ended lately."""
        try:
            run_id, wait = _read_wait(arguments)
            agent_id = principal.agent_id
            result = await self._executor.wait(run_id, wait, agent_id=agent_id)
            return self._answer(result, agent_id)
        except Exception as error:
            return refusal(error)

    async def _run(self, call: Call, caller: Caller, report: Report | None) -> ExecutionResult:
        narrowing, _ = narrowing_from(call.meta, PREFIX)
        run = self._runs.begin(call.arguments, caller, narrowing)
        if report is None:
            await _ended(run.outcome)
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(report_lines, run.lines(), report)
                await _ended(run.outcome)
        if run.outcome.cancelled():
            raise SandboxClosedError("the run was given up: the sandbox closes")
        return run.outcome.result()

    def _answer(self, result: ExecutionResult, agent_id: str) -> types.CallToolResult:
        if result.persisted_output_id is not None:
            self._outputs.note(agent_id, result.persisted_output_id)
        fitted = fit(result, lambda text: self._outputs.keep(agent_id, text))
        kept = fitted.result.persisted_output_id
        told = told_of(fitted.result, fitted.lines, kept and uri_of(kept))
        content: list[types.ContentBlock] = [types.TextContent(text=to_text(told))]
        if kept is not None:
            content.append(link(kept))
        content += _artifacts.blocks(fitted.result, self._sandbox, agent_id)
        return types.CallToolResult(
            content=content,
            structured_content=to_data(told),
            is_error=not told.success,
            _meta=to_meta(fitted.result),
        )


def _read_wait(arguments: Mapping[str, Any]) -> tuple[str, float]:
    for name in arguments:
        if name not in ("requestId", "wait"):
            raise InvalidRequestError(str(name)[:80], "an unknown field", "requestId or wait")
    run_id, wait = arguments.get("requestId"), arguments.get("wait", _USUAL_WAIT)
    if not isinstance(run_id, str):
        raise InvalidRequestError("requestId", repr(run_id)[:80], "a string")
    is_number = isinstance(wait, int | float) and not isinstance(wait, bool)
    if is_number and 0 <= wait <= _LONGEST_WAIT:
        return run_id, float(wait)
    raise InvalidRequestError("wait", repr(wait)[:80], f"a number of ms from 0 to {_LONGEST_WAIT}")


def _caller(call: Call) -> Caller:
    role = call.principal.role
    if role in ("viewer", "approver"):
        raise ForbiddenError(f"this key may look, but not run code: its role is {role}")
    return Caller(
        agent_id=call.principal.agent_id,
        channel_id=_named(call.meta, CHANNEL_ID) or call.channel_id,
        request_id=_named(call.meta, REQUEST_ID),
        conversation=_short(call.conversation),
        trace=read_trace(call.meta.get("traceparent"), call.meta.get("tracestate")) or call.trace,
    )


def _short(conversation: str) -> str:
    """A name of a session as the client has sent it, in a form that is always one."""
    return hashlib.sha256(conversation.encode()).hexdigest()[:16] if conversation else ""


def _named(meta: Mapping[str, Any], name: str) -> str:
    value = meta.get(name, "")
    if not isinstance(value, str):
        field = name.partition("/")[2]
        raise InvalidRequestError(field, f"{repr(value)[:80]} in _meta", "a string")
    return value


async def _ended(run: asyncio.Future[ExecutionResult]) -> None:
    """Wait for the end of a run. A caller that gives up here cancels it, and waits all the same.

    It is cancelled once: a cancelled scope of anyio would cancel again at each await, also while
    the run's end is being recorded.
    """
    try:
        await asyncio.wait([run])
    except asyncio.CancelledError:
        run.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([run])
        if not run.cancelled():
            run.exception()  # seen, though nobody waits for it any more
        raise
