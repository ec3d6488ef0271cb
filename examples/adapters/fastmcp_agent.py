"""FastMCP: a server whose tools are called from code, and a client in place of an agent.

scripts/adapters installs what this needs; no key is needed.
"""

import asyncio

from fastmcp import Client, FastMCP

from onehop import Sandbox
from onehop.adapters.fastmcp import code_mode

CODE = """
const ids = await call_tool("order_ids", {});
const orders = await Promise.all(ids.result.map((id) => call_tool("order", { id })));
const amounts = orders.map((order) => order.amount);
return { total: amounts.reduce((a, b) => a + b), largest: Math.max(...amounts) };
"""
ORDERS = {1: 30, 2: 12}


def order_ids() -> list[int]:
    """The numbers of all orders."""
    return list(ORDERS)


def order(id: int) -> dict[str, int]:  # noqa: A002
    """One order."""
    return {"id": id, "amount": ORDERS[id]}


async def main() -> None:
    async with Sandbox() as sandbox:
        server = FastMCP("orders", tools=[order_ids, order], transforms=[code_mode(sandbox)])
        async with Client(server) as agent:
            print("tools:", *(tool.name for tool in await agent.list_tools()))
            answer = await agent.call_tool("execute", {"code": CODE})
            paid = answer.data
        print("the tool said:", paid)
        print(f"The order of {paid['largest']} is the largest; {paid['total']} is paid in all.")


asyncio.run(main())
