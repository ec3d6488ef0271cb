"""``Metrics``: counts what happens in runs, and tells Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

from onehop._extras import needed_for
from onehop._version import onehop_version
from onehop.errors import (
    AuditUnavailableError,
    InvalidRequestError,
    OnehopError,
    Overloaded,
)
from onehop.limits import MIB
from onehop.runs.states import ExecutorState
from onehop.runs.watching import Stage, Watch
from onehop.telemetry._families import FAMILIES, KILLS, OTHER, OUTCOMES
from onehop.types import ExecutionResult, Language

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BYTES: Final = tuple(MIB * size for size in (1, 4, 16, 32, 64, 128, 256, 512, 1024, 4096))
_NAMESPACES: Final = 100
"""Namespaces of tools that have series of their own."""
_DURATIONS: Final[dict[Stage, str]] = {
    "validation": "onehop_validation_duration_seconds",
    "queue": "onehop_queue_duration_seconds",
    "run": "onehop_run_duration_seconds",
}
_RAISED: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (asyncio.CancelledError, "cancelled"),
    (Overloaded, "overloaded"),
    (InvalidRequestError, "invalid"),
    (AuditUnavailableError, "unrecorded"),
    (OnehopError, "unavailable"),
)


class Metrics:
    """A watcher of runs with a registry of its own: ``Sandbox(watchers=[metrics])``.

    ``render`` gives the text that Prometheus reads. Raises MissingExtraError without
    prometheus_client.
    """

    def __init__(self) -> None:
        with needed_for("metrics"):
            from prometheus_client import CollectorRegistry, ProcessCollector
        from onehop.telemetry._now import Now

        self._registry = CollectorRegistry()
        self._now = Now(self._registry)
        ProcessCollector(registry=self._registry)
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._namespaces: set[str] = set()
        self._make()

    def _make(self) -> None:
        from prometheus_client import Counter, Histogram, Info

        for family in FAMILIES:
            if family.name in self._now.names:
                continue
            told = (family.name, family.about, family.labels)
            if family.kind == "counter":
                self._counters[family.name] = Counter(*told, registry=self._registry)
            else:
                buckets = _BYTES if family.name.endswith("_bytes") else _SECONDS
                made = Histogram(*told, buckets=buckets, registry=self._registry)
                self._histograms[family.name] = made
        Info("onehop", "The version that runs.", registry=self._registry).info(
            {"version": onehop_version()}
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """A rise from nothing is seen only where there was a zero before."""
        for cause in KILLS:
            self._counters["onehop_kills"].labels(cause)
        for language in (*get_args(Language), OTHER):
            for outcome in OUTCOMES:
                self._counters["onehop_executions"].labels(language, outcome)

    def begin(self, stage: Stage, facts: Mapping[str, Any]) -> Watch:  # noqa: ARG002
        """See Watcher."""
        return _Stopwatch(self, stage)

    def render(self, state: ExecutorState, accept: str = "") -> tuple[bytes, str]:
        """All metrics as text, with its media type; ``accept`` is the header of the same name."""
        from prometheus_client.exposition import choose_encoder

        encode, media_type = choose_encoder(accept)
        self._now.state = state
        text: bytes = encode(self._registry)
        return text, media_type

    # --- what has ended ---

    def note(
        self, stage: Stage, seconds: float, facts: Mapping[str, Any], error: BaseException | None
    ) -> None:
        """Count a stage that has ended."""
        if stage in _DURATIONS:
            self._histograms[_DURATIONS[stage]].observe(seconds)
        match stage:
            case "execution":
                self._note_execution(seconds, facts, error)
            case "validation":
                self._note_findings(facts)
            case "run":
                self._note_kill(facts, error)
            case "tool":
                self._note_tool(facts)
            case "store" | "delivery":
                self._note_write("journal" if stage == "store" else stage, seconds, error)
            case _:
                pass

    def _note_execution(
        self, seconds: float, facts: Mapping[str, Any], error: BaseException | None
    ) -> None:
        request, result = facts.get("request"), facts.get("result")
        language = OTHER if request is None else request.language
        outcome = _outcome(facts, error)
        self._counters["onehop_executions"].labels(language, outcome).inc()
        self._histograms["onehop_execution_duration_seconds"].labels(language).observe(seconds)
        if result is not None and not facts.get("repeated"):
            self._note_result(result)

    def _note_result(self, result: ExecutionResult) -> None:
        usage = result.resource_usage
        self._counters["onehop_run_cpu_seconds"].inc(usage.cpu_time / 1000)
        self._histograms["onehop_run_memory_bytes"].observe(usage.memory * MIB)
        for layer in result.enforcement:
            self._counters["onehop_run_layers"].labels(layer).inc()
        for call in result.tool_calls or ():
            self._counters["onehop_tool_calls"].labels(call.outcome).inc()
        if result.avoided is not None:
            self._counters["onehop_avoided_turns"].inc(max(result.avoided.turns, 0))
            self._counters["onehop_avoided_tokens"].inc(max(result.avoided.tokens, 0))

    def _note_findings(self, facts: Mapping[str, Any]) -> None:
        report = facts.get("report")
        for finding in () if report is None else report.issues:
            labels = (finding.type, finding.severity)
            self._counters["onehop_findings"].labels(*labels).inc()

    def _note_kill(self, facts: Mapping[str, Any], error: BaseException | None) -> None:
        cause = facts.get("killed")
        if isinstance(error, asyncio.CancelledError):
            cause = "cancelled"
        if cause is not None:
            self._counters["onehop_kills"].labels(cause).inc()

    def _note_tool(self, facts: Mapping[str, Any]) -> None:
        """The tool's own time: a call may have waited for a place, or a day for a person."""
        record = facts.get("call")
        outcome = "unknown" if record is None else record.call.outcome
        seconds = 0.0 if record is None else record.call.duration / 1000
        labels = (self._namespace(facts["namespace"]), outcome)
        self._histograms["onehop_tool_duration_seconds"].labels(*labels).observe(seconds)

    def _namespace(self, name: str) -> str:
        """A namespace has its own series as long as there are not too many."""
        if name not in self._namespaces and len(self._namespaces) >= _NAMESPACES:
            return OTHER
        self._namespaces.add(name)
        return name

    def _note_write(self, operation: str, seconds: float, error: BaseException | None) -> None:
        self._histograms["onehop_store_duration_seconds"].labels(operation).observe(seconds)
        if error is not None and not isinstance(error, asyncio.CancelledError):
            self._counters["onehop_store_errors"].labels(operation).inc()


class _Stopwatch:
    """Of one stage."""

    __slots__ = ("_began", "_metrics", "_stage")

    def __init__(self, metrics: Metrics, stage: Stage) -> None:
        self._metrics = metrics
        self._stage = stage
        self._began = time.perf_counter()

    def end(self, facts: Mapping[str, Any], error: BaseException | None) -> None:
        self._metrics.note(self._stage, time.perf_counter() - self._began, facts, error)


def _outcome(facts: Mapping[str, Any], error: BaseException | None) -> str:
    """One of OUTCOMES."""
    if error is not None:
        return next((told for kind, told in _RAISED if isinstance(error, kind)), "internal")
    result: ExecutionResult = facts["result"]
    if facts.get("repeated"):
        return "repeated"
    if result.error_info is not None:
        return result.error_info.type if result.error_info.type in OUTCOMES else "internal"
    return result.status if result.status in OUTCOMES else "completed"
