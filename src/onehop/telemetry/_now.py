"""Metrics of how things are at this moment: read when Prometheus asks, and counted by nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from onehop.runs.states import ExecutorState, JournalState, PoolState, UpstreamState
from onehop.telemetry._families import FAMILIES

_KNOWN: Final = {family.name: family for family in FAMILIES}
Value = tuple[tuple[str, ...], float]
"""Values of the labels, and the metric's own."""


class Now(Collector):
    """Tells of ``state``, which is set before each reading."""

    names: Final = frozenset(
        family.name
        for family in FAMILIES
        if family.kind == "gauge" or family.name in ("onehop_worker_starts", "onehop_workers_lost")
    )
    """Of the metrics that it tells."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.state: ExecutorState | None = None
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        state = self.state
        if state is None:
            return
        yield _one("onehop_executions_in_flight", len(state.runs))
        if state.approvals is not None:
            yield _one("onehop_approvals_waiting", state.approvals)
        if state.pool is not None:
            yield from _pool(state.pool)
        if state.journal is not None:
            yield from _journal(state.journal)
        if state.upstreams:
            yield from _upstreams(state.upstreams)


def _pool(pool: PoolState) -> Iterator[Metric]:
    workers = {
        "idle": pool.idle,
        "running": pool.running - pool.resting,
        "resting": pool.resting,
        "starting": pool.starting,
    }
    yield _many("onehop_pool_workers", [((name,), count) for name, count in workers.items()])
    yield _one("onehop_pool_size", pool.size)
    yield _one("onehop_pool_max_concurrency", pool.max_concurrency)
    yield _one("onehop_queue_length", pool.waiting)
    yield _one("onehop_queue_max_length", pool.max_queue)
    starts = [(("ready",), pool.started), (("failed",), pool.failed)]
    yield _many("onehop_worker_starts", starts)
    yield _one("onehop_workers_lost", pool.lost)
    yield _one("onehop_realm_processes", pool.realms)


def _journal(journal: JournalState) -> Iterator[Metric]:
    yield _one("onehop_store_up", not journal.store_away)
    if journal.entries is not None:
        yield _one("onehop_journal_entries", journal.entries)
    yield _one("onehop_journal_bytes", journal.bytes)
    yield _one("onehop_journal_max_bytes", journal.max_bytes)
    yield _one("onehop_journal_set_aside", journal.set_aside)


def _upstreams(upstreams: tuple[UpstreamState, ...]) -> Iterator[Metric]:
    """Their names are the operator's."""
    yield _many("onehop_upstream_up", [((each.namespace,), each.up) for each in upstreams])
    yield _many("onehop_upstream_tools", [((each.namespace,), each.tools) for each in upstreams])


def _one(name: str, value: float) -> Metric:
    return _many(name, [((), value)])


def _many(name: str, values: Sequence[Value]) -> Metric:
    family = _KNOWN[name]
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    made = kind(name, family.about, labels=family.labels)
    for labels, value in values:
        made.add_metric(labels, float(value))
    return made
