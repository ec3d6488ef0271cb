"""Builds what the settings want to have watched, and takes it down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from onehop.config import TelemetryConfig
from onehop.runs.watching import Watcher
from onehop.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Watching:
    """Who watches."""

    metrics: Metrics | None
    """None if they are off, or prometheus_client is not installed."""
    watchers: tuple[Watcher, ...]


@asynccontextmanager
async def open_watching(config: TelemetryConfig, *, counts: bool) -> AsyncIterator[Watching]:
    """As ``config`` says; metrics only where somebody ``counts``. At the end, spans that wait are
    sent. Raises MissingExtraError for traces without OpenTelemetry, and ConfigError.
    """
    is_counted = counts and config.metrics != "off" and find_spec("prometheus_client") is not None
    metrics = Metrics() if is_counted else None
    counting = () if metrics is None else (metrics,)
    if config.traces == "off":
        yield Watching(metrics, counting)
        return
    from onehop.telemetry.exporting import open_tracing

    async with open_tracing(config) as tracing:
        yield Watching(metrics, (*counting, tracing))
