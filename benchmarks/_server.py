"""A server as ``onehop serve`` starts it, with its data in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from onehop.client import AgentClient
from onehop.config import AuditConfig
from onehop.errors import ServerUnreachableError
from onehop.server.agents import Agents
from onehop.stores import open_store

_PATIENCE = 120.0
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """Where a server is, and who may call it."""

    port: int
    agent: str
    key: str | None = None

    @property
    def mcp(self) -> str:
        """The URL of its MCP door."""
        return f"http://{_HOST}:{self.port}/mcp"

    def client(self) -> AgentClient:
        """A client for it, which is not connected yet."""
        return AgentClient(
            agent_id=self.agent, api_key=self.key, server_url=f"http://{_HOST}:{self.port}"
        )


@asynccontextmanager
async def served() -> AsyncIterator[AgentClient]:
    """A client that is connected to a server which needs no keys."""
    with tempfile.TemporaryDirectory() as folder:
        address = Address(_free_port(), "benchmark")
        async with _running(Path(folder), address, "--no-auth") as client:
            yield client


@asynccontextmanager
async def served_with(tools: Path, variables: Mapping[str, str]) -> AsyncIterator[Address]:
    """A server that needs no keys, whose code may call the tools of a Python file."""
    with tempfile.TemporaryDirectory() as folder:
        address = Address(_free_port(), "benchmark")
        words = ("--no-auth", "--tools", str(tools))
        async with _running(Path(folder), address, *words, variables=variables):
            yield address


@asynccontextmanager
async def guarded(folder: Path) -> AsyncIterator[Address]:
    """A server with everything on, as it comes: keys, the audit trail, the log, in a file."""
    address = Address(_free_port(), "benchmark", await _key(folder, "benchmark"))
    async with _running(folder, address):
        yield address


def audit(folder: Path) -> AuditConfig:
    """The audit trail as it comes, in ``folder``."""
    folder.mkdir(exist_ok=True)
    store = f"sqlite:///{folder / 'onehop.db'}"
    return AuditConfig(store=store, journal=str(folder / "journal"))


def environment(folder: Path) -> dict[str, str]:
    """The same for another process."""
    config = audit(folder)
    return {**os.environ, "ONEHOP_STORE": str(config.store), "ONEHOP_JOURNAL": str(config.journal)}


@asynccontextmanager
async def _running(
    folder: Path, address: Address, *words: str, variables: Mapping[str, str] | None = None
) -> AsyncIterator[AgentClient]:
    command = [sys.executable, "-m", "onehop", "serve", "--port", str(address.port), *words]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**environment(folder), **(variables or {})},
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=log,
        )
        client = address.client()
        try:
            async with asyncio.timeout(_PATIENCE):
                await _connect(client, process)
            yield client
        finally:
            await client.disconnect()
            await _end(process)


async def _key(folder: Path, agent: str) -> str:
    """Add an agent to the store: its key."""
    store = await open_store(audit(folder))
    try:
        return (await Agents(store).add(agent)).key
    finally:
        await store.aclose()


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
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
