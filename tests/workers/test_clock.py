"""Which time of a run counts for its deadline, and which for what it may wait for tools."""

from __future__ import annotations

import pytest

from onehop.workers._clock import RunClock

pytestmark = pytest.mark.unit


def looked_at(clock: RunClock, until: float, share: float, began: float = 0.0) -> float:
    """What has counted as waiting by ``until``, with a look every 50 ms while the processor works
    for ``share`` of the time."""
    counted, now = 0.0, began
    while now < until - 1e-9:
        now = min(until, now + 0.05)
        counted = clock.only_waited(now, share * (now - began))
    return counted


def test_waiting_counts_while_nothing_else_runs() -> None:
    clock = RunClock(0.0, 60.0)
    clock.open(0.0)
    assert looked_at(clock, 10.0, share=0.0) == pytest.approx(10.0)


def test_time_in_which_the_code_computes_does_not_count_as_waiting() -> None:
    clock = RunClock(0.0, 60.0)
    clock.open(0.0)
    assert looked_at(clock, 10.0, share=0.8) == pytest.approx(2.0)


def test_time_without_a_call_does_not_count() -> None:
    clock = RunClock(0.0, 60.0)
    assert looked_at(clock, 5.0, share=0.0) == 0.0
    clock.open(5.0)
    assert looked_at(clock, 6.0, share=0.0, began=5.0) == pytest.approx(1.0)
    clock.close(6.0)
    assert clock.only_waited(9.0, 0.0) == pytest.approx(1.0)


def test_more_than_one_processor_is_not_less_than_no_waiting() -> None:
    clock = RunClock(0.0, 60.0)
    clock.open(0.0)
    assert looked_at(clock, 4.0, share=2.0) == 0.0
    assert clock.only_waited(5.0, 8.0) == pytest.approx(1.0)
