"""What 50 lines of TypeScript cost more than the same program in JavaScript."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AsyncExitStack
from statistics import median

from benchmarks import _programs_js
from benchmarks._program import Options, main, rest, rounds, timed
from benchmarks._report import Budget, Report
from benchmarks._stats import difference
from benchmarks.rivals import MAIN, open_all
from benchmarks.rivals.base import Language

_SOURCES: dict[Language, str] = {
    "javascript": _programs_js.JAVASCRIPT,
    "typescript": _programs_js.TYPESCRIPT,
}
_ANSWER = {"ann": 31.25, "bob": 25.0}


async def measure(options: Options) -> Report:
    """Both languages in turns, on every rival that has both."""
    lines = _programs_js.TYPESCRIPT.count("\n")
    report = Report("typescript", f"TypeScript over JavaScript, {lines} lines")
    times: dict[tuple[str, Language], list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        rivals = await open_all(MAIN, stack, report.absent)
        able = [rival for rival in rivals if "typescript" in rival.languages]
        pairs = [(rival, language) for rival in able for language in _SOURCES]
        async for (rival, language), counts in rounds(pairs, options.pick(100, 15), warm_up=3):
            await rest(rival)
            timing = await timed(rival, _SOURCES[language], language=language)
            assert timing.value == _ANSWER, (rival.name, language, timing.value)
            if counts:
                times[rival.name, language].append(timing.answered)
    report.notes += [f"{rival.name} has no TypeScript." for rival in rivals if rival not in able]
    _fill(report, times, [rival.name for rival in able])
    return report


def _fill(report: Report, times: dict[tuple[str, Language], list[float]], names: list[str]) -> None:
    table = report.table(
        "p50, ms", "rival", "JavaScript", "TypeScript", "overhead", "95 % interval", "n each"
    )
    own = None
    for name in names:
        plain, typed = times[name, "javascript"], times[name, "typescript"]
        more = difference(typed, plain)
        bounds = f"{more.low:.2f} to {more.high:.2f}"
        table.add(name, median(plain), median(typed), more.middle, bounds, len(typed))
        own = more.middle if name == "onehop" else own
    report.budgets.append(Budget("overhead of TypeScript", own, "≤", 1.0, "ms"))


if __name__ == "__main__":
    main("typescript", measure)
