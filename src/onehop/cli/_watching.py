"""Traces of what a command runs, as the settings say."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onehop.runs.watching import Watcher


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Watcher, ...]]:
    """Who watches the runs of this command. At the end, spans that wait are sent.

    Raises ConfigError and MissingExtraError.
    """
    from onehop.config import TelemetryConfig

    config = TelemetryConfig()
    if config.traces == "off":
        yield ()
        return
    from onehop.telemetry.compose import open_watching

    async with open_watching(config, counts=False) as watching:
        yield watching.watchers


def caller() -> str | None:
    """The place in its trace of the program that started this one, as it says in TRACEPARENT."""
    return os.environ.get("TRACEPARENT")
