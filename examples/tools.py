"""The code calls functions of this program: three tools, many calls, one hop.

Turn by turn this takes an agent a call for each order and each customer. python examples/tools.py
"""

import asyncio

from onehop import Sandbox, ToolFailed, tool

ORDERS: list[dict[str, int | str]] = [
    {"id": 1, "customer": "ada", "days_late": 9},
    {"id": 2, "customer": "linus", "days_late": 0},
    {"id": 3, "customer": "grace", "days_late": 4},
    {"id": 4, "customer": "bob", "days_late": 12},
]
TIERS = {"ada": "gold", "linus": "silver", "grace": "silver"}

CODE = """
const late = (await tools.orders()).filter((order) => order.days_late > 3);
const done = await Promise.all(late.map(async ({ id, customer, days_late }) => {
  try {
    const cents = days_late * (await tools.tier({ customer }) === "gold" ? 200 : 100);
    return await tools.voucher({ order_id: id, cents });
  } catch (error) {
    return `order ${id}: ${error.code}: ${error.message}`;
  }
}));
return done;
"""


@tool(effect="read")
def orders() -> list[dict[str, int | str]]:
    """List the orders of this week, with the days that they were late."""
    return ORDERS


@tool(effect="read")
def tier(customer: str) -> str:
    """Say which tier a customer has: silver or gold."""
    if customer not in TIERS:
        raise ToolFailed(f"nobody is called {customer}")
    return TIERS[customer]


@tool(effect="write")
def voucher(order_id: int, cents: int) -> str:
    """Send a voucher for an order."""
    return f"order {order_id}: sent {cents} cents"


RULES = [{"action": "deny", "tool": "voucher", "when": "cents > 1000"}]


async def main() -> None:
    """Run it under a rule, and print what came back and what did not pass through the model."""
    async with Sandbox(tools=[orders, tier, voucher], rules=RULES) as sandbox:
        result = await sandbox.execute(CODE)
    for line in result.output:
        print(line)
    for call in result.tool_calls or ():
        print(f"  {call.tool}: {call.outcome}")
    if result.avoided:
        print(f"{result.avoided.turns} turns saved")


if __name__ == "__main__":
    asyncio.run(main())
