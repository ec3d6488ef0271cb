"""Google ADK: an agent that computes with code_execute. A fake model stands in: no key is needed.

scripts/adapters installs what this needs.
"""

import asyncio
from collections.abc import AsyncGenerator

from google.adk.agents import Agent
from google.adk.models import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types

from onehop import Sandbox
from onehop.adapters.google_adk import code_execute_tool

CALL = {
    "code": "const amounts = context.orders.map((order) => order.amount);\n"
    "return { total: amounts.reduce((a, b) => a + b), largest: Math.max(...amounts) };",
    "context": {"orders": [{"amount": 30}, {"amount": 12}]},
}
ANSWER = "The order of 30 is the largest; 42 is paid in all."


class FakeModel(BaseLlm):
    """The call first, then the answer."""

    model: str = "fake"

    async def generate_content_async(
        self,
        llm_request: LlmRequest,
        stream: bool = False,  # noqa: ARG002
    ) -> AsyncGenerator[LlmResponse, None]:
        (last,) = llm_request.contents[-1].parts or []
        if last.function_response is None:
            part = types.Part.from_function_call(name="code_execute", args=CALL)
        else:
            print("the tool said:", last.function_response.response)
            part = types.Part(text=ANSWER)
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


MODEL = FakeModel()


async def main() -> None:
    async with Sandbox() as sandbox:
        tool = code_execute_tool(sandbox, agent_id="ada")
        agent = Agent(name="accountant", model=MODEL, tools=[tool])
        runner = InMemoryRunner(agent)
        events = await runner.run_debug("How much is paid?", quiet=True)
        await runner.close()
        answer = events[-1].content
        assert answer is not None
        print(*(part.text for part in answer.parts or []))


asyncio.run(main())
