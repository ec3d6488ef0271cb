"""The OpenAI Agents SDK: agents with its ScriptedModel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

pytest.importorskip("agents", reason="OpenAI Agents is not installed: scripts/adapters does it")

from agents import Agent, FunctionTool, RunConfig, Runner, ToolCallOutputItem, set_tracing_disabled
from agents.testing import ModelCall, ScriptedModel, assistant_message, function_call

from onehop import Executor
from onehop.adapters.openai_agents import code_execute_tool
from tests.adapters.conversation import AgentLoop, Conversation


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
