"""LangChain and LangGraph: agents made by ``create_agent``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("langchain", reason="LangChain is not installed: scripts/adapters installs it")

from anyio import to_thread
from anyio.from_thread import BlockingPortal
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from onehop import Executor
from onehop.adapters.langchain import code_execute_tool
from tests.adapters.conversation import SUM, AgentLoop, Conversation


class FakeModel(GenericFakeChatModel):
    """LangChain's fake model, which can be given tools and answers with what it heard last."""

    told: list[Any] = []  # noqa: RUF012 - pydantic copies it

    def bind_tools(self, tools: Sequence[Any], **_options: Any) -> FakeModel:
        self.told.extend(map(convert_to_openai_tool, tools))
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        result = super()._generate(messages, *args, **options)
        message: Any = result.generations[0].message
        if not message.content and not message.tool_calls:
            message.content = f"I heard: {messages[-1].content}"
        return result


class TestLangChain(AgentLoop):
    framework = "langchain"

    async def converse(
        self, executor: Executor, calls: Sequence[dict[str, Any]], agent_id: str = ""
    ) -> Conversation:
        turns = [
            AIMessage(
                "", tool_calls=[{"name": "code_execute", "args": call, "id": f"call {number}"}]
            )
            for number, call in enumerate(calls)
        ]
        model = FakeModel(messages=iter([*turns, AIMessage("")]))
        agent = create_agent(model, [code_execute_tool(executor, agent_id=agent_id)])
        end = await agent.ainvoke({"messages": [{"role": "user", "content": "Compute."}]})
        results = [each for each in end["messages"] if isinstance(each, ToolMessage)]
        told = model.told[0]["function"]
        return Conversation(
            told["name"],
            told["description"],
            told["parameters"],
            [str(each.content) for each in results],
            end["messages"][-1].content,
            [each.artifact for each in results],
        )

    async def test_an_agent_that_is_not_async_goes_through_a_portal(
        self, executor: Executor
    ) -> None:
        call = {"name": "code_execute", "args": SUM, "id": "1"}
        model = FakeModel(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("")]))
        async with BlockingPortal() as portal:
            agent = create_agent(model, [code_execute_tool(executor, portal)])
            question: Any = {"messages": [{"role": "user", "content": "Compute."}]}
            end: Any = await to_thread.run_sync(lambda: agent.invoke(question))
        assert end["messages"][-1].content == "I heard: 7"
