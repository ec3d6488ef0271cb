"""Metrics for Prometheus: they hear of runs as their watchers."""

from onehop.telemetry.metrics import Metrics

__all__ = ["Metrics"]
