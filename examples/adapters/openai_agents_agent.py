"""OpenAI Agents SDK: an agent that computes with code_execute. A fake model stands in: no key.

scripts/adapters installs what this needs.
"""

import asyncio

from agents import Agent, Runner, ToolCallOutputItem, set_tracing_disabled
from agents.testing import ScriptedModel, assistant_message, function_call

from onehop import Sandbox
from onehop.adapters.openai_agents import code_execute_tool

CALL = {
    "code": "const amounts = context.orders.map((order) => order.amount);\n"
    "return { total: amounts.reduce((a, b) => a + b), largest: Math.max(...amounts) };",
    "context": {"orders": [{"amount": 30}, {"amount": 12}]},
}
ANSWER = "The order of 30 is the largest; 42 is paid in all."

MODEL = ScriptedModel(
    [[function_call("code_execute", CALL, call_id="1")], [assistant_message(ANSWER)]]
)


async def main() -> None:
    set_tracing_disabled(True)  # it would be sent to OpenAI
    async with Sandbox() as sandbox:
        agent = Agent("Accountant", tools=[code_execute_tool(sandbox, agent_id="ada")], model=MODEL)
        answer = await Runner.run(agent, "How much is paid?")
        for item in answer.new_items:
            if isinstance(item, ToolCallOutputItem):
                print("the tool said:", item.output)
        print(answer.final_output)


asyncio.run(main())
