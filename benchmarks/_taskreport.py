"""What came of the tasks, as tables: by number of calls, by steps, and under other assumptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from statistics import mean, median
from typing import Final

from benchmarks._arms import ARMS, STEPS, Solved
from benchmarks._complexfunc import Task
from benchmarks._model import Speed
from benchmarks._report import Budget, Report

_MANY: Final = 10
_PAIRS: Final = (
    *(("B-all", "A"), ("B-whole", "A"), ("B-cut", "A"), ("B-seen", "A"), ("B'", "A")),
    *(("B-all", "A'"), ("B-whole", "A'"), ("B-cut", "A'"), ("B-seen", "A'"), ("B'", "A'")),
)
_FIRSTS: Final = (0.3, 0.9, 1.7, 4.0)
_WRITES: Final = (25, 45, 95, 200)
_THINKING: Final = 150
_SLOW: Final = 0.5


@dataclass(frozen=True)
class Row:
    """One task in all arms."""

    task: Task
    arms: dict[str, Solved]
    fewer: int
    """Tokens of definitions by which A would have less with the task's own tools only; negative."""
    cut: int
    """Tokens of the function that cuts."""


Cost = Callable[[Solved], float]
Change = Callable[[Row, str], Solved]


def report_rows(report: Report, rows: Sequence[Row], speed: Speed) -> None:
    """All tables."""

    seconds = _at(speed)
    stated = f"first token after {speed.first:g} s, {speed.read:g} tokens/s in, {speed.write:g} out"
    _medians(report, f"Time, s, median; {stated}", rows, seconds)
    _saved(report, "Time saved, %, median over tasks", rows, seconds)
    _lost(report, "Tasks in which the program takes longer, %", rows, seconds)
    _medians(report, "Tokens sent and written, median", rows, Solved.tokens)
    _saved(report, "Tokens saved, %, median over tasks", rows, Solved.tokens)
    _lost(report, "Tasks in which the program takes more tokens, %", rows, Solved.tokens)
    _medians(report, "Turns of the model, median", rows, lambda solved: len(solved.turns))
    _steps(report, rows, seconds)
    _parts(report, rows, speed)
    _assumptions(report, rows, speed)
    for title, chosen in _chosen(rows):
        _sweep(report, title, chosen, speed)


def report_goals(report: Report, rows: Sequence[Row], speed: Speed) -> None:
    """What was wanted beside what was measured."""

    seconds = _at(speed)

    def goal(what: str, chosen: Sequence[Row], arm: str, cost: Cost, limit: float) -> Budget:
        saved = median(_shares(chosen, arm, "A", cost)) if chosen else None
        return Budget(f"{what} saved against A, {arm}", saved, "≥", limit, "%")

    (_, five), (_, ten) = _chosen(rows)
    for arm in ("B-whole", "B-cut"):
        report.budgets += [
            goal("5 calls, time", five, arm, seconds, 75),
            goal("5 calls, tokens", five, arm, Solved.tokens, 85),
            goal("10 calls and more, time", ten, arm, seconds, 90),
            goal("10 calls and more, tokens", ten, arm, Solved.tokens, 90),
        ]
        deep = [row for row in rows if len(row.task.levels) >= 3]
        for what, cost in (("longer", seconds), ("more tokens", Solved.tokens)):
            slower = _losing(deep, arm, "A'", cost) if deep else None
            words = f"3 steps and more, tasks that take {what} than A', {arm}"
            report.budgets.append(Budget(words, slower, "≤", 0, "%"))


def reasons(rows: Sequence[Row], speed: Speed) -> Iterable[str]:
    """Why goals of time are missed: what they leave for a program."""
    for (name, chosen), goal in zip(_chosen(rows), (0.75, 0.9), strict=True):
        if chosen:
            yield f"{name}: {_room(chosen, goal, speed)}"


def _room(rows: Sequence[Row], goal: float, speed: Speed) -> str:
    steps = mean(row.arms["A"].seconds(speed) for row in rows)
    last = mean(row.arms["A"].turns[-1].written for row in rows) / speed.write
    written = mean(row.arms["B-whole"].turns[0].written for row in rows)
    wanted, fixed = steps * (1 - goal), 2 * speed.first + last
    left = max(wanted - fixed, 0) * speed.write
    return (
        f"A takes {steps:.1f} s on average; {goal:.0%} less is {wanted:.1f} s. Two first tokens and"
        f" the last answer take {fixed:.1f} s. Even if reading and tools took no time, that leaves"
        f" {left:.0f} tokens for the program. That of B-whole has {written:.0f}, most of them names"
        " and arguments that A has to write too: at these speeds writing bounds what can be saved."
    )


# --- by number of calls


def _groups(rows: Sequence[Row]) -> Iterable[tuple[str, list[Row]]]:
    for calls in range(1, _MANY):
        chosen = [row for row in rows if len(row.task.calls) == calls]
        if chosen:
            yield str(calls), chosen
    many = [row for row in rows if len(row.task.calls) >= _MANY]
    if many:
        yield f"{_MANY}+", many
    yield "all", list(rows)


def _chosen(rows: Sequence[Row]) -> tuple[tuple[str, list[Row]], tuple[str, list[Row]]]:
    """Those that the goals speak of."""
    five = [row for row in rows if len(row.task.calls) == 5]
    ten = [row for row in rows if len(row.task.calls) >= _MANY]
    return ("5 calls", five), ("10 calls and more", ten)


def _medians(report: Report, title: str, rows: Sequence[Row], cost: Cost) -> None:
    table = report.table(title, "calls", "tasks", *ARMS)
    for name, group in _groups(rows):
        cells = [median(cost(row.arms[arm]) for row in group) for arm in ARMS]
        table.add(name, len(group), *(float(cell) for cell in cells))


def _saved(report: Report, title: str, rows: Sequence[Row], cost: Cost) -> None:
    table = report.table(title, "calls", "tasks", *(f"{b} to {a}" for b, a in _PAIRS))
    for name, group in _groups(rows):
        shares = [median(_shares(group, b, a, cost)) for b, a in _PAIRS]
        table.add(name, len(group), *(_signed(share) for share in shares))


def _lost(report: Report, title: str, rows: Sequence[Row], cost: Cost) -> None:
    table = report.table(title, "calls", "tasks", *(f"{b} to {a}" for b, a in _PAIRS))
    for name, group in _groups(rows):
        table.add(name, len(group), *(_losing(group, b, a, cost) for b, a in _PAIRS))


def _shares(rows: Iterable[Row], mine: str, theirs: str, cost: Cost) -> list[float]:
    """% that an arm saves in each task."""
    return [(1 - cost(row.arms[mine]) / cost(row.arms[theirs])) * 100 for row in rows]


def _losing(rows: Sequence[Row], mine: str, theirs: str, cost: Cost) -> float:
    """% of the tasks."""
    lost = sum(share < 0 for share in _shares(rows, mine, theirs, cost))
    return lost * 100 / len(rows)


def _signed(share: float) -> str:
    return f"{share:+.0f}"


# --- by steps


def _steps(report: Report, rows: Sequence[Row], seconds: Cost) -> None:
    table = report.table(
        "Against A', by steps",
        *("steps", "tasks", "arm", "time saved, median, %", "least", "longer, % of tasks"),
        *("tokens saved, median, %", "least", "more, % of tasks"),
    )
    for steps in sorted({len(row.task.levels) for row in rows}):
        group = [row for row in rows if len(row.task.levels) == steps]
        for arm in ("B-whole", "B-cut", "B-seen", "B'"):
            cells: list[str | float] = []
            for cost in (seconds, Solved.tokens):
                shares = _shares(group, arm, "A'", cost)
                lost = _losing(group, arm, "A'", cost)
                cells += [_signed(median(shares)), _signed(min(shares)), lost]
            table.add(str(steps), len(group), arm, *cells)


# --- where the time goes


def _parts(report: Report, rows: Sequence[Row], speed: Speed) -> None:
    table = report.table(
        "Where the time goes, s, mean",
        *("tasks, arm", "first tokens", "reading", "writing calls or code", "answer", "tools"),
        *("all", "all but reading and tools"),
    )
    for name, group in _chosen(rows):
        for arm in ARMS if group else ():
            parts = [_parts_of(row.arms[arm], speed) for row in group]
            means = [mean(part) for part in zip(*parts, strict=True)]
            least = means[0] + means[2] + means[3]
            table.add(f"{name}, {arm}", *means, sum(means), least)


def _parts_of(solved: Solved, speed: Speed) -> tuple[float, ...]:
    *before, last = solved.turns
    return (
        len(solved.turns) * speed.first,
        sum(turn.new for turn in solved.turns) / speed.read,
        sum(turn.written for turn in before) / speed.write,
        last.written / speed.write,
        solved.tools,
    )


# --- other assumptions


def _same(row: Row, arm: str) -> Solved:
    return row.arms[arm]


def _own_tools(row: Row, arm: str) -> Solved:
    return row.arms[arm].with_definitions(row.fewer) if arm in STEPS else row.arms[arm]


def _given_cut(row: Row, arm: str) -> Solved:
    """B' has written it twice, and is left as it is."""
    solved = row.arms[arm]
    return solved.with_code(-row.cut) if arm == "B-cut" else solved


def _without_last(row: Row, arm: str) -> Solved:
    """Only the turns that lead to a call."""
    solved = row.arms[arm]
    return replace(solved, turns=solved.turns[:-1])


@dataclass(frozen=True)
class _Assumption:
    what: str
    change: Change = _same
    among: Callable[[Row], bool] = lambda _: True
    cached: bool = True
    """Whether the model reads only what is new to it."""
    repeated: float = 1
    """What a token counts that was sent before."""
    writes: bool = True
    """Whether the model takes time to write; without, a turn costs its delay and its reading."""


_ASSUMPTIONS: Final = (
    _Assumption("as above"),
    _Assumption("no cache: the history is read again in each turn", cached=False),
    _Assumption("cached tokens count a tenth", repeated=0.1),
    _Assumption("A and A' have the definitions of the task's own tools only", _own_tools),
    _Assumption("the last answer has 20 tokens", lambda row, arm: row.arms[arm].with_answer(20)),
    _Assumption("the last answer has 300 tokens", lambda row, arm: row.arms[arm].with_answer(300)),
    _Assumption(f"each tool takes {_SLOW:g} s", lambda row, arm: row.arms[arm].with_tools(_SLOW)),
    _Assumption(
        f"the model thinks {_THINKING} tokens in each turn",
        lambda row, arm: row.arms[arm].with_thinking(_THINKING),
    ),
    _Assumption("B-cut finds `cut` there, and does not write it", _given_cut),
    _Assumption("tasks that have all their references", among=lambda row: row.task.marked),
    _Assumption(
        "tasks that take the first item of each list", among=lambda row: not row.task.picks
    ),
    _Assumption("a turn costs its delay and what it reads; writing is free", writes=False),
    _Assumption("the same without the turn of the last answer", _without_last, writes=False),
)


def _assumptions(report: Report, rows: Sequence[Row], speed: Speed) -> None:
    table = report.table(
        "Saved by B-cut under other assumptions, %, median",
        *("assumption", "tasks", "time, 5 calls", "10+", "all", "all, to A'", "B' to A, all"),
        *("tokens, 5 calls", "10+", "all", "all, to A'", "B' to A, all"),
    )
    for each in _ASSUMPTIONS:
        changed = [_changed(row, each.change) for row in rows if each.among(row)]
        assumed = speed if each.writes else replace(speed, write=inf)
        seconds = partial(Solved.seconds, speed=assumed, cached=each.cached)
        tokens = partial(Solved.tokens, repeated=each.repeated)
        table.add(each.what, len(changed), *_cells(changed, seconds), *_cells(changed, tokens))


def _cells(rows: Sequence[Row], cost: Cost) -> list[str | None]:
    (_, five), (_, ten) = _chosen(rows)
    pairs = [(five, "B-cut", "A"), (ten, "B-cut", "A"), (rows, "B-cut", "A")]
    pairs += [(list(rows), "B-cut", "A'"), (list(rows), "B'", "A")]
    return [
        _signed(median(_shares(group, mine, theirs, cost))) if group else None
        for group, mine, theirs in pairs
    ]


def _changed(row: Row, change: Change) -> Row:
    return Row(row.task, {arm: change(row, arm) for arm in row.arms}, row.fewer, row.cut)


def _sweep(report: Report, name: str, rows: Sequence[Row], speed: Speed) -> None:
    if not rows:
        return
    table = report.table(
        f"{name}: time saved by B-cut against A, %, median",
        *("first token after", *(f"{write} tokens/s" for write in _WRITES)),
    )
    for first in _FIRSTS:
        speeds = [Speed(first, speed.read, write) for write in _WRITES]
        shares = [median(_shares(rows, "B-cut", "A", _at(each))) for each in speeds]
        table.add(f"{first:g} s", *map(_signed, shares))


def _at(speed: Speed) -> Cost:
    """Time as a cost."""
    return lambda solved: solved.seconds(speed)
