"""Pydantic AI: agents with a FunctionModel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("pydantic_ai", reason="Pydantic AI is not installed: scripts/adapters does it")

from pydantic_ai import (
    Agent,
    ModelMessage,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolDefinition,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel

from onehop import Executor
from onehop.adapters.pydantic_ai import code_execute_tool
from tests.adapters.conversation import AgentLoop, Conversation


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
