"""Tokens that a model spends on reading a result over MCP: as text, and as structuredContent."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

from benchmarks._model import compact, tokenizer
from benchmarks._program import Options, main
from benchmarks._report import Budget, Cell, Report, Table
from onehop import AuditConfig, ExecutionResult, Executor, SandboxConfig, open_executor
from onehop.definition.text import to_text
from onehop.definition.told import told_of
from onehop.runs.callers import Caller
from onehop.server.mcp._data import SCHEMA, to_data
from onehop.server.mcp._fit import fit

Count = Callable[[str], int]

_ORDERS = [
    {"id": 1000 + n, "customer": f"customer {n % 7}", "amount": 19.5 * n, "paid": n % 3 > 0}
    for n in range(40)
]
_ROWS = "return context.orders.filter((order) => order.paid)"
RESULTS: dict[str, dict[str, Any]] = {
    "a number": {"code": "return 6 * 7"},
    "a sentence": {"code": "return `The quick brown fox has jumped over ${2 + 3} lazy dogs.`"},
    "an object": {"code": "return { count: 40, mean: 380.25, best: 'customer 4', open: [3, 6] }"},
    "26 rows": {"code": _ROWS, "context": {"orders": _ORDERS}},
    "nested groups": {
        "code": "return Object.groupBy(context.orders.slice(0, 12), (order) => order.customer)",
        "context": {"orders": _ORDERS},
    },
    "ten console lines": {
        "code": "for (let i = 1; i <= 10; i++) console.log(`step ${i} took ${i * 12} ms`);"
        " return 55"
    },
    "corrected": {"code": "```js\nconst total = 30 + 12;\nreturn { total };\n```"},
    "an exception": {
        "code": "const user = context.user;\nconsole.log('looking');\nreturn user.name.trim();"
    },
    "refused": {"code": "const home = process.env.HOME;\nreturn home"},
    "too large": {"code": "return Array.from({ length: 50_000 }, (_, n) => n * 7)"},
}
"""Calls whose results are of everyday kinds."""


async def measure(options: Options) -> Report:
    """Every result in every form; how often does not matter."""
    del options
    report = Report("mcp_tokens", "Tokens of a result over MCP")
    count, tokens = tokenizer()
    heads = ("text", "structuredContent", "over the text", "whole result", "indented text")
    table = report.table("tokens", "result", *heads)
    async with _executor() as executor:
        for name, arguments in RESULTS.items():
            result = await executor.call(arguments, Caller(agent_id="bench"))
            _add(table, name, *_forms(result, count))
    usual = median(map(_ratio, table.rows))
    _sum(table)
    summed = _ratio(table.rows[-1])
    report.budgets += [
        Budget("structuredContent over the text, median of ten", usual, "≤", 1.3, "times"),
        Budget("structuredContent over the text, sum of nine", summed, "≤", 1.3, "times"),
    ]
    schema = count(compact(SCHEMA))
    report.notes += [
        f"Tokens: {tokens}.",
        "whole result: every field, as structuredContent had it before and _meta has it now."
        " indented text: the text with its JSON set out on several lines, as it was before.",
        "`status` and the names around a value are 8 tokens, whatever the value is.",
        f"The output schema, which some clients send with every turn, is {schema} tokens.",
    ]
    return report


@asynccontextmanager
async def _executor() -> AsyncIterator[Executor]:
    with tempfile.TemporaryDirectory() as folder:
        audit = AuditConfig(store=f"sqlite:///{folder}/onehop.db", journal=f"{folder}/journal")
        async with open_executor(SandboxConfig(pool_size=1), audit=audit) as executor:
            yield executor


def _forms(result: ExecutionResult, count: Count) -> list[int]:
    fitted = fit(result, lambda _text: "aB3dE5gH7jK9mN1p")
    told = told_of(fitted.result, fitted.lines, "onehop://outputs/aB3dE5gH7jK9mN1p")
    text, data = to_text(told), compact(to_data(told))
    indented = text
    if isinstance(told.output, dict | list):
        indented = text.replace(compact(told.output), json.dumps(told.output, indent=2))
    return [*map(count, (text, data, compact(fitted.result.to_dict()), indented))]


def _add(table: Table, name: str, text: int, data: int, whole: int, indented: int) -> None:
    table.add(name, text, data, data / text, whole, indented)


def _sum(table: Table) -> None:
    """Of all but the last, which alone would outweigh them."""
    columns = list(zip(*table.rows[:-1], strict=True))
    text, data, _, whole, indented = (sum(map(_number, column)) for column in columns[1:])
    _add(table, "the first nine", int(text), int(data), int(whole), int(indented))


def _ratio(row: list[Cell]) -> float:
    return _number(row[3])


def _number(cell: Cell) -> float:
    assert isinstance(cell, int | float)
    return cell


if __name__ == "__main__":
    main("mcp_tokens", measure)
