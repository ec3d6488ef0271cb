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

from onehop.definition.text import to_text
from onehop.definition.told import told_of
from onehop.errors import InvalidRequestError, SandboxClosedError
from onehop.execution.executor import Executor
from onehop.inputs.names import choice
from onehop.runs.callers import Caller
from onehop.runs.decisions import Approval
from onehop.runs.traces import Trace, read_trace
from onehop.sandbox.calls import narrowing_from
from onehop.server._errors import ForbiddenError
from onehop.server._runs import Runs, Watched
from onehop.server.mcp import _artifacts
from onehop.server.mcp._data import PREFIX, to_data, to_meta
from onehop.server.mcp._elicitation import (
    Elicitation,
    Questions,
    State,
    answer_of,
    read_state,
)
from onehop.server.mcp._fit import fit
from onehop.server.mcp._outputs import KeptOutputs, link, uri_of
from onehop.server.mcp._progress import Report, report_lines
from onehop.server.mcp._refusals import refusal
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


Answer = types.CallToolResult | types.InputRequiredResult

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
    elicitation: Elicitation | None = None
    """The client's person, who can be asked about calls that wait."""
    state: str | None = None
    """Of a call that was answered with a question, and comes again; then ``responses`` are what
    was said to it."""
    responses: Mapping[str, Any] | None = None

    @property
    def asks_by_answers(self) -> bool:
        """Whether a question is the answer to the call."""
        return self.elicitation is not None and self.elicitation.answers_with_questions


class Calls:
    """Carries out calls of the tool."""

    def __init__(self, runs: Runs, outputs: KeptOutputs, admit: Admit, executor: Executor) -> None:
        self._executor = executor
        self._sandbox = executor.sandbox
        self._runs = runs
        self._outputs = outputs
        self._admit = admit

    async def carry_out(self, call: Call, report: Report | None) -> Answer:
        """The result for the client, which ``report`` tells of console lines meanwhile, or a
        question to its person.

        Cancelling kills the run.
        """
        request_id = None
        try:
            caller = _caller(call)
            if call.state is not None and call.asks_by_answers:
                return await self._go_on(call, caller.agent_id, read_state(call.state), report)
            request_id = caller.request_id
            with ExitStack() as place:
                place.enter_context(self._admit(call.principal))
                return await self._first(call, caller, report, place)
        except Exception as error:
            return refusal(error, request_id)

    async def _first(
        self, call: Call, caller: Caller, report: Report | None, place: ExitStack
    ) -> Answer:
        """A run that is not answered yet keeps its place."""
        narrowing, _ = narrowing_from(call.meta, PREFIX)
        run = self._runs.begin(call.arguments, caller, narrowing)
        answer = await self._watch(call, run, report, self._questions(call, caller.request_id))
        if isinstance(answer, types.InputRequiredResult):
            end = place.pop_all().close
            run.outcome.add_done_callback(lambda _run: end())
            return answer
        if answer.status == "running":
            later, end = self._sandbox.later, place.pop_all().close
            later.when_ended(caller.agent_id, caller.request_id, end)
        return self._answer(answer, caller.agent_id)

    async def _go_on(
        self, call: Call, agent_id: str, state: State, report: Report | None
    ) -> Answer:
        """After a question: with what was said, as far as it is about this agent's own run."""
        run = self._runs.find(state.request_id, agent_id)
        questions = self._questions(call, state.request_id, state.run_id)
        said = answer_of(call.responses)
        is_decided = False
        if said is not None and questions is not None:
            is_decided = await questions.decide(said, state.asked)
        if run is None or questions is None:  # it is paused, has ended, or is another server's
            wait = _USUAL_WAIT if is_decided else 0
            result = await self._executor.wait(state.request_id, wait, agent_id=agent_id)
            return self._answer(result, agent_id)
        questions.asked |= state.asked | state.before
        answer = await self._watch(call, run, report, questions)
        if isinstance(answer, types.InputRequiredResult):
            return answer
        return self._answer(answer, agent_id)

    def _questions(self, call: Call, request_id: str, run_id: str = "") -> Questions | None:
        approvals = self._sandbox.approver
        if approvals is None or call.elicitation is None:
            return None
        agent_id = call.principal.agent_id
        return Questions(approvals, self._executor.bus, agent_id, request_id, run_id)

    @property
    def clients_decide(self) -> bool:
        """Whether the settings let a client's person decide."""
        approvals = self._sandbox.approver
        return approvals is not None and approvals.clients_decide

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

    async def _watch(
        self, call: Call, run: Watched, report: Report | None, questions: Questions | None
    ) -> ExecutionResult | types.InputRequiredResult:
        """Until the run has ended, or its client's person must be asked by an answer."""
        if report is None:
            new = await _until(call.elicitation, run, questions)
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(report_lines, run.lines(), report)
                new = await _until(call.elicitation, run, questions)
                if new:
                    group.cancel_scope.cancel()
        if questions is not None and new:
            return questions.answer(new)
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
            allowed = choice(("requestId", "wait"), name)
            raise InvalidRequestError(str(name)[:80], "an unknown field", allowed)
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


async def _until(
    elicitation: Elicitation | None, run: Watched, questions: Questions | None
) -> list[Approval]:
    """Calls that the answer must ask about; none when the run has ended."""
    if elicitation is None or questions is None:
        await _ended(run.outcome)
        return []
    asking = asyncio.ensure_future(elicitation.ask(questions, run))
    try:
        await _ended(run.outcome, asking)
        if run.outcome.done():
            return []
        new = asking.result()
        if not new:  # nobody can be asked by this client any more
            await _ended(run.outcome)
        return new
    finally:
        asking.cancel()
        await asyncio.wait([asking])


async def _ended(run: asyncio.Future[ExecutionResult], *others: asyncio.Future[Any]) -> None:
    """Wait for the end of a run, or of one of the ``others``. A caller that gives up here cancels
    the run, and waits all the same.

    It is cancelled once: a cancelled scope of anyio would cancel again at each await, also while
    the run's end is being recorded.
    """
    try:
        await asyncio.wait([run, *others], return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        run.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([run])
        if not run.cancelled():
            run.exception()  # seen, though nobody waits for it any more
        raise
