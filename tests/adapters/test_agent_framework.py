"""Microsoft Agent Framework: agents with a chat client of its own kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

pytest.importorskip(
    "agent_framework", reason="Agent Framework is not installed: scripts/adapters installs it"
)

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    Message,
)

from onehop import Executor
from onehop.adapters.agent_framework import code_execute_tool
from tests.adapters.conversation import AgentLoop, Conversation


class FakeModel(FunctionInvocationLayer, BaseChatClient):
    """Makes these calls, then says what it heard last."""

    def __init__(self, calls: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        self.left = list(calls)
        self.tools: list[Any] = []

    async def _inner_get_response(
        self, *, messages: Sequence[Message], options: Mapping[str, Any], **_request: Any
    ) -> ChatResponse:
        self.tools = options["tools"]
        if self.left:
            number = f"call {len(self.left)}"
            content = Content.from_function_call(number, "code_execute", arguments=self.left.pop(0))
        else:
            content = Content.from_text(f"I heard: {messages[-1].contents[0].result}")
        return ChatResponse(messages=[Message("assistant", [content])])


class TestAgentFramework(AgentLoop):
    framework = "agent_framework"

    async def converse(
        self, executor: Executor, calls: Sequence[dict[str, Any]], agent_id: str = ""
    ) -> Conversation:
        model = FakeModel(calls)
        agent = Agent(model, tools=[code_execute_tool(executor, agent_id=agent_id)])
        end = await agent.run("Compute.")
        contents: list[Any] = [content for message in end.messages for content in message.contents]
        results = [each for each in contents if each.type == "function_result"]
        tool = model.tools[0]
        return Conversation(
            tool.name,
            tool.description,
            tool.parameters(),
            [each.result for each in results],
            end.text,
            [each.items[0].raw_representation for each in results],
        )
