"""Several processes that serve one port: started, started again when one dies, and stopped.

Each has a listening socket of its own at the same address, among which the kernel shares out new
connections. This process keeps the sockets too, so that a client that comes while a process starts
again waits instead of being refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from onehop.config import AuditConfig, SandboxConfig, ServerConfig
from onehop.errors import ConfigError
from onehop.server.agents import Agents
from onehop.server.asgi._homes import Place
from onehop.server.serving import Among, Ready, listen_together, url_of
from onehop.stores import is_shared, open_store

TOLD: Final = "_ONEHOP_PLACE"
"""The variable by which a process gets its place: JSON."""
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 30.0
"""Seconds before a process is started again; doubled each time that it dies soon."""
_LIVED: Final = 30.0
"""Seconds after which a process has not died soon."""
_STARTING: Final = 120.0
"""Seconds that all processes have to become ready."""
_GRACE: Final = 15.0
"""Seconds that a process has to end beyond what its runs may take."""

Greet = Callable[[Ready], Awaitable[None]]

_log = logging.getLogger(__name__)


def told() -> Among | None:
    """What the supervisor of this process has told it; None for a process that serves alone."""
    text = os.environ.pop(TOLD, None)
    if text is None:
        return None
    given = json.loads(text)
    sockets = [socket.socket(fileno=each) for each in given["sockets"]]
    place = Place(given["index"], given["count"], Path(given["folder"]))
    return Among(place, sockets, given["ready"], given["life"])


async def supervise(
    settings: ServerConfig, count: int, arguments: Sequence[str], greet: Greet
) -> int:
    """Serve with ``count`` processes, each ``onehop serve`` with ``arguments``, until SIGINT or
    SIGTERM. ``greet`` is called when all are ready. Gives the exit code.

    Raises ConfigError for a store that several processes cannot share, and for an address that
    cannot be used.
    """
    audit = AuditConfig()
    store = await open_store(audit, may_be_away=True)
    try:
        if not is_shared(store):
            raise ConfigError(
                "workers",
                f"{count} processes need a store that they can share: name a PostgreSQL or MongoDB "
                f"with ONEHOP_STORE ({store.url} is for one process)",
            )
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="onehop-serve-"))
            sockets = listen_together(settings, count)
            crew = _Crew(settings, sockets, Path(folder), arguments)
            ready = Ready(url_of(settings, sockets[0]), store.url, Agents(store))
            return await crew.serve(lambda: greet(ready))
    finally:
        await store.aclose()


class _Crew:
    """The processes of a server."""

    def __init__(
        self,
        settings: ServerConfig,
        sockets: list[list[socket.socket]],
        folder: Path,
        arguments: Sequence[str],
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._folder = folder
        self._arguments = arguments
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._ready = [asyncio.Event() for _ in sockets]
        self._stopping = asyncio.Event()
        self._code = 0
        # Ends when this process does, however it ends: the others see it.
        self._life, self._alive = os.pipe()

    async def serve(self, greet: Callable[[], Awaitable[None]]) -> int:
        """Until a signal comes, or a process cannot start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        async with asyncio.TaskGroup() as tasks:
            for index in range(len(self._sockets)):
                tasks.create_task(self._keep(index))
            tasks.create_task(self._greet(greet))
        os.close(self._life)
        os.close(self._alive)
        return self._code

    def _stop(self) -> None:
        """Take no more clients; each process finishes what it has."""
        self._stopping.set()
        for sockets in self._sockets:
            for one in sockets:
                one.close()
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.terminate()

    async def _greet(self, greet: Callable[[], Awaitable[None]]) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        ready = asyncio.create_task(self._all_ready())
        await asyncio.wait([stopping, ready], return_when=asyncio.FIRST_COMPLETED)
        if self._stopping.is_set():
            ready.cancel()
            return
        stopping.cancel()
        await greet()

    async def _all_ready(self) -> bool:
        return all([await each.wait() for each in self._ready])

    async def _keep(self, index: int) -> None:
        """Start it, and start it again when it dies, at longer and longer intervals."""
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._once(index)
            if self._stopping.is_set():
                return
            if not self._ready[index].is_set():  # it has never served: what is wrong stays wrong
                self._code = code if code > 0 else 1
                self._stop()
                return
            pause = _FIRST_PAUSE if time.monotonic() - began > _LIVED else pause
            _log.error("process %d has ended (%d); another starts in %.1f s", index, code, pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _once(self, index: int) -> int:
        """From a process's start to its end: its exit code."""
        reading, writing = os.pipe()
        try:
            process = await self._start(index, writing)
        finally:
            os.close(writing)
        self._running[index] = process
        loop = asyncio.get_running_loop()
        loop.add_reader(reading, self._hear, index, reading)
        try:
            return await self._ended(process)
        finally:
            del self._running[index]
            loop.remove_reader(reading)
            os.close(reading)

    def _hear(self, index: int, reading: int) -> None:
        asyncio.get_running_loop().remove_reader(reading)
        if os.read(reading, 1):
            self._ready[index].set()

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            patience = self._settings.shutdown_timeout / 1000 + _GRACE
            await asyncio.wait([ended], timeout=patience)
            if not ended.done():
                _log.error(
                    "process %d did not stop within %g s and is killed", process.pid, patience
                )
                process.kill()
        return await ended

    async def _start(self, index: int, writing: int) -> asyncio.subprocess.Process:
        with suppress(FileNotFoundError):
            (self._folder / f"{index}.sock").unlink()
        numbers = [each.fileno() for each in self._sockets[index]]
        told = {
            "index": index,
            "count": len(self._sockets),
            "folder": str(self._folder),
            "sockets": numbers,
            "ready": writing,
            "life": self._life,
        }
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "onehop", "serve", *self._arguments),
            env={**os.environ, **_shares(len(self._sockets)), TOLD: json.dumps(told)},
            pass_fds=(*numbers, writing, self._life),
            process_group=0,  # Ctrl+C is for the supervisor, which tells the others
        )


def _shares(count: int) -> dict[str, str]:
    """What is counted by processor, divided among the processes; what was set stays as it is."""
    mine, usual = SandboxConfig(), SandboxConfig.model_fields
    names = {
        "pool_size": "ONEHOP_POOL_SIZE",
        "max_concurrency": "ONEHOP_MAX_CONCURRENCY",
        "max_waiting": "ONEHOP_MAX_WAITING",
    }
    return {
        variable: str(max(1, getattr(mine, name) // count))
        for name, variable in names.items()
        if getattr(mine, name) == usual[name].default
    }
