"""Four everyday tasks, with the tools that an agent would solve them with step by step.

The task as one program is that of ``examples/pattern_*.py``.
"""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks._model import compact

_EXAMPLES = Path(__file__).parent.parent / "examples"
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Tool:
    """A function of the host, as the model is told of it."""

    run: Callable[..., Any]
    description: str
    parameters: dict[str, str]
    """Name to JSON type."""

    @property
    def name(self) -> str:
        return self.run.__name__

    def definition(self) -> dict[str, Any]:
        """What a model is given."""
        properties = {name: {"type": kind} for name, kind in self.parameters.items()}
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        return {"name": self.name, "description": self.description, "parameters": schema}


@dataclass(frozen=True)
class Call:
    """A call that the model makes; an argument ``$1`` stands for the result of the first call."""

    tool: str
    arguments: dict[str, Any]

    def with_values(self, results: list[Any]) -> Call:
        """The call with the earlier results that it needs."""
        return Call(
            self.tool, {name: _value(each, results) for name, each in self.arguments.items()}
        )

    def text(self) -> str:
        """What the model writes."""
        return compact({"name": self.tool, "arguments": self.arguments})


def _value(argument: Any, results: list[Any]) -> Any:
    if isinstance(argument, str) and argument.startswith("$"):
        return results[int(argument[1:]) - 1]
    return argument


@dataclass(frozen=True)
class Pattern:
    """One task."""

    name: str
    task: str
    tools: list[Tool]
    turns: list[list[Call]]
    """Calls that do not need each other's results stand together."""
    outcome: Callable[[list[Any]], Any]
    """From the results of all calls to what the program returns."""
    answer: str
    """The model's last words."""
    code: str = field(repr=False)
    context: dict[str, Any] = field(repr=False)

    def tool(self, name: str) -> Tool:
        """The tool of this name."""
        return next(tool for tool in self.tools if tool.name == name)


def _pattern(name: str, task: str, **parts: Any) -> Pattern:
    example = runpy.run_path(str(_EXAMPLES / f"pattern_{name}.py"))
    context = example["CONTEXT"]
    return Pattern(
        name=name,
        task=f"{task}\n{compact(context)}",
        code=example["CODE"].strip(),
        context=context,
        **parts,
    )


# --- data transformation ---


def filter_rows(rows: Rows, field: str, equals: str) -> Rows:
    return [row for row in rows if row[field] == equals]


def sum_by(rows: Rows, key: str, value: str) -> Rows:
    sums: dict[str, float] = {}
    for row in rows:
        sums[row[key]] = sums.get(row[key], 0) + row[value]
    return [{"country": name, "revenue": total} for name, total in sums.items()]


def sort_rows(rows: Rows, by: str, descending: bool) -> Rows:
    return sorted(rows, key=lambda row: row[by], reverse=descending)


def _transform() -> Pattern:
    pattern = _pattern(
        "transform",
        "What is the revenue of the paid orders in each country, highest first?",
        tools=[
            Tool(
                filter_rows,
                "Rows whose field equals a value.",
                {"rows": "array", "field": "string", "equals": "string"},
            ),
            Tool(
                sum_by,
                "Sums of a field by a key.",
                {"rows": "array", "key": "string", "value": "string"},
            ),
            Tool(
                sort_rows,
                "Rows in the order of a field.",
                {"rows": "array", "by": "string", "descending": "boolean"},
            ),
        ],
        turns=[],
        outcome=lambda results: results[-1],
        answer="Of the paid orders, FR brought 265, US 213 and DE 177.",
    )
    orders = pattern.context["orders"]
    pattern.turns.extend(
        [
            [Call("filter_rows", {"rows": orders, "field": "status", "equals": "paid"})],
            [Call("sum_by", {"rows": "$1", "key": "country", "value": "total"})],
            [Call("sort_rows", {"rows": "$2", "by": "revenue", "descending": True})],
        ]
    )
    return pattern


# --- multi-step calculation ---


def monthly_payment(principal: float, rate: float, months: int) -> float:
    monthly = rate / 12
    return round(principal * monthly / (1 - (1 + monthly) ** -months), 2)


def total_cost(payment: float, months: int, fee: float) -> float:
    return round(payment * months + fee, 2)


def difference(a: float, b: float) -> float:
    return round(abs(a - b), 2)


def _loans(results: list[Any]) -> Any:
    first, second, first_total, second_total, saved = results
    return {
        "loans": [
            {"name": "A", "payment": first, "total": first_total},
            {"name": "B", "payment": second, "total": second_total},
        ],
        "cheaper": "B",
        "saved": saved,
    }


def _calculation() -> Pattern:
    number, whole = "number", "integer"
    return _pattern(
        "calculation",
        "Which of these loans costs less in all, and by how much? Give the payments too.",
        tools=[
            Tool(
                monthly_payment,
                "The monthly payment of a loan at a yearly rate.",
                {"principal": number, "rate": number, "months": whole},
            ),
            Tool(
                total_cost,
                "What a loan costs in all.",
                {"payment": number, "months": whole, "fee": number},
            ),
            Tool(difference, "How far two amounts are apart.", {"a": number, "b": number}),
        ],
        turns=[
            [
                Call("monthly_payment", {"principal": 18000, "rate": 0.049, "months": 48}),
                Call("monthly_payment", {"principal": 18000, "rate": 0.054, "months": 36}),
            ],
            [
                Call("total_cost", {"payment": 413.71, "months": 48, "fee": 250}),
                Call("total_cost", {"payment": 542.71, "months": 36, "fee": 0}),
            ],
            [Call("difference", {"a": 20108.08, "b": 19537.56})],
        ],
        outcome=_loans,
        answer="Loan B is cheaper by 570.52: 542.71 a month, 19537.56 in all, against 413.71 a "
        "month and 20108.08 in all for A.",
    )


# --- decision tree ---


def customer_tier(points: int) -> str:
    return "gold" if points >= 5000 else "silver" if points >= 1000 else "basic"


def return_window(tier: str) -> int:
    return {"gold": 60, "silver": 30, "basic": 14}[tier]


def days_between(start: str, end: str) -> int:
    return (date.fromisoformat(end) - date.fromisoformat(start)).days


def refund_amount(tier: str, total: float, opened: bool) -> float:
    return total * 0.85 if opened and tier != "gold" else total


_RULES = (
    "May this order be returned, and for how much? Tiers: gold from 5000 points, silver from 1000, "
    "else basic. Gold may return for 60 days, silver for 30, basic for 14; later ones are rejected."
    " Who returned more than half of all orders goes to review. Opened goods are refunded at 85 %, "
    "for gold in full."
)


def _decision() -> Pattern:
    text, number = "string", "number"
    return _pattern(
        "decision",
        _RULES,
        tools=[
            Tool(customer_tier, "The tier of a customer.", {"points": "integer"}),
            Tool(return_window, "Days that a tier may return.", {"tier": text}),
            Tool(days_between, "Days from one date to another.", {"start": text, "end": text}),
            Tool(
                refund_amount,
                "What is refunded.",
                {"tier": text, "total": number, "opened": "boolean"},
            ),
        ],
        turns=[
            [
                Call("customer_tier", {"points": 2300}),
                Call("days_between", {"start": "2026-03-02", "end": "2026-03-21"}),
            ],
            [Call("return_window", {"tier": "silver"})],
            [Call("refund_amount", {"tier": "silver", "total": 240, "opened": True})],
        ],
        outcome=lambda results: {"decision": "refund", "refund": results[3], "tier": results[0]},
        answer="Yes: 19 days are within the 30 of silver; for opened goods 204 are refunded.",
    )


# --- loop over items ---


def check_sensor(id: str, limit: float, readings: list[float]) -> dict[str, Any]:  # noqa: A002
    mean = round(sum(readings) / len(readings) + 1e-9, 1)  # half up, as JavaScript rounds
    return {"id": id, "mean": mean, "peak": max(readings), "alarm": max(readings) > limit}


def loop(sensors: int = 8) -> Pattern:
    """The loop over so many items: those of the example, again and again."""
    pattern = _pattern(
        "loop",
        "Which of these sensors had a reading above their limit? Give their mean and peak.",
        tools=[
            Tool(
                check_sensor,
                "Mean and peak of a sensor's readings, and whether it is above its limit.",
                {"id": "string", "limit": "number", "readings": "array"},
            )
        ],
        turns=[[]],
        outcome=lambda results: {
            "checked": len(results),
            "alarms": [result for result in results if result["alarm"]],
        },
        answer="Two of the 8 sensors: s2 (mean 29.5, peak 31.5) and s5 (mean 25.8, peak 27).",
    )
    known = pattern.context["sensors"]
    chosen = [{**known[i % len(known)], "id": f"s{i + 1}"} for i in range(sensors)]
    pattern.turns[0].extend(Call("check_sensor", sensor) for sensor in chosen)
    context = {"sensors": chosen}
    task = pattern.task.replace(compact(pattern.context), compact(context))
    return dataclasses.replace(pattern, context=context, task=task)


def patterns() -> list[Pattern]:
    """All four."""
    return [_transform(), _calculation(), _decision(), loop()]
