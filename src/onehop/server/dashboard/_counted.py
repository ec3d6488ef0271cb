"""What the pages count of a span of time: the same figures on each, kept for a while."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from onehop.answers import (
    AgentCount,
    AgentStats,
    FailureCause,
    RepeatedCode,
    SecurityCount,
    ToolStats,
)
from onehop.records import ExecutionRecord
from onehop.server.dashboard._charts import Chart, chart_of, grain_of
from onehop.server.dashboard._remembered import Got, Remembered
from onehop.server.dashboard._spans import Span, now_ms
from onehop.stores.base import HistoryQuery, Store
from onehop.stores.tally import Tally, summed

_FEW: Final = 8
_TOOLS: Final = 100
"""Tools of one agent that its page lists."""
_FAILURES: Final = 500
"""The latest failures, among which those are that validation stopped."""
_STOPPED: Final = 50
AGAIN: Final = 1
"""Seconds after which a page asks again whose figures came late."""
_FRESH: Final = 2.0
"""Seconds for which counts are fresh that are made of few records."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What ran. Percentiles are those of a histogram: within 3 %."""

    stats: AgentStats
    max_memory: float
    """MB, as is the other."""
    average_memory: float
    chart: Chart
    agents: list[AgentCount]
    """Most runs first; empty where the figures are those of one agent."""
    tools: list[ToolStats]
    """Most calls first."""
    causes: list[FailureCause]
    """Most failures first."""


@dataclass(frozen=True, slots=True)
class OfAgent:
    """What one agent ran."""

    figures: Figures
    repeated: list[tuple[RepeatedCode, ExecutionRecord | None]]
    """With the latest run of each."""
    slowest: list[ExecutionRecord]

    @property
    def tools(self) -> list[tuple[ToolStats, float]]:
        """Those that it called most, each with its share of all calls."""
        tools = self.figures.tools
        calls = sum(each.calls for each in tools)
        return [(each, each.calls / calls) for each in tools[:_TOOLS]]


class Counted:
    """Counts of ``store``. They are the same for everybody who may look. A count that takes longer
    than a page may comes late."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = Remembered()

    async def figures(self, span: Span) -> Got[Figures]:
        """Of all agents."""
        return await self._kept.get(
            ("all", span.key), span.fresh, lambda: self._figures(None, span)
        )

    async def findings(self, span: Span) -> Got[list[SecurityCount]]:
        """Of validation, by rule and severity."""
        return await self._kept.get(
            ("findings", span.key),
            _FRESH,
            lambda: self._store.security_profile(None, span.since(now_ms())),
        )

    async def stopped(self, span: Span) -> Got[list[ExecutionRecord]]:
        """The latest runs that validation stopped."""
        return await self._kept.get(
            ("stopped", span.key), _FRESH, lambda: self._stopped(span.since(now_ms()))
        )

    async def of_agent(self, agent_id: str, span: Span) -> Got[OfAgent]:
        """Of one agent."""
        return await self._kept.get(
            ("agent", agent_id, span.key), _FRESH, lambda: self._of_agent(agent_id, span)
        )

    async def _figures(self, agent_id: str | None, span: Span) -> Figures:
        now = now_ms()
        slices = await self._store.slices(agent_id, span.since(now), grain_of(span, agent_id))
        tally = await asyncio.to_thread(summed, slices)
        chart = await chart_of(self._store, agent_id, span, now, slices)
        return Figures(
            stats=_stats(tally, agent_id),
            max_memory=tally.max_memory,
            average_memory=tally.average_memory,
            chart=chart,
            agents=tally.agent_counts() if agent_id is None else [],
            tools=tally.tool_stats(),
            causes=tally.failure_causes(),
        )

    async def _stopped(self, since: int) -> list[ExecutionRecord]:
        query = HistoryQuery(success=False, since=since, limit=_FAILURES, brief=True)
        found = await self._store.history(query)
        return [each for each in found if each.error_type in ("validation", "security")][:_STOPPED]

    async def _of_agent(self, agent_id: str, span: Span) -> OfAgent:
        since = span.since(now_ms())
        return OfAgent(
            *await asyncio.gather(
                self._figures(agent_id, span),
                self._repeated(agent_id, since),
                self._store.slowest(agent_id, since, _FEW),
            )
        )

    async def _repeated(
        self, agent_id: str, since: int
    ) -> list[tuple[RepeatedCode, ExecutionRecord | None]]:
        found = await self._store.repeated_code(agent_id, since, _FEW)
        latest = await asyncio.gather(
            *(
                self._store.history(
                    HistoryQuery(agent_id=agent_id, code_hash=each.code_hash, limit=1, brief=True)
                )
                for each in found
            )
        )
        return [(each, runs[0] if runs else None) for each, runs in zip(found, latest, strict=True)]


def _stats(tally: Tally, agent_id: str | None) -> AgentStats:
    times = tally.times
    return AgentStats(
        agent_id=agent_id,
        total_executions=tally.total,
        successful_executions=tally.successful,
        failed_executions=tally.failed,
        success_rate=tally.success_rate,
        average_execution_time=times.mean,
        p50_execution_time=times.percentile(50),
        p95_execution_time=times.percentile(95),
        p99_execution_time=times.percentile(99),
        timeout_count=tally.timeouts,
        language_breakdown=tally.language_counts(),
        tool_calls=tally.calls,
        avoided_turns=tally.avoided_turns,
        avoided_tokens=tally.avoided_tokens,
    )
