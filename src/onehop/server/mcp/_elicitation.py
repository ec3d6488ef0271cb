"""Asks the person at the client about calls that wait, where the settings let a client decide.

In the protocol of 2026-07-28 the call is answered with the question, and the client calls again
with what its person said; the run goes on meanwhile. Before, the question is a request of its own
while the call is held: over stdio, for over HTTP no answer would find its way to this process.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from onehop.errors import InvalidRequestError
from onehop.events import CODE_APPROVAL_REQUESTED
from onehop.execution.bus import EventBus, EventStream
from onehop.runs.decisions import Approval
from onehop.sandbox.approvals import Approvals
from onehop.server._runs import Watched
from onehop.server.mcp._forms import MOST, decisions_of, form_of

Context = ServerRequestContext[Any, Any]
_KEY: Final = "approvals"
"""Of the one question of an answer."""
_STATE: Final = 64 * 1024
"""Characters of a state that a client gives back."""
_PENDING: Final = 1000
_NAME: Final = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """Where a call stands that was answered with a question. The client keeps it, and may write
    anything into it: it names runs, and grants nothing."""

    request_id: str
    run_id: str
    asked: frozenset[str]
    """The calls that the question was about."""
    before: frozenset[str]
    """Those that earlier questions were about."""

    def text(self) -> str:
        """As the client keeps it."""
        return json.dumps([self.request_id, self.run_id, sorted(self.asked), sorted(self.before)])


def read_state(text: str) -> State:
    """Raises InvalidRequestError."""
    try:
        request_id, run_id, asked, before = json.loads(text if len(text) <= _STATE else "")
        state = State(request_id, run_id, frozenset(asked), frozenset(before))
        names = [request_id, run_id, *asked, *before]
    except (ValueError, TypeError, RecursionError):
        names = [None]
    if not all(isinstance(name, str) for name in names):
        raise InvalidRequestError("requestState", f"{text!r:.80}", "what the last answer had")
    return state


class Questions:
    """The questions about one run: which calls wait, and what its client's person says."""

    def __init__(
        self, approvals: Approvals, bus: EventBus, agent_id: str, request_id: str, run_id: str = ""
    ) -> None:
        self._approvals = approvals
        self._bus = bus
        self._agent_id = agent_id
        self._request_id = request_id
        self.run_id = run_id
        self.asked: set[str] = set()

    async def next(self, run: Watched) -> list[Approval]:
        """Calls that nobody was asked about yet; none when the run has ended."""
        async with self._bus.stream(types=[CODE_APPROVAL_REQUESTED]) as stream:
            while not run.outcome.done():
                if found := await self._waiting():
                    return found
                await self._moved(stream, run)
        return []

    def answer(self, new: Sequence[Approval]) -> types.InputRequiredResult:
        """The answer to the call that asks about ``new``."""
        now = frozenset(each.call_id for each in new)
        state = State(self._request_id, self.run_id, now, frozenset(self.asked) - now)
        return types.InputRequiredResult(
            input_requests={_KEY: types.ElicitRequest(params=form_of(new))},
            request_state=state.text(),
        )

    async def decide(self, answer: types.ElicitResult, asked: Set[str]) -> bool:
        """Have what a person said stand, of calls of this agent's own run; whether there was
        something to decide."""
        waiting = {each.call_id for each in await self._own()} & asked
        decisions = decisions_of(answer, sorted(waiting))
        if decisions:
            by = f"{self._agent_id[:_NAME]}, at its MCP client"
            await self._approvals.decide(self.run_id, decisions, by)
        return bool(decisions)

    async def _own(self) -> list[Approval]:
        if not self.run_id:
            return []
        found = await self._approvals.pending(
            run_id=self.run_id, agent_id=self._agent_id, limit=_PENDING
        )
        return [each for each in found if each.request_id == self._request_id]

    async def _waiting(self) -> list[Approval]:
        new = [each for each in await self._own() if each.call_id not in self.asked][:MOST]
        self.asked.update(each.call_id for each in new)
        return new

    async def _moved(self, stream: EventStream, run: Watched) -> None:
        """Until another call of the run waits, or it has ended."""
        event = asyncio.ensure_future(self._own_event(stream))
        try:
            both: list[asyncio.Future[Any]] = [event, run.outcome]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if event.done():
                self.run_id = event.result() or self.run_id
        finally:
            event.cancel()

    async def _own_event(self, stream: EventStream) -> str:
        async for event in stream:
            if (event.agent_id, event.request_id) == (self._agent_id, self._request_id):
                return str(getattr(event, "run_id", ""))
        return ""


class Elicitation:
    """What one client can be asked, in the era that it speaks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._is_modern = context.session.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def is_possible(self) -> bool:
        """Whether its person can be asked."""
        capabilities = self._context.session.client_capabilities
        if capabilities is None or capabilities.elicitation is None:
            return False
        modes = capabilities.elicitation
        has_forms = modes.form is not None or modes.url is None
        return has_forms and (self._is_modern or self._context.session.can_send_request)

    @property
    def answers_with_questions(self) -> bool:
        """Whether a question is the answer to the call, rather than a request while it is held."""
        return self._is_modern

    async def ask(self, questions: Questions, run: Watched) -> list[Approval]:
        """What the answer must ask about. In the older era it asks itself, one form after the
        other, until the run ends or the person cannot be asked; then there is nothing."""
        try:
            while new := await questions.next(run):
                if self._is_modern:
                    return new
                await self._ask(questions, new)
        except Exception as error:  # the run goes on: others may decide
            _log.info("the person at the client cannot be asked: %s", error)
        return []

    async def _ask(self, questions: Questions, new: Sequence[Approval]) -> None:
        form = form_of(new)
        said = await self._context.session.elicit_form(
            form.message, form.requested_schema, self._context.request_id
        )
        await questions.decide(said, {each.call_id for each in new})


def answer_of(responses: Mapping[str, Any] | None) -> types.ElicitResult | None:
    """What the person said."""
    given = (responses or {}).get(_KEY)
    return given if isinstance(given, types.ElicitResult) else None
