"""A server as ``onehop serve`` starts it, with its data in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from onehop.client import AgentClient
from onehop.errors import ServerUnreachableError

_PATIENCE = 30.0


@asynccontextmanager
async def served() -> AsyncIterator[AgentClient]:
    """A client that is connected to it."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        command = [sys.executable, "-m", "onehop", "serve", "--no-auth", "--port", str(port)]
        environment = {
            **os.environ,
            "ONEHOP_STORE": f"sqlite:///{Path(folder) / 'onehop.db'}",
            "ONEHOP_JOURNAL": str(Path(folder) / "journal"),
        }
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
        )
        client = AgentClient(agent_id="benchmark", server_url=f"http://127.0.0.1:{port}")
        try:
            async with asyncio.timeout(_PATIENCE):
                await _connect(client, process)
            yield client
        finally:
            await client.disconnect()
            await _end(process)


async def _connect(client: AgentClient, process: Process) -> None:
    while True:
        try:
            await client.connect()
        except ServerUnreachableError:
            assert process.returncode is None, "the server ended; try: python -m onehop serve"
        else:
            return


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
