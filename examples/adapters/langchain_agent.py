"""LangChain: an agent that computes with code_execute. A fake model stands in, so no key is needed.

scripts/adapters installs what this needs.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from onehop import Sandbox
from onehop.adapters.langchain import code_execute_tool

CALL = {
    "code": "const amounts = context.orders.map((order) => order.amount);\n"
    "return { total: amounts.reduce((a, b) => a + b), largest: Math.max(...amounts) };",
    "context": {"orders": [{"amount": 30}, {"amount": 12}]},
}
ANSWER = "The order of 30 is the largest; 42 is paid in all."


class FakeModel(GenericFakeChatModel):
    """Says what the test wants it to say."""

    def bind_tools(self, tools: Sequence[Any], **options: Any) -> "FakeModel":  # noqa: ARG002
        return self


TURNS = [
    AIMessage("", tool_calls=[{"name": "code_execute", "args": CALL, "id": "1"}]),
    AIMessage(ANSWER),
]
MODEL = FakeModel(messages=iter(TURNS))


async def main() -> None:
    async with Sandbox() as sandbox:
        agent = create_agent(MODEL, [code_execute_tool(sandbox, agent_id="ada")])
        question = {"role": "user", "content": "How much is paid?"}
        end = await agent.ainvoke({"messages": [question]})
        *_, result, answer = end["messages"]
        print("the tool said:", result.artifact["output"])
        print(answer.text)


asyncio.run(main())
