"""The plots below ``onehop stats``: a block for each day, on a terminal that shows them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from onehop.cli._output import write
from onehop.cli._plots import can_plot, spark

if TYPE_CHECKING:
    from onehop.answers import TrendPoint

_DAYS: Final = 30


def print_plots(trends: Sequence[TrendPoint]) -> None:
    """Runs, failures and times of the last days."""
    if not can_plot():
        return
    known = [point for point in trends if _is_day(point.day)]
    if not known:
        return
    days = _days(known)
    by_day = {day: [point for point in trends if point.day == day] for day in days}
    totals = [sum(point.total for point in by_day[day]) for day in days]
    failed = [sum(point.failed for point in by_day[day]) for day in days]
    spent = [_average(by_day[day]) for day in days]
    write(sys.stdout, f"\nDay by day, to {days[-1]}\n", "bold")
    _print_row("runs", totals, f"{max(totals)} at most")
    _print_row("failed", failed, f"{max(failed)} at most")
    _print_row("ms", spent, f"{max(spent):.1f} at most, on average of a day")


def _print_row(name: str, values: Sequence[float], told: str) -> None:
    write(sys.stdout, f"{name:<8}")
    write(sys.stdout, spark(values), "cyan")
    write(sys.stdout, f"  {told}\n")


def _days(trends: Sequence[TrendPoint]) -> list[str]:
    """Every day up to the last one, those without a run too."""
    last = date.fromisoformat(max(point.day for point in trends))
    first = max(date.fromisoformat(min(point.day for point in trends)), last - timedelta(_DAYS - 1))
    return [str(first + timedelta(number)) for number in range((last - first).days + 1)]


def _is_day(text: str) -> bool:
    """Anybody who may write to the store may have written anything."""
    try:
        date.fromisoformat(text)
    except (TypeError, ValueError):
        return False
    return True


def _average(points: Sequence[TrendPoint]) -> float:
    total = sum(point.total for point in points)
    return (
        sum(point.average_execution_time * point.total for point in points) / total if total else 0
    )
