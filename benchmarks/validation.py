"""What the examination of a program costs, beside parsing it alone."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

from benchmarks import _programs_js
from benchmarks._program import Options, main, rounds
from benchmarks._report import Budget, Report
from benchmarks._stats import percentile, ratio
from onehop.config import ValidationConfig
from onehop.types import Language
from onehop.validation import Validator
from onehop.validation._budget import Budget as Time
from onehop.validation._parser import parse

_SOURCES: dict[Language, str] = {
    "javascript": _programs_js.JAVASCRIPT,
    "typescript": _programs_js.TYPESCRIPT,
}
_LIMITS = {50: 1.0, 1000: 10.0}
_CLAIMS = """
const process = (row) => ({ ...row, done: true });  // a local of a forbidden name
const name = context.constructor.name, kind = typeof require;
for (const key of Object.keys(context)) if (key !== "__proto__") process(context[key]);
"""
_LONG = 1_000_000


async def measure(options: Options) -> Report:
    """Each program parsed and examined in turns; nothing is remembered between them."""
    report = Report("validation", "Validation of a program before it runs")
    table = report.table(
        "ms", "program", "characters", "p50", "p95", "parse p50", "over parse", "n"
    )
    for lines, limit in _LIMITS.items():
        worst = 0.0
        for language, source in _SOURCES.items():
            code = _program(source, lines)
            times = await _times(code, language, options.pick(200, 20))
            table.add(f"{lines} lines of {language}", len(code), *_cells(*times))
            worst = max(worst, median(times[0]))
        report.budgets.append(Budget(f"{lines} lines, p50", worst, "≤", limit, "ms"))
    code = _one_line(_SOURCES["javascript"])
    times = await _times(code, "javascript", options.pick(10, 3))
    table.add("one line of JavaScript", len(code), *_cells(*times))
    report.budgets.append(Budget("1 MB on one line, p50", median(times[0]), "≤", 1000.0, "ms"))
    report.notes.append(
        "The programs use locals and properties that bear forbidden names, so that these have to "
        "be resolved. Nothing is found in them but the number of loops."
    )
    return report


def _program(source: str, lines: int) -> str:
    """At least ``lines`` lines: the program again and again, each time as a function."""
    body = _CLAIMS + source
    times = max(1, round(lines / (body.count("\n") + 2)))
    parts = [f"async function part{number}() {{\n{body}\n}}" for number in range(times)]
    missing = lines - sum(part.count("\n") + 1 for part in parts)
    return "\n".join([*parts, *["use(context.value, 'text');"] * missing])


def _one_line(source: str) -> str:
    lines = [line.partition("//")[0] for line in (_CLAIMS + source).splitlines()]
    part = f"{{ {' '.join(lines)} }} "
    return part * (_LONG // len(part))


async def _times(code: str, language: Language, count: int) -> tuple[list[float], list[float]]:
    """Of the whole examination, and of parsing alone, in ms."""
    validator = Validator(ValidationConfig(cache=0))
    whole: list[float] = []
    parsing: list[float] = []
    works: list[tuple[list[float], Callable[[], object]]] = [
        (whole, lambda: validator.validate(code, language)),
        (parsing, lambda: parse(code, language, Time(10))),
    ]
    async for (times, work), counts in rounds(works, count, warm_up=2):
        start = perf_counter()
        work()
        if counts:
            times.append((perf_counter() - start) * 1000)
    return whole, parsing


def _cells(whole: list[float], parsing: list[float]) -> tuple[float, float, float, float, int]:
    return (
        median(whole),
        percentile(whole, 95),
        median(parsing),
        ratio(whole, parsing).middle,
        len(whole),
    )


if __name__ == "__main__":
    main("validation", measure)
