"""The ways to the MCP server, with the SDK's own client: two transports, two eras."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import uvicorn
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ResourceLink, TextContent

from onehop.config import AuditConfig, SandboxConfig, ServerConfig
from onehop.execution.compose import open_executor
from onehop.server.agents import Agents
from onehop.server.app import create_app
from tests.users import ROOT
from tests.waiting import soon

Era = Literal["legacy", "2026-07-28"]

PATIENCE = 30.0
"""Seconds that something may take to happen."""
TOOL = "code_execute"


class Service:
    """``onehop serve`` in this process, with two agents, a viewer, an admin, and their keys."""

    def __init__(self, url: str, keys: dict[str, str]) -> None:
        self.url = url
        self.keys = keys

    def headers(self, agent: str = "alice") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[agent]}"}


@asynccontextmanager
async def service(folder: Path, tools: Any = None, **settings: Any) -> AsyncIterator[Service]:
    """Real everything, on a port of its own."""
    store = f"sqlite:///{folder / 'onehop.db'}"
    audit = AuditConfig(store=store, journal=str(folder / "journal"))
    config = ServerConfig(port=0, **settings)
    pool = SandboxConfig(pool_size=4)
    async with open_executor(pool, audit=audit, tools=tools, resumes=True) as executor:
        assert executor.store is not None
        agents = Agents(executor.store)
        keys = {
            "alice": (await agents.add("alice")).key,
            "bob": (await agents.add("bob")).key,
            "vera": (await agents.add("vera", "viewer")).key,
            "root": (await agents.add("root", "admin")).key,
        }
        async with listening(create_app(executor, agents, config)) as url:
            yield Service(f"{url}/mcp", keys)


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """The application behind uvicorn, until the end; gives its address."""
    settings = uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5)
    server = uvicorn.Server(settings)
    serving = asyncio.create_task(server.serve())
    await soon(lambda: server.started or serving.done())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        await serving


def process(folder: Path, *words: str, **env: str) -> StdioServerParameters:
    """``onehop mcp`` as a client starts it."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "onehop", "mcp", *words],
        env={**environment(folder), **env},
        cwd=folder,
    )


def environment(folder: Path) -> dict[str, str]:
    """What ``onehop mcp`` needs to find this checkout, and a store of its own."""
    inherited = [
        os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(":") if path
    ]
    return {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *inherited]),
        "PATH": os.environ["PATH"],
        "ONEHOP_STORE": f"sqlite:///{folder / 'stdio.db'}",
        "ONEHOP_JOURNAL": str(folder / "stdio-journal"),
        "ONEHOP_POOL_SIZE": "2",
    }


@asynccontextmanager
async def over_http(
    served: Service, era: Era = "2026-07-28", agent: str = "alice"
) -> AsyncIterator[Client]:
    """A client with an agent's key."""
    async with httpx2.AsyncClient(headers=served.headers(agent), timeout=60) as http:
        transport = streamable_http_client(served.url, http_client=http)
        async with Client(transport, mode=era) as client:
            yield client


@asynccontextmanager
async def held(context: Any) -> AsyncIterator[Any]:
    """``context`` entered and left in one task, which scopes of anyio insist on and fixtures do
    not offer."""
    stop = asyncio.Event()
    entered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def hold() -> None:
        try:
            async with context as value:
                entered.set_result(value)
                await stop.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    task = asyncio.create_task(hold())
    yield await entered
    stop.set()
    await task


async def run(client: Client, code: str, meta: Any = None, **arguments: Any) -> CallToolResult:
    """Call the tool."""
    return await client.call_tool(TOOL, {"code": code, **arguments}, meta=meta)


def text_of(result: CallToolResult) -> str:
    """The text that a model reads."""
    first = result.content[0]
    assert isinstance(first, TextContent)
    return first.text


def link_of(result: CallToolResult) -> str:
    """The URI of the whole output."""
    last = result.content[-1]
    assert isinstance(last, ResourceLink)
    return last.uri


def error_of(result: CallToolResult) -> dict[str, Any]:
    """Why a call was refused."""
    assert result.is_error
    assert result.structured_content is None
    assert result.meta is not None
    error: dict[str, Any] = result.meta["onehop/error"]
    assert error["message"] in text_of(result)
    return error
