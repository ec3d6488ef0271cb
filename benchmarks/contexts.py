"""Large contexts: data in, and the same data in and out again."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AsyncExitStack
from statistics import median
from typing import Any

from benchmarks._program import Options, main, rest, rounds, timed
from benchmarks._report import Budget, Report
from benchmarks._stats import percentile
from benchmarks.rivals import MAIN, open_all

_SIZES = {"1 KB": 1_000, "100 KB": 100_000, "1 MB": 1_000_000}
_WAYS = {"in": "return context.rows.length", "in and out": "return context"}

Times = dict[tuple[str, str, str], list[float]]


async def measure(options: Options) -> Report:
    """Every size, both ways, on every rival in turns."""
    report = Report("contexts", "Contexts in and out")
    contexts = {size: _context(chars) for size, chars in _SIZES.items()}
    times: Times = defaultdict(list)
    async with AsyncExitStack() as stack:
        rivals = await open_all(MAIN, stack, report.absent)
        cases = [(r, size, way) for size in _SIZES for way in _WAYS for r in rivals]
        async for (rival, size, way), counts in rounds(cases, options.pick(25, 5)):
            await rest(rival)
            timing = await timed(rival, _WAYS[way], context=contexts[size])
            expected = contexts[size] if way == "in and out" else len(contexts[size]["rows"])
            assert timing.value == expected, (rival.name, size, way)
            if counts:
                times[rival.name, size, way].append(timing.answered)
    _fill(report, times, [rival.name for rival in rivals])
    return report


def _context(chars: int) -> dict[str, Any]:
    """Rows of the kind that agents filter, about ``chars`` characters of JSON."""
    row = {"id": 100_000, "name": "a name of some length", "score": 0.625, "tags": ["x", "y"]}
    return {"rows": [{**row, "id": 100_000 + i} for i in range(chars // 82)]}


def _fill(report: Report, times: Times, names: list[str]) -> None:
    heads = [f"{size} {way}" for size in _SIZES for way in _WAYS]
    table = report.table("p50, ms", "rival", *heads, "n each")
    for name in names:
        cells = [times[name, size, way] for size in _SIZES for way in _WAYS]
        table.add(name, *map(median, cells), len(cells[0]))
    own = times.get(("onehop", "1 MB", "in and out"), [])
    report.budgets.append(
        Budget("1 MB in and out, p50", median(own) if own else None, "≤", 30.0, "ms")
    )
    if own:
        report.notes.append(f"onehop, 1 MB in and out, p95: {percentile(own, 95):.1f} ms.")


if __name__ == "__main__":
    main("contexts", measure)
