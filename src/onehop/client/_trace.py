"""The caller's place in a trace, where the program uses OpenTelemetry; it is never loaded here."""

from __future__ import annotations

import sys


def trace_headers() -> dict[str, str]:
    """``traceparent`` of the current span, and ``tracestate``; empty when there is none."""
    if "opentelemetry.trace" not in sys.modules:  # then nobody can have begun a span
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return headers
