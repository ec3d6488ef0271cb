"""A confined process as the host holds it, and how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from typing import Protocol

from onehop._data import data
from onehop.jail._plan import Plan


@data(frozen=True, slots=True)
class Exit:
    """How a process ended, as the kernel tells it."""

    status: int
    """As of waitpid."""
    cpu_seconds: float
    max_rss_bytes: int

    @property
    def signal(self) -> int | None:
        """The signal that ended it, if one did."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


class Child(Protocol):
    """A process that was started under a plan; its pid stays its own until it is reaped."""

    @property
    def id(self) -> int:
        """The launcher's name for it."""

    @property
    def pid(self) -> int:
        """In this process's own namespace."""

    @property
    def exit_fd(self) -> int:
        """Readable when it has ended; the holder closes it."""

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; harmless when it has ended. Raises PermissionError."""


@data(frozen=True, slots=True)
class PidfdChild:
    """A Child that is signalled by its pidfd, so that no other process can be meant."""

    id: int
    pid: int
    exit_fd: int

    def kill(self, number: int = signal.SIGKILL) -> None:
        """See Child.kill."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.exit_fd, number)


class Launcher(Protocol):
    """Starts processes under a plan and reaps them."""

    plan: Plan

    @property
    def alive(self) -> bool:
        """Whether it can start processes."""

    async def start(self) -> None:
        """Make it alive. Raises SandboxUnavailableError."""

    async def spawn(self, program: str, stdio: tuple[int, int, int], heap_mb: int) -> Child:
        """Start a program of the plan on these descriptors, which stay the caller's to close."""

    async def limit(self, child: int, limits: Mapping[int, int]) -> None:
        """Set resource limits (numbers of the ``resource`` module) on a process."""

    async def reap(self, child: int) -> Exit:
        """Collect a process that has ended; its pid is free after this."""

    def release(self, child: int) -> None:
        """Collect a process that has ended; nothing is asked about it any more."""

    async def aclose(self) -> None:
        """End every process that it started."""
