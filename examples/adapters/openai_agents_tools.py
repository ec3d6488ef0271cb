"""OpenAI Agents SDK: its tools are called by the code, three of them in one hop. No key is needed.

scripts/adapters installs what this needs.
"""

import asyncio
import json

from agents import function_tool
from agents.tool_context import ToolContext

from onehop import Sandbox
from onehop.adapters.openai_agents import code_execute_tool, tools_of

AMOUNTS = {"a": 30, "b": 12}


@function_tool
def list_orders() -> list[str]:
    """List the ids of all orders."""
    return list(AMOUNTS)


@function_tool
async def amount_of(order: str) -> int:
    """Tell the amount of an order."""
    return AMOUNTS[order]


CODE = """
const orders = await tools.list_orders();
const amounts = await Promise.all(orders.map((order) => tools.amount_of({ order })));
return amounts.reduce((a, b) => a + b);
"""


async def main() -> None:
    given = tools_of([list_orders, amount_of], effects="read")
    async with Sandbox(tools=given) as sandbox:
        code_execute = code_execute_tool(sandbox, agent_id="ada")
        print(".amount_of({order: string})" in code_execute.description)
        call = json.dumps({"code": CODE})
        context = ToolContext(None, tool_name="code_execute", tool_call_id="1", tool_arguments=call)
        print(await code_execute.on_invoke_tool(context, call))


asyncio.run(main())
