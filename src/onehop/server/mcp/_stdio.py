"""The MCP server over this process's standard streams."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import anyio
from mcp.server.lowlevel import NotificationOptions
from mcp.server.stdio import stdio_server

from onehop.config import TelemetryConfig, ToolsConfig
from onehop.errors import UnauthorizedError
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.inputs.gc import keep_what_is_loaded
from onehop.runs.callers import Caller
from onehop.server._runs import Runs
from onehop.server.agents import Agents
from onehop.server.mcp._lines import Lines
from onehop.server.mcp._strict import taken
from onehop.server.mcp.app import make_server
from onehop.stores.base import Store
from onehop.telemetry.compose import open_watching

NOBODY: Final = "mcp"
"""The agent of runs for which none is named."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LocalPrincipal:
    """The user who started the process, under the name of an agent."""

    agent_id: str
    role: str = "agent"


async def serve_stdio(
    agent_id: str | None, key: str | None = None, tools: ToolsConfig | None = None
) -> None:
    """Serve one client until it closes standard input, or SIGTERM or SIGINT; then runs in flight
    are killed. Standard output carries the protocol and nothing else.

    Code may call the ``tools`` that are configured. Runs are ``agent_id``'s, or those of the agent
    that ``key`` belongs to, or of "mcp". Raises what ``open_executor`` raises.
    """
    with _own_streams() as (source, sink):
        lines = Lines(source)
        with _signals(lines):
            async with (
                open_watching(TelemetryConfig(), counts=False) as watching,
                open_executor(
                    store_may_be_away=True,
                    resumes=True,
                    tools=tools,
                    watchers=watching.watchers,
                ) as executor,
            ):
                principal = await _local(executor, agent_id, key)
                server, notices = make_server(Runs(executor), executor, lambda _context: principal)
                keep_what_is_loaded()
                lines.start()
                writer = Writer(sink, lines)
                incoming = taken(lines, writer.write)
                changes = server.create_initialization_options(
                    NotificationOptions(tools_changed=True)
                )
                async with (
                    notices.open(),
                    stdio_server(_any(incoming), _any(writer)) as (read, write),
                ):
                    await server.run(read, write, changes)


async def _local(executor: Executor, agent_id: str | None, key: str | None) -> LocalPrincipal:
    if agent_id is not None or not key or executor.store is None:
        return LocalPrincipal(Caller(agent_id=agent_id or NOBODY).agent_id)
    return await _of_key(executor.store, key)


async def _of_key(store: Store, key: str) -> LocalPrincipal:
    """The agent of a key. It may be meant for a server elsewhere, so that a key which is not known
    here stops nothing: anyone who starts this process may name any agent."""
    agents = Agents(store)
    try:
        agent = await agents.authenticate(key)
    except UnauthorizedError:
        told = "AGENT_API_KEY is not the key of an agent in %s: runs are recorded as those of %r"
        _log.warning(f"{told} (--agent names another)", store.url, NOBODY)
        return LocalPrincipal(NOBODY)
    finally:
        agents.rest()  # it is asked this once
    return LocalPrincipal(agent.agent_id, agent.role)


class Writer:
    """Messages to a descriptor, in order; a client that reads no more ends ``lines``."""

    def __init__(self, descriptor: int, lines: Lines) -> None:
        self._descriptor = descriptor
        self._lines = lines

    async def write(self, text: str) -> None:
        """Write all of it."""
        data = text.encode()
        try:
            if len(data) <= select.PIPE_BUF and _has_room(self._descriptor):
                os.write(self._descriptor, data)
            else:
                await anyio.to_thread.run_sync(_write, self._descriptor, data)
        except OSError:
            self._lines.end()

    async def flush(self) -> None:
        """Nothing is held back."""


def _has_room(descriptor: int) -> bool:
    """Whether PIPE_BUF bytes can be written without waiting, which spares the way by a thread."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@contextmanager
def _own_streams() -> Iterator[tuple[int, int]]:
    """Standard input and output for the protocol alone: anything else that reads finds the end, and
    what is printed by mistake goes to standard error."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    try:
        yield source, sink
    finally:
        os.dup2(source, 0)
        os.dup2(sink, 1)
        os.close(sink)  # not ``source``: a thread may still be reading it


@contextmanager
def _signals(lines: Lines) -> Iterator[None]:
    """SIGTERM and SIGINT end the service as the end of input does."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, lines.end)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _any(stream: Any) -> Any:
    """The SDK asks for files of anyio; it uses no more of them than there is here."""
    return stream
