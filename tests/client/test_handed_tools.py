"""Tools that a client hands in run in its process, for its own runs, under the server's rules."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from onehop import ConfigError, InvalidRequestError, Tool, ToolContext, ToolFailed, Tools, tool
from onehop.client import AgentClient
from tests.client.clients import Kind, connected, make
from tests.client.served import Served
from tests.users import ROOT
from tests.waiting import soon


@tool(effect="read")
def here() -> dict[str, int]:
    """Tell the process that this runs in."""
    return {"pid": os.getpid(), "thread": threading.get_ident()}


@tool(effect="read")
async def double(number: int) -> int:
    """Double a number.

    Args:
        number: Any whole number.
    """
    return number * 2


@tool(effect="read")
def refuse(reason: str) -> None:
    """Fail."""
    raise ToolFailed(reason)


@tool(effect="read")
def crash() -> None:
    """Fail in a way that nobody foresaw."""
    raise RuntimeError("the password is hunter2")


@tool(effect="read")
def whose(context: ToolContext) -> dict[str, Any]:
    """Tell whose call it is."""
    return {
        "agent": context.agent_id,
        "channel": context.channel_id,
        "request": context.request_id,
        "tool": context.tool,
    }


@tool
def note(text: str) -> str:
    """Write a note."""
    return text


ALL = Tools(here, double, refuse, crash, whose, desk=[note])


@tool(effect="read")
def server_tool() -> str:
    """A tool of the server's own."""
    return "the server's"


pytestmark = pytest.mark.asyncio(loop_scope="module")


def server(folder: Path) -> Served:
    tools = Tools(server_tool, crm=[Tool("find-person", lambda: 1)])
    return Served(folder, tools=tools, rules={"deny": ["desk.*"]})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with server(tmp_path_factory.mktemp("served")) as served:
        yield served


def options(served: Served, agent: str = "ada", **more: Any) -> dict[str, Any]:
    return {"api_key": served.keys[agent], "server_url": served.url, "tools": ALL, **more}


async def run(client: Any, code: str, **more: Any) -> Any:
    result = await client.execute(code, **more)
    assert result.success, result.error
    return result


async def test_code_calls_a_function_in_the_process_of_the_client(
    served: Served, kind: Kind
) -> None:
    async with connected(kind, **options(served)) as client:
        code = "return [await tools.here(), await tools.double({number: 21})]"
        result = await run(client, code)
        assert result.output[0]["pid"] == os.getpid()
        assert result.output[1] == 42
        calls = [(call.tool, call.outcome, call.effect) for call in result.tool_calls]
        assert calls == [("here", "ok", "read"), ("double", "ok", "read")]


async def test_the_servers_own_tools_are_there_too(served: Served) -> None:
    async with connected("async", **options(served)) as client:
        code = "return [await tools.server_tool(), await tools.double({number: 1})]"
        assert (await run(client, code)).output == ["the server's", 2]


async def test_fifty_calls_run_at_the_same_time(served: Served, kind: Kind) -> None:
    at_once, most = 0, 0

    async def slow() -> int:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await soon(lambda: most >= 20, "twenty calls at the same time")
        at_once -= 1
        return 1

    given = options(served, tools=[Tool("slow", slow, effect="read")])
    async with connected(kind, **given) as client:
        code = "return (await Promise.all(Array.from({length: 50}, () => tools.slow()))).length"
        assert (await run(client, code)).output == 50


async def test_code_finds_them_with_their_schemas_and_words(served: Served) -> None:
    async with connected("async", **options(served)) as client:
        code = """return [await tools.$search('double a number', {limit: 1}),
            await tools.$describe('double'), Object.keys(tools.desk)]"""
        found, described, names = (await run(client, code)).output
        assert [hit["path"] for hit in found] == ["double"]
        assert found[0]["description"] == "Double a number."
        number = described["inputSchema"]["properties"]["number"]
        assert number["type"] == "integer"
        assert number["description"] == "Any whole number."
        assert names == ["note"]


async def test_arguments_are_checked_before_the_client_hears_of_them(served: Served) -> None:
    heard: list[Any] = []

    def take(number: int) -> None:
        heard.append(number)

    async with connected("async", **options(served, tools=[take])) as client:
        code = "try { await tools.take({number: 'x'}) } catch (e) { return [e.code, e.field] }"
        assert (await run(client, code)).output == ["invalid_arguments", "number"]
        assert heard == []


async def test_errors_reach_the_code_as_those_of_the_servers_tools_do(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected("async", **options(served)) as client:
        code = """const told = async (call) => { try { await call() } catch (e) {
            return [e instanceof ToolError, e.tool, e.code, e.message, e.effect] } }
            return [await told(() => tools.refuse({reason: 'not today'})),
                await told(() => tools.crash())]"""
        refused, crashed = (await run(client, code)).output
        assert refused == [True, "refuse", "failed", "not today", "none"]
        assert crashed[:3] == [True, "crash", "internal"]
        assert "hunter2" not in crashed[3]
        assert crashed[3].split()[-1] in caplog.text


async def test_a_tool_knows_whose_call_it_serves(served: Served, kind: Kind) -> None:
    async with connected(kind, **options(served, channel_id="support")) as client:
        result = await run(client, "return await tools.whose()", request_id="run-1")
        wanted = {"agent": "ada", "channel": "support", "request": "run-1", "tool": "whose"}
        assert result.output == wanted


async def test_the_servers_rules_hold(served: Served) -> None:
    async with connected("async", **options(served)) as client:
        code = "try { await tools.desk.note({text: 'a'}) } catch (e) { return e.code }"
        result = await run(client, code)
        assert result.output == "denied"
        assert result.tool_calls[0].outcome == "denied"


async def test_a_tool_that_only_says_that_it_reads_is_not_trusted(tmp_path: Path) -> None:
    rules = [{"action": "deny", "effect": "write"}]
    async with (
        Served(tmp_path, rules=rules) as served,
        connected("async", **options(served)) as client,
    ):
        code = "try { return await tools.here() } catch (e) { return e.code }"
        assert (await run(client, code)).output == "denied"


async def test_calls_are_kept_in_the_record_and_announced(served: Served) -> None:
    async with connected("async", **options(served)) as client:
        async with client.events(types=["code:tool:completed"]) as events:
            result = await run(client, "return await tools.double({number: 4})")
            event = await anext(events)
        assert event.to_dict()["data"]["tool"] == "double"
        await served.executor.flush()
        record = await client.execution(result.request_id)
        assert record.details["toolCalls"][0]["tool"] == "double"


async def test_other_runs_of_the_agent_and_other_agents_have_them_not(served: Served) -> None:
    async with (
        connected("async", **options(served)),
        connected("async", **options(served, tools=None)) as same,
        connected("async", **options(served, "eve", tools=None)) as other,
    ):
        for client in (same, other):
            code = "return ['here' in tools, 'server_tool' in tools]"
            assert (await run(client, code)).output == [False, True]


async def test_two_clients_of_one_agent_have_each_its_own(served: Served) -> None:
    def first() -> str:
        return "first"

    def second() -> str:
        return "second"

    one = options(served, tools=[Tool("which", first)])
    two = options(served, tools=[Tool("which", second)])
    async with connected("async", **one) as here, connected("async", **two) as there:
        outputs = [(await run(c, "return await tools.which()")).output for c in (here, there)]
        assert outputs == ["first", "second"]


async def test_a_stream_of_a_run_has_them_too(served: Served, kind: Kind) -> None:
    async with connected(kind, **options(served)) as client:
        code = "console.log('before'); return await tools.double({number: 2})"
        items = [item async for item in client.stream(code)]
        assert items[-1].output == 4


async def test_a_call_that_the_run_gives_up_is_cancelled_in_the_client(served: Served) -> None:
    ended = asyncio.Event()

    async def wait_long() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    given = options(served, tools=[Tool("wait_long", wait_long, effect="read")])
    async with connected("async", **given) as client:
        result = await run(client, "tools.wait_long(); await 1; return 1")
        await asyncio.wait_for(ended.wait(), 10)
        assert any("wait_long" in warning for warning in result.warnings)


async def test_calls_in_flight_are_unavailable_when_the_client_leaves(served: Served) -> None:
    began = asyncio.Event()

    async def wait_long() -> None:
        began.set()
        await asyncio.Event().wait()

    given = options(served, tools=[Tool("wait_long", wait_long)])
    async with AgentClient(**given) as client:
        handed = client._handed
        assert handed is not None
        code = """try { await tools.wait_long() } catch (e) { console.log(e.code, e.effect) }
            try { await tools.wait_long() } catch (e) { return [e.code, e.effect] }"""
        running = asyncio.ensure_future(client.execute(code))
        await asyncio.wait_for(began.wait(), 10)
        await handed.aclose()  # the run's own request goes on
        result = await running
        assert result.logs == ["unavailable unknown"]
        assert result.output == ["unavailable", "none"]
        assert result.tool_calls is not None
        assert result.tool_calls[0].outcome == "unknown"


@pytest.mark.thorough
async def test_it_connects_again_when_the_server_was_away(tmp_path: Path, kind: Kind) -> None:
    async with server(tmp_path) as served, connected(kind, **options(served)) as client:
        assert (await run(client, "return await tools.double({number: 1})")).output == 2
        await served.stop()
        await served.start()
        assert (await run(client, "return await tools.double({number: 2})")).output == 4


async def test_a_client_may_connect_again(served: Served) -> None:
    client = AgentClient(**options(served))
    for number in (1, 2):
        async with client:
            code = "return (await tools.here()).pid + 0 * await tools.double({number: 1})"
            assert (await run(client, code)).output == os.getpid(), number


@pytest.mark.parametrize(
    "tools",
    [
        pytest.param([Tool("server_tool", lambda: 1)], id="a tool"),
        pytest.param([Tool("server-tool", lambda: 1)], id="with its alias"),
        pytest.param([Tool("crm", lambda: 1)], id="a namespace"),
        pytest.param(Tools(crm=[Tool("other", lambda: 1)]), id="the same namespace"),
        pytest.param(Tools(server_tool=[Tool("other", lambda: 1)]), id="a namespace of a tool"),
        pytest.param([Tool("crm.find-person", lambda: 1)], id="a path"),
        pytest.param([Tool("\u0441\u0433\u043c", lambda: 1)], id="Cyrillic that looks like crm"),
        pytest.param([Tool("s\u00e9rver_tool", lambda: 1)], id="an accent"),
        pytest.param([Tool("\uff43rm", lambda: 1)], id="a wide letter"),
    ],
)
async def test_a_name_of_the_servers_is_refused(served: Served, kind: Kind, tools: Any) -> None:
    with pytest.raises(InvalidRequestError, match="taken"):
        async with connected(kind, **options(served, tools=tools)):
            pass


async def test_what_cannot_be_a_tool_is_refused_at_once(kind: Kind) -> None:
    for tools in ([], {}, "double", [3], {"double": double}):
        with pytest.raises(ConfigError, match="tools"):
            make(kind, tools=tools)


async def test_the_how_to_says_what_is_so(served: Served) -> None:
    page = (ROOT / "docs/how-to/tools-of-a-client.md").read_text("utf-8")
    found = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    assert found is not None
    environment = {"AGENT_API_KEY": served.keys["ada"], "ONEHOP_SERVER_URL": served.url}
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        found[1],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(program.communicate(), 30)
    assert printed.decode() == found[2]
