"""LangChain and LangGraph: agents made by ``create_agent``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import pytest

pytest.importorskip("langchain", reason="LangChain is not installed: scripts/adapters installs it")

from anyio import to_thread
from anyio.from_thread import BlockingPortal
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatResult
from langchain_core.tools import BaseTool, ToolException, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.prebuilt import InjectedState
from pydantic import BaseModel, field_validator

from onehop import ConfigError, Executor, Sandbox
from onehop.adapters.langchain import code_execute_tool, tools_of
from tests.adapters.conversation import SUM, AgentLoop, Conversation, check_example


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


# --- tools of LangChain, for the code ---


@tool
def population(city: str) -> int:
    """Count the people of a city.

    Args:
        city: Its name.
    """
    return {"Paris": 2, "Rome": 3}[city]


@tool
async def greet(name: str, polite: bool = True) -> dict[str, str]:
    """Greet somebody."""
    await asyncio.sleep(0)
    return {"said": f"Good day, {name}" if polite else f"Hi {name}"}


class Even(BaseModel):
    """An even number."""

    number: int

    @field_validator("number")
    @classmethod
    def check(cls, number: int) -> int:
        if number % 2:
            raise ValueError("it is odd")
        return number


@tool(args_schema=Even)
def half(number: int) -> int:
    """Halve a number."""
    return number // 2


class Closed(BaseTool):
    name: str = "closed"
    description: str = "Is closed."
    handle_tool_error: bool = True

    def _run(self) -> str:
        raise ToolException("come back tomorrow")


def lookup(word: str) -> str:
    """Look a word up."""
    raise RuntimeError(f"no {word}: the password is hunter2")


@tool
def of_the_graph(query: str, state: Annotated[dict[str, Any], InjectedState]) -> str:
    """Read the state of the graph."""
    return query + str(state)


async def test_code_calls_tools_of_langchain_at_the_same_time() -> None:
    async with Sandbox(tools=tools_of([population, greet], effects="read")) as sandbox:
        result = await sandbox.execute("""
            const [paris, rome] = await Promise.all(
                ["Paris", "Rome"].map((city) => tools.population({ city })));
            return [paris + rome, await tools.greet({ name: "Ada" })];
        """)
        assert result.output == [5, {"said": "Good day, Ada"}]
        assert [call.effect for call in result.tool_calls or ()] == ["read"] * 3


async def test_their_schemas_and_words_are_kept() -> None:
    async with Sandbox(tools=tools_of([population, greet])) as sandbox:
        found = sandbox.toolbox.discovery.describe("population")
        assert found["inputSchema"]["properties"]["city"]["type"] == "string"
        assert found["inputSchema"]["required"] == ["city"]
        assert found["effect"] == "write"
        assert "Count the people of a city" in sandbox.toolbox.offer


async def test_the_model_is_told_of_them() -> None:
    async with Sandbox(tools=tools_of([population])) as sandbox:
        assert ".population({city: string})" in code_execute_tool(sandbox).description


async def test_what_goes_wrong_in_them_is_an_error_of_the_code() -> None:
    given = tools_of([half, Closed(), lookup, population])
    async with Sandbox(tools=given) as sandbox:
        result = await sandbox.execute("""
            const told = async (call) => { try { return await call() } catch (e) {
                return [e.tool, e.code, e.field ?? null, e.message] } };
            return [await told(() => tools.half({ number: 3 })),
                await told(() => tools.closed()), await told(() => tools.lookup({ word: "a" })),
                await told(() => tools.population({}))];
        """)
        odd, closed, broken, missing = result.output
        assert odd[:3] == ["half", "invalid_arguments", "number"]
        assert "it is odd" in odd[3]
        assert closed == ["closed", "failed", None, "come back tomorrow"]
        assert broken[:2] == ["lookup", "internal"]
        assert "hunter2" not in broken[3]
        assert missing[:3] == ["population", "invalid_arguments", "city"]


async def test_a_tool_that_needs_the_state_of_a_graph_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"of_the_graph.*state"):
        tools_of([of_the_graph])


def test_an_effect_of_a_tool_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="populaton"):
        tools_of([population], effects={"populaton": "read"})


def test_the_example_with_tools_runs_and_its_lines_are_those_of_the_page() -> None:
    check_example("langchain", "tools")
