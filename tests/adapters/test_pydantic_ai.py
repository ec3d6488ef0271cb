"""Pydantic AI: agents with a FunctionModel."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("pydantic_ai", reason="Pydantic AI is not installed: scripts/adapters does it")

from pydantic_ai import (
    Agent,
    ModelMessage,
    ModelResponse,
    ModelRetry,
    RunContext,
    TextPart,
    Tool,
    ToolCallPart,
    ToolDefinition,
    ToolReturnPart,
)
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.toolsets import FunctionToolset

from onehop import ConfigError, Executor, Sandbox
from onehop.adapters.pydantic_ai import code_execute_tool, tools_of
from tests.adapters.conversation import AgentLoop, Conversation, check_example


class TestPydanticAI(AgentLoop):
    framework = "pydantic_ai"

    async def converse(
        self, executor: Executor, calls: Sequence[dict[str, Any]], agent_id: str = ""
    ) -> Conversation:
        left = list(calls)
        told: list[ToolDefinition] = []

        def say(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            told.extend(info.function_tools)
            if left:
                return ModelResponse(parts=[ToolCallPart("code_execute", left.pop(0))])
            last = messages[-1].parts[0]
            assert isinstance(last, ToolReturnPart)
            return ModelResponse(parts=[TextPart(f"I heard: {last.content}")])

        agent = Agent(FunctionModel(say), tools=[code_execute_tool(executor, agent_id=agent_id)])
        end = await agent.run("Compute.")
        parts = [part for message in end.all_messages() for part in message.parts]
        results = [part for part in parts if isinstance(part, ToolReturnPart)]
        return Conversation(
            told[0].name,
            told[0].description or "",
            told[0].parameters_json_schema,
            [str(part.content) for part in results],
            end.output,
            [part.metadata for part in results],
        )

    async def test_the_test_model_calls_it_too(self, executor: Executor) -> None:
        agent = Agent(TestModel(), tools=[code_execute_tool(executor)])
        end = await agent.run("Compute.")
        assert end.output.startswith('{"code_execute":')


# --- tools of Pydantic AI, for the code ---


def population(ctx: RunContext[dict[str, int]], city: str) -> int:
    """Count the people of a city.

    Args:
        city: Its name.
    """
    if city not in ctx.deps:
        raise ModelRetry(f"{city} is not known")
    return int(ctx.deps[city])


async def greet(name: str, polite: bool = True) -> dict[str, str]:
    """Greet somebody."""
    await asyncio.sleep(0)
    return {"said": f"Good day, {name}" if polite else f"Hi {name}"}


def closed() -> str:
    """Is closed."""
    raise ToolFailed("come back tomorrow")


def lookup(word: str) -> str:
    """Look a word up."""
    raise RuntimeError(f"no {word}: the password is hunter2")


def odd_is_wrong(_ctx: RunContext[Any], number: int) -> None:
    if number % 2:
        raise ModelRetry("it is odd")


def half(number: int) -> int:
    """Halve a number."""
    return number // 2


PEOPLE = {"Paris": 2, "Rome": 3}


async def test_code_calls_tools_of_pydantic_ai_at_the_same_time() -> None:
    given = await tools_of([population, Tool(greet)], deps=PEOPLE, effects={"greet": "read"})
    async with Sandbox(tools=given) as sandbox:
        result = await sandbox.execute("""
            const [paris, rome] = await Promise.all(
                ["Paris", "Rome"].map((city) => tools.population({ city })));
            return [paris + rome, await tools.greet({ name: "Ada" })];
        """)
        assert result.output == [5, {"said": "Good day, Ada"}]
        assert [call.effect for call in result.tool_calls or ()] == ["write", "write", "read"]


async def test_their_schemas_and_words_are_kept() -> None:
    async with Sandbox(tools=await tools_of([population, greet])) as sandbox:
        found = sandbox.toolbox.discovery.describe("population")
        assert found["inputSchema"]["properties"]["city"]["description"] == "Its name."
        assert found["inputSchema"]["required"] == ["city"]
        assert "Count the people of a city" in sandbox.toolbox.offer
        assert ".population({city: string})" in (code_execute_tool(sandbox).description or "")


async def test_a_toolset_is_taken_whole() -> None:
    toolset = FunctionToolset([greet]).prefixed("kind")
    async with Sandbox(tools=await tools_of(toolset)) as sandbox:
        result = await sandbox.execute(
            "return await tools.kind_greet({ name: 'Ada', polite: false })"
        )
        assert result.output == {"said": "Hi Ada"}


async def test_what_goes_wrong_in_them_is_an_error_of_the_code() -> None:
    checked = Tool(half, args_validator=odd_is_wrong)
    given = await tools_of([checked, closed, lookup, population], deps=PEOPLE)
    async with Sandbox(tools=given) as sandbox:
        result = await sandbox.execute("""
            const told = async (call) => { try { return await call() } catch (e) {
                return [e.tool, e.code, e.message] } };
            return [await told(() => tools.half({ number: 3 })), await told(() => tools.closed()),
                await told(() => tools.lookup({ word: "a" })),
                await told(() => tools.population({ city: "Ys" })),
                await told(() => tools.half({ number: "x" }))];
        """)
        odd, shut, broken, unknown, wrong = result.output
        assert odd == ["half", "invalid_arguments", "it is odd"]
        assert shut == ["closed", "failed", "come back tomorrow"]
        assert broken[:2] == ["lookup", "internal"]
        assert "hunter2" not in broken[2]
        assert unknown == ["population", "failed", "Ys is not known"]
        assert wrong[:2] == ["half", "invalid_arguments"]


async def test_a_tool_that_wants_approval_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"greet.*unapproved"):
        await tools_of([Tool(greet, requires_approval=True)])


def test_the_example_with_tools_runs_and_its_lines_are_those_of_the_page() -> None:
    check_example("pydantic_ai", "tools")
