"""LangChain: its tools are called by the code, three of them in one hop. No key is needed.

scripts/adapters installs what this needs.
"""

import asyncio

from langchain_core.tools import tool

from onehop import Sandbox
from onehop.adapters.langchain import code_execute_tool, tools_of

AMOUNTS = {"a": 30, "b": 12}


@tool
def list_orders() -> list[str]:
    """List the ids of all orders."""
    return list(AMOUNTS)


@tool
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
        print(await code_execute.ainvoke({"code": CODE}))


asyncio.run(main())
