"""What a program found: printed as tables, written to ``results/`` as JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks._machine import facts

Cell = str | int | float | None
RESULTS = Path(__file__).parent / "results"
_ORDER = (
    "latency",
    "doors",
    "throughput",
    "realms",
    "compute",
    "typescript",
    "contexts",
    "memory",
    "imports",
    "waiting",
    "store",
    "scaling",
    "replicas",
    "validation",
    "roundtrips",
    "taskbench",
    "calls",
    "resuming",
    "typecheck",
    "mcp_tokens",
    "discovery",
    "feed",
    "dashboard",
)


@dataclass
class Table:
    """Rows of measured values; a cell of None is something that was not measured."""

    title: str
    columns: Sequence[str]
    rows: list[list[Cell]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        assert len(cells) == len(self.columns)
        self.rows.append(list(cells))


@dataclass(frozen=True)
class Budget:
    """A promise of DESIGN.md beside what was measured."""

    what: str
    measured: float | None
    sense: Literal["≤", "≥"]
    limit: float | None
    unit: str

    @property
    def verdict(self) -> str:
        if self.measured is None or self.limit is None:
            return "not measured"
        holds = self.measured <= self.limit if self.sense == "≤" else self.measured >= self.limit
        return "met" if holds else "missed"


@dataclass
class Report:
    """Everything that one program has to say."""

    program: str
    title: str
    tables: list[Table] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    """Rivals that were not measured, and why."""
    machine: dict[str, str] = field(default_factory=facts)
    """Taken when the report is begun, so that the load is that of the machine without us."""

    def table(self, title: str, *columns: str) -> Table:
        made = Table(title, columns)
        self.tables.append(made)
        return made


def publish(report: Report, command: str, quick: bool) -> None:
    """Print ``report``, write its JSON and rebuild the summary of all programs."""
    record = _record(report, command, quick)
    _print(record)
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (RESULTS / f"{report.program}.json").write_text(text + "\n", "utf-8")
    (RESULTS / "summary.md").write_text(_summary(), "utf-8")


def _record(report: Report, command: str, quick: bool) -> dict[str, Any]:
    return {
        "program": report.program,
        "title": report.title,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "quick": quick,
        "machine": report.machine,
        "tables": [asdict(table) for table in report.tables],
        "budgets": [{**asdict(budget), "verdict": budget.verdict} for budget in report.budgets],
        "absent": report.absent,
        "notes": report.notes,
    }


def show(cell: Cell) -> str:
    """Three significant digits, and no more than a reader can use."""
    if cell is None:
        return "-"
    if isinstance(cell, float):
        digits = 0 if abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2 if abs(cell) >= 1 else 3
        return f"{cell:.{digits}f}"
    return str(cell)


def _print(record: dict[str, Any]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    console.print(f"\n[bold]{record['title']}[/bold]  ({record['command']})")
    for title, columns, rows in _tables(record):
        shown = RichTable(*columns, title=title, title_justify="left")
        for column in shown.columns[1:]:
            column.justify = "right"
        for row in rows:
            shown.add_row(*row)
        console.print(shown)
    for line in _remarks(record):
        console.print(line, markup=False, highlight=False)


def _tables(record: dict[str, Any]) -> Iterable[tuple[str, list[str], list[list[str]]]]:
    for table in record["tables"]:
        rows = [[show(cell) for cell in row] for row in table["rows"]]
        yield table["title"], list(table["columns"]), rows
    if record["budgets"]:
        rows = [_budget_row(budget) for budget in record["budgets"]]
        yield "Budgets", ["what", "measured", "budget", "verdict"], rows


def _budget_row(budget: dict[str, Any]) -> list[str]:
    unit = budget["unit"]
    bound = f"{budget['sense']} {show(budget['limit'])} {unit}"
    return [budget["what"], f"{show(budget['measured'])} {unit}", bound, budget["verdict"]]


def _remarks(record: dict[str, Any]) -> list[str]:
    absent = [f"{name}: {reason}" for name, reason in record["absent"].items()]
    return [*record["notes"], *absent]


def _summary() -> str:
    records = [
        json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
        for name in _ORDER
        if (RESULTS / f"{name}.json").is_file()
    ]
    head = (
        "# Benchmarks\n\n"
        "Generated by `python -m benchmarks`; do not edit. Times on shared machines move by half;"
        " ratios within one table are steadier, as its rivals take turns.\n"
    )
    return "\n".join([head, *map(_section, records)])


def _section(record: dict[str, Any]) -> str:
    lines = [f"## {record['title']}", "", f"`{record['command']}`, {record['date']}", ""]
    for title, columns, rows in _tables(record):
        lines += [f"**{title}**", "", *_markdown(columns, rows), ""]
    lines += [f"- {line}" for line in _remarks(record)]
    machine = "; ".join(f"{name} {value}" for name, value in record["machine"].items())
    return "\n".join([*lines, f"- {machine}", ""])


def _markdown(columns: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in [columns, rule, *rows]]
