"""Waiting for something that happens elsewhere: asked again and again, for a bounded time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 30.0
"""Seconds"""
_PAUSE = 0.01


def until(condition: Callable[[], Any], what: str = "it", patience: float = PATIENCE) -> Any:
    """What ``condition`` gives once that is true."""
    deadline = time.monotonic() + patience
    while not (met := condition()):
        assert time.monotonic() < deadline, f"{what} never happened"
        time.sleep(_PAUSE)
    return met


async def soon(condition: Callable[[], Any], what: str = "it", patience: float = PATIENCE) -> Any:
    """``until`` in an event loop; ``condition`` may be a coroutine function."""
    deadline = time.monotonic() + patience
    while True:
        met = condition()
        if inspect.isawaitable(met):
            met = await met
        if met:
            return met
        assert time.monotonic() < deadline, f"{what} never happened"
        await asyncio.sleep(_PAUSE)
