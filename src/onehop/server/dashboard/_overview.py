"""The first page: what agents do now, what went wrong, and whether the sandbox holds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from onehop.answers import AgentCount, SecurityCount
from onehop.records import ExecutionRecord
from onehop.runs.states import RunState
from onehop.server._errors import NotReadyError
from onehop.server.dashboard._counted import AGAIN, Counted, Figures
from onehop.server.dashboard._executions import Row
from onehop.server.dashboard._layers import lights_of
from onehop.server.dashboard._spans import SPANS, Span, now_ms, span_of
from onehop.server.dashboard._unfinished import Paused, paused_runs
from onehop.server.dashboard._visit import FRESH, Page, Visit
from onehop.stores.base import HistoryQuery

_LATEST: Final = 8
_FEW: Final = 5
_RECENT: Final = 100
"""Runs that turns and tokens avoided are added up of."""


@dataclass(frozen=True, slots=True)
class Avoided:
    """What did not pass through a model, in the latest runs that called tools."""

    turns: int
    tokens: int
    runs: int


class Overview:
    """The page. ``counted`` is what it counts of a span."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    async def look(self, visit: Visit) -> Page:
        """The page, for the span that the address names."""
        span = span_of(visit.asked)
        parts = visit.parts
        await parts.executor.flush(FRESH)
        store, since = parts.store, span.since(now_ms())
        recent, failed, trouble, paused = await asyncio.gather(
            store.history(HistoryQuery(limit=_RECENT, brief=True)),
            store.history(HistoryQuery(success=False, since=since, limit=_LATEST, brief=True)),
            _trouble(visit),
            paused_runs(visit),
        )
        state = await parts.executor.state()
        counts = await self._counts(span)  # last: what it asks keeps the store busy
        facts = {
            **counts,
            "span": span,
            "spans": SPANS.values(),
            "avoided": _avoided(recent),
            "latest": [Row.of(record) for record in recent[:_LATEST]],
            "failed": [Row.of(record) for record in failed],
            "lights": await asyncio.to_thread(lights_of, recent),
            "trouble": trouble,
            "pool": state.pool,
            "journal": state.journal,
            "paused": paused,
            "runs": [each for each in state.runs if not _waits(each, paused)][:_LATEST],
            "running": sum(not _waits(each, paused) for each in state.runs),
            "down": [each for each in state.upstreams if not each.up],
        }
        return Page("overview.html", facts)

    async def _counts(self, span: Span) -> dict[str, Any]:
        figures, findings = await asyncio.gather(
            self._counted.figures(span), self._counted.findings(span)
        )
        return {
            "figures": figures.answer,
            "rate": _rate(figures.answer, span),
            "agents": figures.answer and figures.answer.agents,
            "failing": _failing(figures.answer),
            "findings": _totals(findings.answer),
            "refresh": AGAIN if figures.late or findings.late else 5,
        }


def _waits(run: RunState, paused: list[Paused]) -> bool:
    """Whether a run that holds a worker here only waits for a person."""
    name = run.request_id, run.agent_id
    return any((each.request_id, each.agent_id) == name for each in paused)


def _rate(figures: Figures | None, span: Span) -> float | None:
    """Runs a minute."""
    return None if figures is None else figures.stats.total_executions / (span.length / 60_000)


def _failing(figures: Figures | None) -> list[AgentCount]:
    """The agents with the most failures."""
    found = [] if figures is None else [each for each in figures.agents if _failures(each)]
    return sorted(found, key=_failures, reverse=True)[:_FEW]


def _failures(agent: AgentCount) -> int:
    return agent.total - agent.successful


def _totals(findings: list[SecurityCount] | None) -> tuple[int, int] | None:
    """All, and those that are grave."""
    if findings is None:
        return None
    grave = sum(each.total for each in findings if each.severity in ("high", "critical"))
    return sum(each.total for each in findings), grave


def _avoided(records: list[ExecutionRecord]) -> Avoided:
    found: list[dict[str, Any]] = [
        record.details["avoided"] for record in records if record.details.get("avoided")
    ]
    turns = sum(int(each.get("turns", 0)) for each in found)
    return Avoided(turns, sum(int(each.get("tokens", 0)) for each in found), len(found))


async def _trouble(visit: Visit) -> list[str]:
    """What ``/readyz`` would say."""
    try:
        await visit.parts.readiness.check()
    except NotReadyError as error:
        return str(error).split("; ")
    return []
