"""A data transformation in one call: filter, group, sum and sort.

Step by step this takes an agent three tool calls, and each intermediate table goes through the
model. python examples/pattern_transform.py
"""

from typing import Any

import onehop

CODE = """
const totals = {};
for (const order of context.orders) {
  if (order.status === "paid") {
    totals[order.country] = (totals[order.country] ?? 0) + order.total;
  }
}
return Object.entries(totals)
  .map(([country, revenue]) => ({ country, revenue }))
  .sort((a, b) => b.revenue - a.revenue);
"""

CONTEXT: dict[str, Any] = {
    "orders": [
        {"id": 1001, "country": "DE", "status": "paid", "total": 120},
        {"id": 1002, "country": "FR", "status": "paid", "total": 75},
        {"id": 1003, "country": "DE", "status": "open", "total": 310},
        {"id": 1004, "country": "US", "status": "paid", "total": 64},
        {"id": 1005, "country": "FR", "status": "refunded", "total": 75},
        {"id": 1006, "country": "US", "status": "paid", "total": 149},
        {"id": 1007, "country": "DE", "status": "paid", "total": 42},
        {"id": 1008, "country": "FR", "status": "paid", "total": 190},
        {"id": 1009, "country": "US", "status": "open", "total": 88},
        {"id": 1010, "country": "DE", "status": "paid", "total": 15},
    ]
}


def main() -> None:
    """Run it and print the table."""
    result = onehop.run(CODE, context=CONTEXT)
    for row in result.output:
        print(f"{row['country']}: {row['revenue']}")


if __name__ == "__main__":
    main()
