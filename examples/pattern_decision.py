"""A decision tree in one call: each branch needs a value that an earlier one has found.

Step by step this takes an agent four tool calls, and each can start only when the last has
ended. python examples/pattern_decision.py
"""

from typing import Any

import onehop

CODE = """
const { customer, order, today } = context;
const tier = customer.points >= 5000 ? "gold" : customer.points >= 1000 ? "silver" : "basic";
const window = { gold: 60, silver: 30, basic: 14 }[tier];
const age = (Date.parse(today) - Date.parse(order.delivered)) / 86_400_000;
if (age > window) return { decision: "reject", reason: `${age} days, ${window} allowed`, tier };
const rate = customer.returns / customer.orders;
if (rate > 0.5) return { decision: "review", reason: `returns ${rate} of all orders`, tier };
const refund = order.opened && tier !== "gold" ? order.total * 0.85 : order.total;
return { decision: "refund", refund, tier };
"""

CONTEXT: dict[str, Any] = {
    "customer": {"points": 2300, "orders": 20, "returns": 3},
    "order": {"total": 240, "delivered": "2026-03-02", "opened": True},
    "today": "2026-03-21",
}


def main() -> None:
    """Run it and print the decision."""
    output = onehop.run(CODE, context=CONTEXT).output
    print(f"{output['decision']} {output['refund']} ({output['tier']})")


if __name__ == "__main__":
    main()
