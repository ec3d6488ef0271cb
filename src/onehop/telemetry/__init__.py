"""Metrics for Prometheus and traces for OpenTelemetry: both hear of runs as their watchers."""

from onehop.telemetry.metrics import Metrics
from onehop.telemetry.tracing import Tracing

__all__ = ["Metrics", "Tracing"]
