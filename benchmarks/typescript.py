"""What 50 lines of TypeScript cost more than the same program in JavaScript."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AsyncExitStack
from itertools import count
from statistics import median

from benchmarks import _programs_js
from benchmarks._program import Options, main, rest, rounds, timed
from benchmarks._report import Budget, Report
from benchmarks._stats import difference
from benchmarks.rivals import MAIN, open_all
from benchmarks.rivals.base import Language

_PROGRAMS: dict[str, tuple[Language, str]] = {
    "JavaScript": ("javascript", _programs_js.JAVASCRIPT),
    "TypeScript": ("typescript", _programs_js.TYPESCRIPT),
    "TypeScript again": ("typescript", _programs_js.TYPESCRIPT),
}
_ANSWER = {"ann": 31.25, "bob": 25.0}

Times = dict[tuple[str, str], list[float]]


async def measure(options: Options) -> Report:
    """Both languages in turns, on every rival that has both."""
    lines = _programs_js.TYPESCRIPT.count("\n")
    report = Report("typescript", f"TypeScript over JavaScript, {lines} lines")
    times: Times = defaultdict(list)
    numbers = count()
    async with AsyncExitStack() as stack:
        rivals = await open_all(MAIN, stack, report.absent)
        able = [rival for rival in rivals if "typescript" in rival.languages]
        pairs = [(rival, program) for rival in able for program in _PROGRAMS]
        async for (rival, program), counts in rounds(pairs, options.pick(100, 15), warm_up=3):
            await rest(rival)
            language, code = _PROGRAMS[program]
            if not program.endswith("again"):
                code = f"{code}// {next(numbers)}\n"  # a text that nobody has seen
            timing = await timed(rival, code, language=language)
            assert timing.value == _ANSWER, (rival.name, program, timing.value)
            if counts:
                times[rival.name, program].append(timing.answered)
    report.notes += [f"{rival.name} has no TypeScript." for rival in rivals if rival not in able]
    report.notes.append(
        "again: the same text in every run, as agents send it over other data or a second time."
        " The others differ from run to run in a comment."
    )
    _fill(report, times, [rival.name for rival in able])
    return report


def _fill(report: Report, times: Times, names: list[str]) -> None:
    heads = ("JavaScript", "TypeScript", "overhead", "95 % interval", "again", "overhead, again")
    table = report.table("p50, ms", "rival", *heads, "n each")
    for name in names:
        plain, new, again = (times[name, program] for program in _PROGRAMS)
        more, more_again = difference(new, plain), difference(again, plain)
        bounds = f"{more.low:.2f} to {more.high:.2f}"
        medians = (median(plain), median(new), more.middle, bounds, median(again))
        table.add(name, *medians, more_again.middle, len(new))
        if name == "onehop":
            report.budgets += [
                Budget("overhead of TypeScript, new", more.middle, "≤", 1.0, "ms"),
                Budget("overhead of TypeScript, again", more_again.middle, "≤", 1.0, "ms"),
            ]


if __name__ == "__main__":
    main("typescript", measure)
