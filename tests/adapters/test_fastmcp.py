"""FastMCP: a server in code mode, with its own client in place of an agent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip(
    "fastmcp.experimental.transforms.code_mode",
    reason="FastMCP's server is not installed: scripts/adapters installs it",
    exc_type=ImportError,
)

from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.experimental.transforms.code_mode import CodeMode
from mcp_types import TextContent

from onehop import Executor
from onehop.adapters.fastmcp import OnehopSandboxProvider, code_mode
from tests.adapters.conversation import (
    ENDLESS,
    check_example,
    check_that_cancelling_ends_the_run,
)


class Bank:
    """Tools that remember what was asked of them."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.together = 0
        self.most_together = 0

    async def balance(self, name: str) -> int:
        """What someone has."""
        self.calls.append(name)
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        await asyncio.sleep(0.05)
        self.together -= 1
        if name == "nobody":
            raise ToolError("there is no such account")
        return {"ada": 30, "bob": 12}[name]


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest_asyncio.fixture(loop_scope="module")
async def agent(
    executor: Executor, bank: Bank, request: pytest.FixtureRequest
) -> AsyncIterator[Client[Any]]:
    mode = code_mode(executor, agent_id=request.node.name[:60])  # no agent has failed before
    server = FastMCP("bank", tools=[bank.balance], transforms=[mode])
    async with Client(server) as client:
        yield client


async def execute(agent: Client[Any], code: str) -> Any:
    result = await agent.call_tool("execute", {"code": code})
    content = result.content[0]
    assert isinstance(content, TextContent)
    text = content.text
    return json.loads(text) if text[0] in "[0123456789" else text


async def failure(agent: Client[Any], code: str) -> str:
    with pytest.raises(ToolError) as failed:
        await agent.call_tool("execute", {"code": code})
    return str(failed.value)


async def test_the_agent_is_told_of_javascript_and_not_of_python(agent: Client[Any]) -> None:
    tools = {tool.name: tool for tool in await agent.list_tools()}
    assert set(tools) == {"search", "get_schema", "execute"}
    told = f"{tools['execute'].description} {tools['execute'].input_schema}"
    assert "JavaScript" in told
    assert "Python" not in told


async def test_code_calls_tools_one_after_the_other_and_each_is_called_once(
    agent: Client[Any], bank: Bank
) -> None:
    code = """
      const ada = await call_tool("balance", { name: "ada" });
      const bob = await call_tool("balance", { name: "bob" });
      return ada.result + bob.result;"""
    assert await execute(agent, code) == 42
    assert bank.calls == ["ada", "bob"]


async def test_calls_that_the_code_makes_at_once_are_made_at_once(
    agent: Client[Any], bank: Bank
) -> None:
    code = """
      const names = ["ada", "bob", "ada"];
      const all = await Promise.all(names.map((name) => call_tool("balance", { name })));
      return all.map((one) => one.result);"""
    assert await execute(agent, code) == [30, 12, 30]
    assert bank.most_together == 3


async def test_a_tool_that_fails_throws_in_the_code(agent: Client[Any]) -> None:
    code = """
      try { await call_tool("balance", { name: "nobody" }) }
      catch (error) { return "caught " + error.message }"""
    assert "there is no such account" in await execute(agent, code)


async def test_what_the_code_does_not_catch_has_its_place_in_the_code(agent: Client[Any]) -> None:
    told = await failure(agent, 'const a = 1;\nawait call_tool("balance", { name: "nobody" });')
    assert "there is no such account" in told
    assert '(line 2, column 7)\n 2 | await call_tool("balance"' in told


@pytest.mark.parametrize("call", ['("nothing", {})', '("balance")', '("balance", { nam: "ada" })'])
async def test_a_call_of_no_tool_or_with_wrong_arguments_throws(
    agent: Client[Any], call: str
) -> None:
    assert "Error (runtime)" in await failure(agent, f"return await call_tool{call}")


@pytest.mark.parametrize("before", ["", "const one = 1; "])
async def test_code_that_fails_is_told_with_its_place(agent: Client[Any], before: str) -> None:
    told = await failure(agent, f"{before}const user = context.user; return user.name")
    assert f"(line 1, column {len(before) + 40})" in told
    assert f" 1 | {before}const user" in told


async def test_forbidden_code_fails_with_its_place_and_advice(agent: Client[Any]) -> None:
    """The code stands in a function that is handed on, which need not be called: so it is run."""
    told = await failure(agent, "const a = 1;\nreturn process.env.HOME")
    assert "process is not defined" in told
    assert "(line 2, column " in told
    assert "pass values in `context`" in told


async def test_what_a_call_is_may_not_depend_on_chance(agent: Client[Any]) -> None:
    code = 'await call_tool("balance", { name: "ada", n: Math.random() }).catch(() => 1); return 1'
    assert "must not depend on the clock or on chance" in await failure(agent, code)


async def test_code_that_never_stops_calling_is_stopped(agent: Client[Any]) -> None:
    code = 'for (;;) { try { await call_tool("balance", { name: "bob" }) } catch {} }'
    assert "at most" in await failure(agent, code)


async def test_a_fence_and_a_missing_return_are_mended(agent: Client[Any]) -> None:
    code = '```js\n(await call_tool("balance", { name: "ada" })).result\n```'
    assert await execute(agent, code) == 30


async def test_it_is_a_provider_for_a_code_mode_of_ones_own(executor: Executor, bank: Bank) -> None:
    provider = OnehopSandboxProvider(executor, language="typescript", timeout=1000)
    server = FastMCP("bank", tools=[bank.balance], transforms=[CodeMode(sandbox_provider=provider)])
    code = 'const a: any = await call_tool("balance", { name: "ada" }); return a.result as number'
    async with Client(server) as agent:
        assert await execute(agent, code) == 30


async def test_warnings_stand_beside_the_value(agent: Client[Any]) -> None:
    result = await agent.call_tool("execute", {"code": "const a = 1"})
    content = result.content[0]
    assert isinstance(content, TextContent)
    assert "nothing was returned" in content.text
    assert result.structured_content is not None
    assert result.structured_content["result"] is None
    assert "nothing was returned" in result.structured_content["warnings"][0]


async def test_inputs_are_the_context_of_the_code(executor: Executor) -> None:
    provider = OnehopSandboxProvider(executor)
    assert await provider.run("return context.n * 2", inputs={"n": 21}) == 42


async def test_cancelling_ends_the_run(executor: Executor) -> None:
    provider = OnehopSandboxProvider(executor, timeout=30_000, agent_id="in a hurry")
    await check_that_cancelling_ends_the_run(executor, provider.run(str(ENDLESS["code"])))


def test_the_example_runs_and_its_lines_are_those_of_the_page() -> None:
    check_example("fastmcp")
