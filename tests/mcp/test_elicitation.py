"""The person at a client decides about calls of its own agent, where the settings let it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
import pytest_asyncio
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from onehop.config import ToolsConfig
from onehop.server.mcp._forms import decisions_of
from tests.mcp.doors import Era, Service, error_of, held, process, run, service
from tests.waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOP = """
from onehop import tool

@tool
def pay(to: str, amount: float) -> str:
    return f"{to} has {amount:g} more"
"""
ONE = "return await tools.pay({ to: 'ada', amount: 6 }).catch((e) => [e.code, e.message])"
TWICE = """
const pay = (to) => tools.pay({ to, amount: 1 }).catch((e) => e.code);
const first = await Promise.all([pay('ada'), pay('bob')]);
return [...first, await pay('cleo')];
"""
DOORS = [("stdio", "legacy"), ("stdio", "2026-07-28"), ("HTTP", "2026-07-28")]
Ask = Callable[[types.ElicitRequestFormParams], types.ElicitResult | Awaitable[types.ElicitResult]]


def tools_in(folder: Path, **settings: Any) -> ToolsConfig:
    (folder / "shop.py").write_text(SHOP)
    return ToolsConfig(files=(str(folder / "shop.py"),), ask=("pay",), approvals=True, **settings)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("asking")
    async with held(service(folder, tools_in(folder, elicitation=True))) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def short(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Holds a worker for half a second."""
    folder = tmp_path_factory.mktemp("short")
    async with held(service(folder, tools_in(folder, elicitation=True, hold=500))) as running:
        yield running


@asynccontextmanager
async def client_at(
    door: tuple[str, Era], served: Service, folder: Path, ask: Ask | None, **settings: str
) -> AsyncIterator[Client]:
    """The SDK's client, whose person answers as ``ask`` does."""

    async def callback(_context: Any, params: Any) -> Any:
        assert ask is not None
        said = ask(params)
        return said if isinstance(said, types.ElicitResult) else await said

    given: Any = {"mode": door[1], **({"elicitation_callback": callback} if ask else {})}
    if door[0] == "stdio":
        tools_in(folder)
        env = {
            "ONEHOP_TOOLS": str(folder / "shop.py"),
            "ONEHOP_TOOLS_ASK": "pay",
            "ONEHOP_TOOLS_APPROVALS": "true",
            "ONEHOP_TOOLS_ELICITATION": "true",
            **settings,
        }
        async with Client(process(folder, **env), **given) as client:
            yield client
        return
    async with (
        httpx2.AsyncClient(headers=served.headers(), timeout=60) as http,
        Client(streamable_http_client(served.url, http_client=http), **given) as client,
    ):
        yield client


def accept(**content: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content=content)


@pytest.mark.sample(1)
@pytest.mark.parametrize("door", DOORS, ids=" ".join)
async def test_a_person_at_the_client_decides(
    door: tuple[str, Era], served: Service, tmp_path: Path
) -> None:
    asked: list[types.ElicitRequestFormParams] = []

    def ask(params: types.ElicitRequestFormParams) -> types.ElicitResult:
        asked.append(params)
        calls = params.requested_schema["required"]
        words = {"call_1": "approve", "call_2": "deny", "call_3": "approve"}
        return accept(**{each: words[each] for each in calls}, reason="not bob")

    async with client_at(door, served, tmp_path, ask) as client:
        result = await run(client, TWICE)
    assert result.structured_content is not None
    assert result.structured_content["output"] == [
        "ada has 1 more",
        "denied",
        "cleo has 1 more",
    ]
    assert [each.requested_schema["required"] for each in asked] == [
        ["call_1", "call_2"],
        ["call_3"],
    ]
    assert 'call_1: pay (write) {"to": "ada", "amount": 1}' in asked[0].message


@pytest.mark.thorough
@pytest.mark.parametrize("door", DOORS[2:], ids=" ".join)
async def test_who_declines_denies(door: tuple[str, Era], served: Service, tmp_path: Path) -> None:
    declined = types.ElicitResult(action="decline")
    async with client_at(door, served, tmp_path, lambda _params: declined) as client:
        result = await run(client, ONE)
    assert result.structured_content is not None
    assert result.structured_content["output"] == [
        "denied",
        "a person denied pay: a person declined at the client",
    ]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "said",
    [
        types.ElicitResult(action="cancel"),
        accept(),
        accept(call_1="yes"),
        accept(call_9="approve"),
        accept(call_1=True),
        accept(call_1=["approve"]),
    ],
    ids=["dismissed", "empty", "another word", "another call", "no text", "a list"],
)
async def test_what_is_no_clear_answer_decides_nothing(said: types.ElicitResult) -> None:
    assert decisions_of(said, ["call_1"]) == {}


@pytest.mark.sample(1)
@pytest.mark.parametrize("case", ["off", "HTTP of the older era"])
async def test_a_client_that_cannot_or_may_not_be_asked_is_not_asked(
    case: str, served: Service, short: Service, tmp_path: Path
) -> None:
    def never(_params: Any) -> types.ElicitResult:
        raise AssertionError("nobody may be asked")

    settings = {"ONEHOP_TOOLS_HOLD": "1000"}
    door: tuple[str, Era] = ("stdio", "2026-07-28")
    if case == "off":
        settings["ONEHOP_TOOLS_ELICITATION"] = "false"
    if case == "HTTP of the older era":
        async with client_at(("HTTP", "legacy"), short, tmp_path, never) as client:
            result = await run(client, ONE)
    else:
        async with client_at(door, served, tmp_path, never, **settings) as client:
            result = await run(client, ONE)
    assert result.structured_content is not None
    assert result.structured_content["status"] == "paused"
    assert "a person must decide about pay(" in str(result.structured_content["next"])


async def test_an_answer_that_comes_after_the_run_was_paused_lets_it_go_on(
    short: Service, tmp_path: Path
) -> None:
    clients: list[Client] = []

    async def paused() -> bool:
        seen = await clients[0].call_tool("code_wait", {"requestId": "late", "wait": 0})
        return (seen.structured_content or {}).get("status") == "paused"

    async def ask(_params: Any) -> types.ElicitResult:
        await soon(paused)
        return accept(call_1="approve")

    async with client_at(("HTTP", "2026-07-28"), short, tmp_path, ask) as client:
        clients.append(client)
        result = await run(client, ONE, meta={"onehop/requestId": "late"})
    assert result.structured_content is not None
    assert result.structured_content["output"] == "ada has 6 more"


async def test_a_forged_state_decides_nothing_of_another_agent(
    served: Service, tmp_path: Path
) -> None:
    """Bob gives back a state that names alice's run: he gets neither her result nor a decision."""
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def ask(_params: Any) -> types.ElicitResult:
        waiting.set()
        await go_on.wait()
        return accept(call_1="approve")

    door: tuple[str, Era] = ("HTTP", "2026-07-28")
    async with client_at(door, served, tmp_path, ask) as alice:
        meta = {"onehop/requestId": "alices-run"}
        running = asyncio.create_task(run(alice, ONE, meta=meta))
        await waiting.wait()
        async with httpx2.AsyncClient(headers=served.headers("alice")) as http:
            api = served.url.removesuffix("/mcp") + "/api/v1/approvals"
            (call,) = (await http.get(api)).json()["approvals"]
        state = json.dumps(["alices-run", call["runId"], ["call_1"], []])
        async with httpx2.AsyncClient(headers=served.headers("bob"), timeout=60) as http:
            transport = streamable_http_client(served.url, http_client=http)
            async with Client(transport, mode=door[1], elicitation_callback=UNUSED) as bob:
                said = await bob.session.call_tool(
                    "code_execute",
                    {"code": ONE},
                    input_responses={"approvals": types.ElicitResult(action="decline")},
                    request_state=state,
                    allow_input_required=True,
                )
                assert isinstance(said, types.CallToolResult)
                assert error_of(said)["code"] == "not_found"
        go_on.set()
        result = await running
    assert result.structured_content is not None
    assert result.structured_content["output"] == "ada has 6 more"


async def _unused(_context: Any, _params: Any) -> Any:
    raise AssertionError("nobody is asked")


UNUSED: Any = _unused
