"""The event loop that everything here needs."""

from __future__ import annotations

import asyncio
import os

from onehop.errors import SandboxClosedError, SandboxUnavailableError


def running_loop() -> asyncio.AbstractEventLoop:
    """The loop of asyncio that runs. Raises SandboxUnavailableError where none does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise SandboxUnavailableError(
            "onehop needs a running event loop of asyncio, and none runs here. Under trio call "
            "onehop.run in a thread: await trio.to_thread.run_sync(onehop.run, code)"
        ) from None


class Home:
    """The process and the loop in which something was opened: nowhere else can it be used."""

    def __init__(self) -> None:
        """It is the loop that runs. Raises SandboxUnavailableError."""
        self._loop = running_loop()
        self._process = os.getpid()

    @property
    def is_elsewhere(self) -> bool:
        """Whether this process is a copy, by fork, and it was opened before that."""
        return os.getpid() != self._process

    def check(self) -> None:
        """Raises SandboxClosedError, with what to do, unless this is home."""
        if self.is_elsewhere:
            raise SandboxClosedError(
                "the sandbox was opened in another process, and this one is its copy, made by "
                "fork: open a sandbox of its own here"
            )
        if running_loop() is not self._loop:
            raise SandboxClosedError(self._of_another_loop())

    def check_end(self) -> None:
        """Raises SandboxClosedError while it is used in another loop, which has to end it."""
        if not self.is_elsewhere and running_loop() is not self._loop and self._loop.is_running():
            raise SandboxClosedError(self._of_another_loop())

    def _of_another_loop(self) -> str:
        if self._loop.is_running():
            return (
                "the sandbox was opened in an event loop of another thread: open one in each, or "
                "hand the call over with asyncio.run_coroutine_threadsafe"
            )
        return (
            "the sandbox was opened in an event loop that does not run any more: use 'async with "
            "Sandbox() as sandbox' in each asyncio.run, or close it with aclose and open it again"
        )
