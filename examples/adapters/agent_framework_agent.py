"""Microsoft Agent Framework: an agent that computes with code_execute. A fake model stands in.

scripts/adapters installs what this needs; no key is needed.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    Message,
)

from onehop import Sandbox
from onehop.adapters.agent_framework import code_execute_tool

CALL = {
    "code": "const amounts = context.orders.map((order) => order.amount);\n"
    "return { total: amounts.reduce((a, b) => a + b), largest: Math.max(...amounts) };",
    "context": {"orders": [{"amount": 30}, {"amount": 12}]},
}
ANSWER = "The order of 30 is the largest; 42 is paid in all."


class FakeModel(FunctionInvocationLayer, BaseChatClient):
    """Says what the test wants it to say."""

    turns: Iterator[Any] = iter(
        [Content.from_function_call("1", "code_execute", arguments=CALL), ANSWER]
    )

    async def _inner_get_response(self, **_request: Any) -> ChatResponse:
        return ChatResponse(messages=[Message("assistant", [next(self.turns)])])


MODEL = FakeModel()


async def main() -> None:
    async with Sandbox() as sandbox:
        agent = Agent(MODEL, tools=[code_execute_tool(sandbox, agent_id="ada")])
        answer = await agent.run("How much is paid?")
        for message in answer.messages:
            for content in message.contents:
                if content.type == "function_result":
                    print("the tool said:", content.result)
        print(answer.text)


asyncio.run(main())
