"""Clients hear that the tools have changed, since ``code_execute`` is described in other words."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from onehop import McpUpstream, Tools
from tests.mcp.doors import Service, over_http, process, run, service
from tests.users import ROOT
from tests.waiting import soon

SERVER = [str(ROOT / "tests" / "upstreams" / "server.py")]
GROW = "return await tools.up.grow({name: 'tulip'})"


@asynccontextmanager
async def growing(folder: Path) -> AsyncIterator[Service]:
    """A server with an upstream that can grow."""
    upstream = McpUpstream(command=[sys.executable, *SERVER], required=True, shared=True)
    async with service(folder, Tools(up=upstream)) as served:
        yield served


async def described(client: Client) -> str:
    """What the model reads of ``code_execute``."""
    listed = await client.list_tools(cache_mode="refresh")
    return listed.tools[0].description or ""


async def test_a_client_that_listens_hears_of_a_tool_that_came(tmp_path: Path) -> None:
    async with growing(tmp_path) as served, over_http(served) as client:
        assert "tulip" not in await described(client)
        async with client.listen(tools_list_changed=True) as changes:
            await run(client, GROW)
            await asyncio.wait_for(anext(aiter(changes)), 20)
            assert "tulip" in await described(client)


@pytest.mark.thorough
async def test_a_client_that_listens_hears_of_snippets_that_come_and_go(tmp_path: Path) -> None:
    async with (
        service(tmp_path) as served,
        over_http(served) as client,
        httpx2.AsyncClient() as web,
    ):
        api = served.url.replace("/mcp", "/api/v1")
        alice, root = served.headers("alice"), served.headers("root")
        body = {"code": "return context.n * 2 + ' is twice as much as ' + context.n"}
        named = {**alice, "X-Request-Id": "r1"}
        assert (await web.post(f"{api}/execute", json=body, headers=named)).status_code == 200
        assert "twice_as_much" not in await described(client)
        saving = {"name": "twice_as_much", "requestId": "r1", "agentId": "alice"}
        async with client.listen(tools_list_changed=True) as changes:
            hearing = aiter(changes)

            async def saved() -> bool:
                """Once the store has the run."""
                answer = await web.post(f"{api}/snippets", json=saving, headers=root)
                return answer.status_code in (200, 201)

            await soon(saved)
            await asyncio.wait_for(anext(hearing), 20)
            assert "twice_as_much" in await described(client)
            gone = await web.delete(f"{api}/snippets/twice_as_much?agentId=alice", headers=root)
            assert gone.status_code == 200, gone.text
            await asyncio.wait_for(anext(hearing), 20)
            assert "twice_as_much" not in await described(client)


def on_this_machine(folder: Path) -> Any:
    """``onehop mcp`` with an upstream that can grow."""
    command = json.dumps([sys.executable, *SERVER])
    (folder / "onehop.toml").write_text(f"[upstream.up]\ncommand = {command}\nshared = true\n")
    return stdio_client(process(folder))


@pytest.mark.thorough
async def test_over_stdio_a_client_hears_of_it_without_asking(tmp_path: Path) -> None:
    heard = asyncio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            heard.set()

    async with Client(on_this_machine(tmp_path), mode="legacy", message_handler=hear) as client:
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.tools.list_changed
        await soon_described(client, "grow")
        heard.clear()
        await run(client, GROW)
        await asyncio.wait_for(heard.wait(), 20)
        assert "tulip" in await described(client)


@pytest.mark.thorough
async def test_over_stdio_a_client_of_today_listens(tmp_path: Path) -> None:
    async with Client(on_this_machine(tmp_path), mode="2026-07-28") as client:
        await soon_described(client, "grow")
        async with client.listen(tools_list_changed=True) as changes:
            await run(client, GROW)
            await asyncio.wait_for(anext(aiter(changes)), 20)
            assert "tulip" in await described(client)


async def soon_described(client: Client, word: str) -> None:
    """The upstream may come up after the server."""

    async def has() -> bool:
        return word in await described(client)

    await soon(has)


@pytest.mark.thorough
async def test_one_agent_takes_not_all_the_places_of_those_who_listen(tmp_path: Path) -> None:
    async with (
        growing(tmp_path) as served,
        over_http(served) as client,
        over_http(served, agent="bob") as other,
        AsyncExitStack() as stack,
    ):
        for _ in range(16):
            await stack.enter_async_context(client.listen(tools_list_changed=True))
        with pytest.raises(MCPError, match="listen already"):
            async with client.listen(tools_list_changed=True):
                pass
        async with other.listen(tools_list_changed=True):
            pass
