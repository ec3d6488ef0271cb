"""Google ADK: agents with a model of its own kind, run in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

pytest.importorskip(
    "google.adk", reason="Google ADK is not installed: scripts/adapters installs it"
)

from google.adk.agents import Agent
from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types

from onehop import Executor
from onehop.adapters.google_adk import code_execute_tool
from tests.adapters.conversation import AgentLoop, Conversation


class FakeModel(BaseLlm):
    """Makes these calls, then says what it heard last."""

    model: str = "fake"
    left: list[dict[str, Any]]
    told: list[Any] = []  # noqa: RUF012 - pydantic copies it

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        request: Any = llm_request
        self.told.extend(request.config.tools[0].function_declarations)
        last = request.contents[-1].parts[0].function_response
        if self.left:
            part = types.Part.from_function_call(name="code_execute", args=self.left.pop(0))
        else:
            part = types.Part(text=f"I heard: {last.response['result']}")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


class TestGoogleADK(AgentLoop):
    framework = "google_adk"
    keeps_data = False

    async def converse(
        self, executor: Executor, calls: Sequence[dict[str, Any]], agent_id: str = ""
    ) -> Conversation:
        model = FakeModel(left=list(calls))
        tool = code_execute_tool(executor, agent_id=agent_id)
        runner = InMemoryRunner(Agent(name="ada", model=model, tools=[tool]))
        try:
            events: list[Any] = await runner.run_debug("Compute.", quiet=True)
        finally:
            await runner.close()
        parts = [part for event in events for part in event.content.parts]
        results = [part.function_response for part in parts if part.function_response]
        assert all(each.response["success"] == _went_well(each) for each in results)
        told = model.told[0]
        return Conversation(
            told.name,
            told.description,
            told.parameters_json_schema,
            [each.response["result"] for each in results],
            parts[-1].text,
        )


def _went_well(response: Any) -> bool:
    return not str(response.response["result"]).startswith("Error")
