"""A calculation of several steps in one call: the cost of two loans, and which is cheaper.

Step by step this takes an agent five tool calls, one for each payment, total and difference.
python examples/pattern_calculation.py
"""

from typing import Any

import onehop

CODE = """
const cost = ({ name, principal, rate, months, fee }) => {
  const monthly = rate / 12;
  const payment = (principal * monthly) / (1 - (1 + monthly) ** -months);
  return { name, payment: round(payment), total: round(round(payment) * months + fee) };
};
const round = (amount) => Math.round(amount * 100) / 100;
const [a, b] = context.loans.map(cost);
const cheaper = a.total <= b.total ? a : b;
return { loans: [a, b], cheaper: cheaper.name, saved: round(Math.abs(a.total - b.total)) };
"""

CONTEXT: dict[str, Any] = {
    "loans": [
        {"name": "A", "principal": 18000, "rate": 0.049, "months": 48, "fee": 250},
        {"name": "B", "principal": 18000, "rate": 0.054, "months": 36, "fee": 0},
    ]
}


def main() -> None:
    """Run it and print what was found."""
    output = onehop.run(CODE, context=CONTEXT).output
    for loan in output["loans"]:
        print(f"{loan['name']}: {loan['payment']} a month, {loan['total']} in all")
    print(f"{output['cheaper']} saves {output['saved']}")


if __name__ == "__main__":
    main()
