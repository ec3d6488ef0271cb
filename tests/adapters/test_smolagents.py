"""smolagents: a ToolCallingAgent in a thread of its own, and a CodeAgent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("smolagents", reason="smolagents is not installed: scripts/adapters does it")

from anyio import to_thread
from anyio.from_thread import BlockingPortal
from smolagents import ChatMessage, CodeAgent, LogLevel, MessageRole, Model, ToolCallingAgent
from smolagents.models import get_tool_json_schema

from onehop import Executor
from onehop.adapters.smolagents import code_execute_tool
from onehop.errors import ConfigError
from tests.adapters.conversation import SUM, AgentLoop, Conversation


class FakeModel(Model):
    """Makes these calls, then says what it heard last."""

    def __init__(self, calls: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        self.left = list(calls)

    def generate(self, messages: list[ChatMessage], **_options: Any) -> ChatMessage:
        name, arguments = "final_answer", {"answer": f"I heard: {observed(messages[-1])}"}
        if self.left:
            name, arguments = "code_execute", self.left.pop(0)
        call = {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
        return ChatMessage(MessageRole.ASSISTANT, tool_calls=[call])


class WritesPython(Model):
    """Says this, as a CodeAgent expects it."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code

    def generate(self, messages: list[ChatMessage], **_options: Any) -> ChatMessage:
        return ChatMessage(MessageRole.ASSISTANT, content=f"<code>\n{self.code}\n</code>")


def observed(message: ChatMessage) -> str:
    content = message.content
    text = content if isinstance(content, str) else content[0]["text"]
    return str(text).removeprefix("Observation:\n")


class TestSmolagents(AgentLoop):
    framework = "smolagents"
    keeps_data = False

    async def converse(
        self, executor: Executor, calls: Sequence[dict[str, Any]], agent_id: str = ""
    ) -> Conversation:
        async with BlockingPortal() as portal:
            tool = code_execute_tool(executor, portal, agent_id=agent_id)
            agent = ToolCallingAgent(
                tools=[tool], model=FakeModel(calls), verbosity_level=LogLevel.OFF
            )
            answer = await to_thread.run_sync(agent.run, "Compute.")
        told = get_tool_json_schema(tool)["function"]
        heard = [step.observations for step in agent.memory.steps[1 : len(calls) + 1]]
        return Conversation(
            told["name"], told["description"], told["parameters"], heard, str(answer)
        )

    async def test_a_code_agent_calls_it_from_python(self, executor: Executor) -> None:
        code = "final_answer(code_execute(code='return context.n * 2', context={'n': 21}))"
        async with BlockingPortal() as portal:
            tool = code_execute_tool(executor, portal)
            agent = CodeAgent([tool], WritesPython(code), verbosity_level=LogLevel.OFF)
            assert await to_thread.run_sync(agent.run, "Compute.") in ("42", 42)

    async def test_an_agent_in_the_thread_of_the_loop_is_told_of_its_mistake(
        self, executor: Executor
    ) -> None:
        async with BlockingPortal() as portal:
            tool = code_execute_tool(executor, portal)
            with pytest.raises(RuntimeError, match="event loop thread"):
                tool(**SUM)

    async def test_a_runner_without_the_way_to_its_loop_is_refused(
        self, executor: Executor
    ) -> None:
        with pytest.raises(ConfigError, match="portal: this Executor belongs to an event loop"):
            code_execute_tool(executor)
