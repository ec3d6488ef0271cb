"""Google ADK: an agent that computes with code_execute. A fake model stands in: no key is needed.

scripts/adapters installs what this needs.
"""

import asyncio
from collections.abc import AsyncGenerator

from google.adk.agents import Agent
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
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
        last = llm_request.contents[-1].parts[0].function_response
        if last is None:
            part = types.Part.from_function_call(name="code_execute", args=CALL)
        else:
            print("the tool said:", last.response["result"])
            part = types.Part(text=ANSWER)
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


MODEL = FakeModel()


async def main() -> None:
    async with Sandbox() as sandbox:
        tools = [code_execute_tool(sandbox, agent_id="ada")]
        agent = Agent(name="accountant", model=MODEL, tools=tools)
        runner = InMemoryRunner(agent)
        events = await runner.run_debug("How much is paid?", quiet=True)
        await runner.close()
        print(events[-1].content.parts[0].text)


asyncio.run(main())
