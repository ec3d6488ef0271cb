"""Agents: what each does; for admins their keys too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from onehop.errors import AgentChangedError, AgentExistsError, InvalidRequestError
from onehop.server._errors import NotFoundError
from onehop.server.agents import NAME, NewKey
from onehop.server.dashboard._counted import AGAIN, Counted
from onehop.server.dashboard._door import field, need_admin, redirect
from onehop.server.dashboard._executions import Row
from onehop.server.dashboard._segments import segment
from onehop.server.dashboard._spans import SPANS, span_of
from onehop.server.dashboard._visit import FRESH, Page, Visit
from onehop.stores.base import AgentLimits, AgentRecord, HistoryQuery
from onehop.tools import rule_from_text, rules_from_json

_NAME: Final = re.compile(NAME)
_MOST: Final = 500
"""Agents that the page lists."""
_FEW: Final = 8
_LIMITS: Final = {
    "maxRuns": ("max_runs", 1_000_000),
    "maxRate": ("max_rate", 1_000_000),
    "maxBody": ("max_body", 1 << 28),
}
"""Field of the form, argument, and the most it may be."""
_WORDS: Final = {
    "maxRuns": "Runs at once",
    "maxRate": "Runs a minute",
    "maxBody": "Bytes of a request",
}


class Agents:
    """The list, and the page of each. ``counted`` is what they count of a span."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    async def look(self, visit: Visit) -> Page:
        """All agents: what they ran, and for an admin their keys."""
        return await self._list(visit)

    async def _list(self, visit: Visit, problem: str = "", status: int = 200) -> Page:
        span = span_of(visit.asked, "24h")
        await visit.parts.executor.flush(FRESH)
        counts = await self._counted.figures(span)
        keys = await visit.parts.agents.list() if visit.is_admin else []
        facts = {
            "span": span,
            "spans": SPANS.values(),
            "counts": None if counts.answer is None else counts.answer.agents[:_MOST],
            "keys": keys,
            "usual": visit.parts.settings,
            "problem": problem,
            "refresh": AGAIN if counts.late else 0,
        }
        return Page("agents.html", facts, status)

    async def one(self, visit: Visit) -> Page:
        """One agent's statistics; for an admin its key and its rules too."""
        return await self._one(visit)

    async def _one(
        self, visit: Visit, problem: str = "", tried: str = "", *, unlimited: str = ""
    ) -> Page:
        agent_id = visit.named("agentId")
        span = span_of(visit.asked, "24h")
        await visit.parts.executor.flush(FRESH)
        latest = HistoryQuery(agent_id=agent_id, limit=_FEW, brief=True)
        recent = await visit.parts.store.history(latest)
        counts = await self._counted.of_agent(agent_id, span)
        key = await _key(visit, agent_id)
        facts = {
            "agent_id": agent_id,
            "key": key,
            "rules": None if key is None or key.revoked_at else _rules(visit, key, tried),
            "problem": problem,
            "unlimited": unlimited,
            "limits": None if key is None else _limits(visit, key),
            "span": span,
            "spans": SPANS.values(),
            "counts": counts.answer,
            "repeated": [
                (each, Row.of(latest) if latest else None)
                for each, latest in counts.answer.repeated
            ]
            if counts.answer
            else [],
            "slowest": [Row.of(each) for each in counts.answer.slowest] if counts.answer else [],
            "latest": [Row.of(record) for record in recent],
            "refresh": AGAIN if counts.late else 0,
        }
        return Page("agent.html", facts, 400 if problem or unlimited else 200)

    async def set_rules(self, visit: Visit, form: dict[str, str]) -> Page | Response:
        """Replace an agent's rules; they count from its next run on."""
        need_admin(visit)
        agent_id, text = _agent(visit), form.get("rules", "")
        try:
            rules = [
                rule_from_text(line, f"line {number}")
                for number, line in enumerate(text.splitlines(), 1)
                if line.strip()
            ]
            await visit.parts.agents.set_rules(agent_id, rules)
        except InvalidRequestError as error:
            return await self._one(visit, str(error), text)
        visit.parts.executor.forget_rules(agent_id)
        return redirect(visit, f"dashboard/agents/{segment(agent_id)}#rules")

    async def set_limits(self, visit: Visit, form: dict[str, str]) -> Page | Response:
        """Change an agent's limits, if they are those that the page has shown."""
        need_admin(visit)
        agent_id = _agent(visit)
        try:
            limits = {argument: _limit(form, name) for name, (argument, _) in _LIMITS.items()}
            await visit.parts.agents.set_limits(
                agent_id, limits, was=_shown_limits(form), by=visit.principal.holder
            )
        except (AgentChangedError, InvalidRequestError) as error:
            return await self._one(visit, unlimited=str(error))
        return redirect(visit, f"dashboard/agents/{segment(agent_id)}#limits")

    async def add(self, visit: Visit, form: dict[str, str]) -> Page:
        """Make an agent; the page shows its key, this once."""
        need_admin(visit)
        agent_id, role = field(form, "agentId"), form.get("role", "agent")
        try:
            limits = {argument: _limit(form, name) for name, (argument, _) in _LIMITS.items()}
            made = await visit.parts.agents.add(agent_id, role, **limits)  # type: ignore[arg-type]
        except (AgentExistsError, InvalidRequestError) as error:
            return await self._list(visit, str(error), 400)
        return _shown(made, "was added")


@dataclass(frozen=True, slots=True)
class Rules:
    """An agent's rules, as text."""

    told: list[str]
    text: str
    """All of them, or what was tried."""
    stray: list[str]
    """What concerns no tool that is there now."""
    tried: bool
    """Whether the text is what somebody has sent, and was not taken."""


def _rules(visit: Visit, agent: AgentRecord, tried: str) -> Rules:
    found = rules_from_json(agent.rules)
    told = [str(rule) for rule in found]
    stray = visit.parts.executor.sandbox.toolbox.stray(found)
    return Rules(told, tried or "\n".join(told), stray, bool(tried))


async def _key(visit: Visit, agent_id: str) -> AgentRecord | None:
    """Whose key it is; for admins."""
    if not visit.is_admin:
        return None
    found = [agent for agent in await visit.parts.agents.list() if agent.agent_id == agent_id]
    return found[-1] if found else None


# -- what an admin does


async def rotate(visit: Visit, _form: dict[str, str]) -> Page:
    """Give an agent a new key."""
    need_admin(visit)
    return _shown(await visit.parts.agents.rotate(_agent(visit)), "has a new key")


async def revoke(visit: Visit, _form: dict[str, str]) -> Response:
    """Let a key open nothing more."""
    need_admin(visit)
    await visit.parts.agents.revoke(_agent(visit))
    return redirect(visit, "dashboard/agents#keys")


def _shown(made: NewKey, what: str) -> Page:
    return Page("key.html", {"agent": made.agent, "key": made.key, "what": what})


def _agent(visit: Visit) -> str:
    agent_id = visit.named("agentId")
    if not _NAME.fullmatch(agent_id):
        raise NotFoundError("no agent can have this name")
    return agent_id


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of an agent, as a form changes it."""

    name: str
    words: str
    own: int | None
    usual: int


def _shown_limits(form: dict[str, str]) -> AgentLimits:
    """What the page had shown. Raises InvalidRequestError."""
    shown = {argument: form.get(f"{name}Was", "") for name, (argument, _) in _LIMITS.items()}
    if not all(
        text.isascii() and text.isdigit() and len(text) <= 15 for text in shown.values() if text
    ):
        raise InvalidRequestError("limits", "a form", "the form of this page")
    return AgentLimits(**{name: int(text) if text else None for name, text in shown.items()})


def _limits(visit: Visit, agent: AgentRecord) -> list[Limit]:
    settings = visit.parts.settings
    return [
        Limit(name, _WORDS[name], getattr(agent, argument), getattr(settings, argument))
        for name, (argument, _) in _LIMITS.items()
    ]


def _limit(form: dict[str, str], name: str) -> int | None:
    text, most = form.get(name, ""), _LIMITS[name][1]
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise InvalidRequestError(name, repr(text)[:40], f"a whole number from 1 to {most}")
    return int(text)
