"""The OpenAI Agents SDK: agents with its ScriptedModel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

pytest.importorskip("agents", reason="OpenAI Agents is not installed: scripts/adapters does it")

from agents import (
    Agent,
    FunctionTool,
    RunConfig,
    RunContextWrapper,
    Runner,
    ToolCallOutputItem,
    function_tool,
    set_tracing_disabled,
    tool_input_guardrail,
)
from agents.testing import ModelCall, ScriptedModel, assistant_message, function_call

from onehop import ConfigError, Executor, Sandbox
from onehop.adapters.openai_agents import code_execute_tool, tools_of
from tests.adapters.conversation import AgentLoop, Conversation, check_example


@pytest.fixture(autouse=True)
def nothing_is_sent_to_openai() -> Iterator[None]:
    set_tracing_disabled(True)
    yield
    set_tracing_disabled(False)


def repeat(call: ModelCall) -> Any:
    return [assistant_message(f"I heard: {call.input[-1]['output']}")]


class TestOpenAIAgents(AgentLoop):
    framework = "openai_agents"
    keeps_data = False

    async def converse(
        self, executor: Executor, calls: Sequence[dict[str, Any]], agent_id: str = ""
    ) -> Conversation:
        turns = [
            [function_call("code_execute", call, call_id=f"call {number}")]
            for number, call in enumerate(calls)
        ]
        model = ScriptedModel([*turns, {"responder": repeat}])
        agent = Agent("Ada", tools=[code_execute_tool(executor, agent_id=agent_id)], model=model)
        end = await Runner.run(agent, "Compute.", run_config=RunConfig(tracing_disabled=True))
        assert model.first_call is not None
        tool = model.first_call.tools[0]
        assert isinstance(tool, FunctionTool)
        heard = [item.output for item in end.new_items if isinstance(item, ToolCallOutputItem)]
        return Conversation(
            tool.name, tool.description, tool.params_json_schema, heard, end.final_output
        )

    @pytest.mark.parametrize("arguments", ["{", "[1]"])
    async def test_arguments_that_are_no_object_are_answered(
        self, executor: Executor, arguments: str
    ) -> None:
        model = ScriptedModel(
            [[function_call("code_execute", arguments, call_id="1")], {"responder": repeat}]
        )
        agent = Agent("Ada", tools=[code_execute_tool(executor)], model=model)
        end = await Runner.run(agent, "Compute.")
        assert end.final_output.startswith("I heard: Error (invalid request): arguments: got ")


# --- tools of the SDK, for the code ---


@function_tool
def population(context: RunContextWrapper[dict[str, int]], city: str) -> int:
    """Count the people of a city.

    Args:
        city: Its name.
    """
    return int(context.context[city])


@function_tool
async def greet(name: str) -> str:
    """Greet somebody."""
    await asyncio.sleep(0)
    return f"Good day, {name}"


def politely(_context: Any, error: Exception) -> str:
    return f"sorry: {error}"


@function_tool(failure_error_function=politely)
def closed() -> str:
    """Is closed."""
    raise RuntimeError("come back tomorrow")


@function_tool
def lookup(word: str) -> str:
    """Look a word up."""
    raise RuntimeError(f"no {word}: the password is hunter2")


@function_tool(timeout=0.05)
async def slow() -> str:
    """Take its time."""
    await asyncio.sleep(30)
    return "at last"


@function_tool(needs_approval=True)
def pay() -> str:
    """Pay."""
    return "paid"


@tool_input_guardrail
def nothing_passes(_data: Any) -> Any:
    raise AssertionError


@function_tool(tool_input_guardrails=[nothing_passes])
def guarded() -> str:
    """Be careful."""
    return "careful"


PEOPLE = {"Paris": 2, "Rome": 3}


async def test_code_calls_tools_of_the_sdk_at_the_same_time() -> None:
    given = tools_of([population, greet], context=PEOPLE, effects="read")
    async with Sandbox(tools=given) as sandbox:
        result = await sandbox.execute("""
            const [paris, rome] = await Promise.all(
                ["Paris", "Rome"].map((city) => tools.population({ city })));
            return [paris + rome, await tools.greet({ name: "Ada" })];
        """)
        assert result.output == [5, "Good day, Ada"]
        assert [call.effect for call in result.tool_calls or ()] == ["read"] * 3


async def test_their_schemas_and_words_are_kept() -> None:
    async with Sandbox(tools=tools_of([population, greet])) as sandbox:
        found = sandbox.toolbox.discovery.describe("population")
        assert found["inputSchema"]["properties"]["city"]["description"] == "Its name."
        assert found["inputSchema"]["required"] == ["city"]
        assert "Count the people of a city" in sandbox.toolbox.offer
        assert ".population({city: string})" in code_execute_tool(sandbox).description


async def test_what_goes_wrong_in_them_is_an_error_of_the_code() -> None:
    async with Sandbox(tools=tools_of([closed, lookup, slow, greet])) as sandbox:
        result = await sandbox.execute("""
            const told = async (call) => { try { return await call() } catch (e) {
                return [e.tool, e.code, e.message] } };
            return [await told(() => tools.closed()), await told(() => tools.lookup({ word: "a" })),
                await told(() => tools.slow()), await told(() => tools.greet({ name: 3 }))];
        """)
        shut, broken, late, wrong = result.output
        assert shut == ["closed", "failed", "sorry: come back tomorrow"]
        assert broken[:2] == ["lookup", "internal"]
        assert "hunter2" not in broken[2]
        assert late[:2] == ["slow", "timeout"]
        assert wrong[:2] == ["greet", "invalid_arguments"]


@pytest.mark.parametrize("tool", [pay, guarded], ids=["approval", "guardrails"])
def test_a_tool_whose_guards_would_not_be_asked_is_refused(tool: FunctionTool) -> None:
    with pytest.raises(ConfigError, match=r"approval|guardrails"):
        tools_of([tool])


def test_the_example_with_tools_runs_and_its_lines_are_those_of_the_page() -> None:
    check_example("openai_agents", "tools")
