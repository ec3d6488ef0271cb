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
    ResourceUse,
    SecurityCount,
    ToolStats,
)
from onehop.records import ExecutionRecord
from onehop.server.dashboard._charts import Chart, chart_of
from onehop.server.dashboard._remembered import Got, Remembered
from onehop.server.dashboard._spans import Span, now_ms
from onehop.stores.base import HistoryQuery, Store

_AGENTS: Final = 1000
"""Agents that are counted."""
_FEW: Final = 8
_FAILURES: Final = 500
"""The latest failures, among which those are that validation stopped."""
_STOPPED: Final = 50
AGAIN: Final = 1
"""Seconds after which a page asks again whose figures came late."""
_FRESH: Final = 2.0
"""Seconds for which counts are fresh that are made of few records."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What ran."""

    stats: AgentStats
    use: ResourceUse
    chart: Chart


@dataclass(frozen=True, slots=True)
class OfAgent:
    """What one agent ran."""

    stats: AgentStats
    causes: list[FailureCause]
    repeated: list[RepeatedCode]
    slowest: list[ExecutionRecord]
    tools: list[ToolStats]
    chart: Chart


class Counted:
    """Counts of ``store``. They are the same for everybody who may look. A count of many days takes
    longer than a page may: then it comes late."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = Remembered()

    async def figures(self, span: Span) -> Got[Figures]:
        """Of all agents."""
        return await self._kept.get(("all", span.key), span.fresh, lambda: self._figures(span))

    async def agents(self, span: Span) -> Got[list[AgentCount]]:
        """Runs by agent, most first."""
        return await self._kept.get(
            ("agents", span.key),
            _FRESH,
            lambda: self._store.agent_counts(span.since(now_ms()), _AGENTS),
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

    async def tools(self, span: Span, most: int) -> Got[list[ToolStats]]:
        """Calls of tools by tool, most first."""
        return await self._kept.get(
            ("tools", span.key),
            _FRESH,
            lambda: self._store.tool_stats(None, span.since(now_ms()), most),
        )

    async def of_agent(self, agent_id: str, span: Span) -> Got[OfAgent]:
        """Of one agent."""
        return await self._kept.get(
            ("agent", agent_id, span.key), _FRESH, lambda: self._of_agent(agent_id, span)
        )

    async def _figures(self, span: Span) -> Figures:
        now = now_ms()
        since = span.since(now)
        return Figures(
            *await asyncio.gather(
                self._store.agent_stats(None, since),
                self._store.resource_use(None, since),
                chart_of(self._store, None, span, now),
            )
        )

    async def _stopped(self, since: int) -> list[ExecutionRecord]:
        query = HistoryQuery(success=False, since=since, limit=_FAILURES, brief=True)
        found = await self._store.history(query)
        return [each for each in found if each.error_type in ("validation", "security")][:_STOPPED]

    async def _of_agent(self, agent_id: str, span: Span) -> OfAgent:
        now, store = now_ms(), self._store
        since = span.since(now)
        return OfAgent(
            *await asyncio.gather(
                store.agent_stats(agent_id, since),
                store.failure_causes(agent_id, since),
                store.repeated_code(agent_id, since, _FEW),
                store.slowest(agent_id, since, _FEW),
                store.tool_stats(agent_id, since, _FEW),
                chart_of(store, agent_id, span, now),
            )
        )
