"""The event loop that everything here needs."""

from __future__ import annotations

import asyncio

from onehop.errors import SandboxUnavailableError


def running_loop() -> asyncio.AbstractEventLoop:
    """The loop of asyncio that runs. Raises SandboxUnavailableError where none does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise SandboxUnavailableError(
            "onehop needs a running event loop of asyncio, and none runs here. Under trio call "
            "onehop.run in a thread: await trio.to_thread.run_sync(onehop.run, code)"
        ) from None
