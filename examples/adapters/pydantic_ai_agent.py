"""Pydantic AI: an agent that computes with code_execute. A fake model stands in: no key is needed.

scripts/adapters installs what this needs.
"""

import asyncio

from pydantic_ai import Agent, ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from onehop import Sandbox
from onehop.adapters.pydantic_ai import code_execute_tool

CALL = {
    "code": "const amounts = context.orders.map((order) => order.amount);\n"
    "return { total: amounts.reduce((a, b) => a + b), largest: Math.max(...amounts) };",
    "context": {"orders": [{"amount": 30}, {"amount": 12}]},
}
ANSWER = "The order of 30 is the largest; 42 is paid in all."


def say(messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    """The call first, then the answer."""
    last = messages[-1].parts[0]
    if isinstance(last, ToolReturnPart):
        print("the tool said:", last.content)
        return ModelResponse(parts=[TextPart(ANSWER)])
    return ModelResponse(parts=[ToolCallPart("code_execute", CALL)])


MODEL = FunctionModel(say)


async def main() -> None:
    async with Sandbox() as sandbox:
        agent = Agent(MODEL, tools=[code_execute_tool(sandbox, agent_id="ada")])
        answer = await agent.run("How much is paid?")
        print(answer.output)


asyncio.run(main())
