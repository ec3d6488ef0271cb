"""The first page: what agents do now, what went wrong, and whether the sandbox holds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from onehop.answers import AgentCount, AgentStats, ResourceUse, SecurityCount
from onehop.records import ExecutionRecord
from onehop.server._errors import NotReadyError
from onehop.server.dashboard._charts import Chart, chart_of
from onehop.server.dashboard._executions import Row
from onehop.server.dashboard._layers import lights_of
from onehop.server.dashboard._remembered import Remembered
from onehop.server.dashboard._spans import SPANS, Span, now_ms, span_of
from onehop.server.dashboard._visit import FRESH, Page, Visit
from onehop.stores.base import HistoryQuery, Store

_LATEST: Final = 8
_AGENTS: Final = 1000
"""Agents that are counted."""
_RECENT: Final = 100
"""Runs that turns and tokens avoided are added up of."""


@dataclass(frozen=True, slots=True)
class Avoided:
    """What did not pass through a model, in the latest runs that called tools."""

    turns: int
    tokens: int
    runs: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted of a span."""

    stats: AgentStats
    use: ResourceUse
    findings: list[SecurityCount]
    agents: list[AgentCount]
    chart: Chart


class Overview:
    """The page. What is counted is the same for everybody who may look, and is kept for a while:
    a week of runs takes longer to count than a page may take."""

    def __init__(self) -> None:
        self._figures = Remembered()

    async def look(self, visit: Visit) -> Page:
        """The page, for the span that the address names."""
        span = span_of(visit.asked)
        parts = visit.parts
        await parts.executor.flush(FRESH)
        store, since = parts.store, span.since(now_ms())
        figures, recent, failed, trouble = await asyncio.gather(
            self._figures.get(span.key, span.fresh, lambda: _figures(store, span)),
            store.history(HistoryQuery(limit=_RECENT, brief=True)),
            store.history(HistoryQuery(success=False, since=since, limit=_LATEST, brief=True)),
            _trouble(visit),
        )
        state = await parts.executor.state()
        findings = figures.findings
        facts = {
            "span": span,
            "spans": SPANS.values(),
            "stats": figures.stats,
            "rate": figures.stats.total_executions / (span.length / 60_000),
            "use": figures.use,
            "grave": sum(each.total for each in findings if each.severity in ("high", "critical")),
            "found": sum(each.total for each in findings),
            "agents": figures.agents,
            "chart": figures.chart,
            "avoided": _avoided(recent),
            "latest": [Row.of(record) for record in recent[:_LATEST]],
            "failed": [Row.of(record) for record in failed],
            "lights": await asyncio.to_thread(lights_of, recent),
            "trouble": trouble,
            "pool": state.pool,
            "journal": state.journal,
            "runs": state.runs[:_LATEST],
            "running": len(state.runs),
            "down": [each for each in state.upstreams if not each.up],
            "refresh": 5,
        }
        return Page("overview.html", facts)


async def _figures(store: Store, span: Span) -> Figures:
    now = now_ms()
    since = span.since(now)
    stats, use, findings, agents, chart = await asyncio.gather(
        store.agent_stats(None, since),
        store.resource_use(None, since),
        store.security_profile(None, since),
        store.agent_counts(since, _AGENTS),
        chart_of(store, None, span, now),
    )
    return Figures(stats, use, findings, agents, chart)


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
