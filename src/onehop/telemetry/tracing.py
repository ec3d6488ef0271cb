"""``Tracing``: makes a span of each stage of a run, inside the caller's trace."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from onehop._extras import needed_for
from onehop._version import onehop_version
from onehop.runs import traces
from onehop.runs.traces import Trace
from onehop.runs.watching import Stage, Watch
from onehop.telemetry import _names as n
from onehop.telemetry._attributes import attributes_of, fault_of, name_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, SpanContext, TracerProvider

_OUTGOING: Final = frozenset[Stage]({"upstream", "request"})
"""Stages that are requests to other servers, which carry the trace on."""
_REMEMBERED: Final = 10_000
"""Runs whose spans a delivery of their records is linked with."""


class Tracing:
    """A watcher of runs that makes spans: ``Sandbox(watchers=[Tracing()])``.

    ``provider`` makes them: the one that the program has set for OpenTelemetry, unless another one
    is given. With ``content`` they hold code, contexts, outputs, and arguments and answers of
    tools, unmasked. Raises MissingExtraError without OpenTelemetry.
    """

    def __init__(self, provider: TracerProvider | None = None, *, content: bool = False) -> None:
        with needed_for("traces"):
            from opentelemetry import trace
        chosen = provider or trace.get_tracer_provider()
        self._tracer = chosen.get_tracer("onehop", onehop_version())
        self._content = content
        self._recorded: OrderedDict[str, SpanContext] = OrderedDict()

    def begin(self, stage: Stage, facts: Mapping[str, Any]) -> Watch:
        """See Watcher."""
        from opentelemetry.trace import SpanKind

        span = self._tracer.start_span(
            name_of(stage, facts),
            context=_parent(stage, facts),
            kind=SpanKind.CLIENT if stage in _OUTGOING else SpanKind.INTERNAL,
            links=self._links(facts) if stage == "delivery" else None,
            record_exception=False,
            set_status_on_exception=False,
        )
        return _Current(self, stage, span)

    def finish(
        self, stage: Stage, span: Span, facts: Mapping[str, Any], error: BaseException | None
    ) -> None:
        """Say what became of the stage, and end its span."""
        if stage == "store" and "run_id" in facts:
            self._remember(facts["run_id"], span.get_span_context())
        if span.is_recording():
            span.set_attributes(attributes_of(stage, facts, content=self._content))
            fault = type(error).__name__ if error is not None else fault_of(stage, facts)
            if fault is not None:
                _fail(span, fault)
        span.end()

    def _remember(self, run_id: str, place: SpanContext) -> None:
        self._recorded[run_id] = place
        while len(self._recorded) > _REMEMBERED:
            self._recorded.popitem(last=False)

    def _links(self, facts: Mapping[str, Any]) -> list[Link]:
        """With the runs whose records are delivered."""
        from opentelemetry.trace import Link

        found = (self._recorded.pop(run_id, None) for run_id in facts["run_ids"])
        return [Link(place) for place in found if place is not None]


class _Current:
    """A span that those of the stages inside are parts of."""

    __slots__ = ("_outgoing", "_span", "_stage", "_token", "_tracing")

    def __init__(self, tracing: Tracing, stage: Stage, span: Span) -> None:
        from opentelemetry import context
        from opentelemetry.trace import set_span_in_context

        self._tracing = tracing
        self._stage = stage
        self._span = span
        self._token = context.attach(set_span_in_context(span))
        self._outgoing = traces.go_out_with(_trace(span)) if stage in _OUTGOING else None

    def end(self, facts: Mapping[str, Any], error: BaseException | None) -> None:
        from opentelemetry import context

        if self._outgoing is not None:
            traces.go_out_no_more(self._outgoing)
        context.detach(self._token)
        self._tracing.finish(self._stage, self._span, facts, error)


def _parent(stage: Stage, facts: Mapping[str, Any]) -> Context | None:
    """Where the span belongs; None for the current one.

    What the caller said comes first, unless the current span is a part of that very trace.
    """
    from opentelemetry.context import Context
    from opentelemetry.trace import get_current_span

    if stage == "delivery":
        return Context()  # of many runs
    trace: Trace | None = facts.get("trace")
    if stage != "execution" or trace is None:
        return None
    theirs = _extracted(trace)
    here, said = (get_current_span(each).get_span_context() for each in (None, theirs))
    return None if here.is_valid and here.trace_id == said.trace_id else theirs


def _extracted(trace: Trace) -> Context:
    from opentelemetry.context import get_current
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(trace.headers(), context=get_current())


def _trace(span: Span) -> Trace | None:
    from opentelemetry.trace import set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers, set_span_in_context(span))
    return traces.read_trace(headers.get("traceparent"), headers.get("tracestate"))


def _fail(span: Span, fault: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute(n.ERROR_TYPE, fault)
    span.set_status(Status(StatusCode.ERROR))
