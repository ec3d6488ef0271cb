"""Which slices of time a store keeps, and which of them answer a question; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from onehop.stores import _answers
from onehop.stores.tally import DAY, FIVE_MINUTES, HOUR

ALL: Final = ""
"""Whose a slice of all agents is."""
LENGTHS: Final = (DAY, HOUR, FIVE_MINUTES)
KEPT: Final = {FIVE_MINUTES: 2 * DAY, HOUR: 9 * DAY}
"""ms after which slices of five minutes go, and the hours of single agents. Others are kept as long
as the rollups."""


def whose(agent_id: str | None) -> str:
    """What stands for an agent, or for all. An agent may have an empty name."""
    return ALL if agent_id is None else f"={agent_id}"


@dataclass(frozen=True, slots=True)
class Tallied:
    """How far the slices go."""

    first: int = 0
    """No record before this has been counted; ms since the epoch, like the other."""
    until: int = 0
    """Nor from this on."""
    watermark: int = 0
    """The last sequence of a record that was looked at."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a question's time: slices of ``length``, or the records themselves for 0."""

    length: int
    start: int
    end: int | None
    """None is open."""


def pieces(agent_id: str | None, since: int, grain: int, state: Tallied) -> list[Piece]:
    """What covers the time from ``since`` on, with slices of at most ``grain`` ms, ascending."""
    first, until = max(since, state.first), state.until
    if first >= until:
        return [Piece(0, since, None)]
    before = [Piece(0, since, first)] if since < first else []
    return [*before, *_covered(agent_id, first, until, grain, until), Piece(0, until, None)]


def _covered(agent_id: str | None, first: int, end: int, grain: int, until: int) -> list[Piece]:
    """From the longest slices to the shortest: those at the edges are ever shorter."""
    if first >= end:
        return []
    for length in LENGTHS:
        if length > grain or first < _oldest(agent_id, length, until):
            continue
        start, stop = -(-first // length) * length, end // length * length
        if start < stop:
            return [
                *_covered(agent_id, first, start, length - 1, until),
                Piece(length, start, stop),
                *_covered(agent_id, stop, end, length - 1, until),
            ]
    return [Piece(0, first, end)]


def _oldest(agent_id: str | None, length: int, until: int) -> int:
    """Where slices of a length begin to be kept, with an hour to spare."""
    if agent_id is not None and length == FIVE_MINUTES:
        return until
    if length == FIVE_MINUTES or (length == HOUR and agent_id is not None):
        return until - KEPT[length] + HOUR
    return 0


@dataclass(frozen=True, slots=True)
class Work:
    """Slices that are to be made anew, by their starts. Days are made of their hours."""

    five_minutes: Sequence[int]
    hours: Sequence[int]
    days: Sequence[int]


def looked_from(old: int, new: int) -> int:
    """From where on records must be looked for, when slices go up to ``new`` instead of ``old``:
    an hour or a day that is whole now began before."""
    for length in (DAY, HOUR):
        if new // length > old // length:
            return old // length * length
    return old


def work(found: Iterable[int], late: Iterable[int], old: int, new: int) -> Work:
    """What changes when slices go up to ``new`` instead of ``old``. All are starts of five minutes:
    those with records ``looked_from`` there on, and those before ``old`` that have got some since.
    """
    late = list(late)
    starts = {length: {start // length * length for start in late} for length in LENGTHS}
    for start in found:
        for length in LENGTHS:
            if start // length >= old // length:
                starts[length].add(start // length * length)
    whole = {
        length: {start for start in some if start + length <= new}
        for length, some in starts.items()
    }
    # Of a day that is long over, the hours of agents are gone: they are made again.
    again = [day for day in whole[DAY] if day < new - KEPT[HOUR] + DAY]
    hours = whole[HOUR].union(day + hour * HOUR for day in again for hour in range(24))
    recent = {start for start in whole[FIVE_MINUTES] if start >= new - KEPT[FIVE_MINUTES]}
    return Work(sorted(recent), sorted(hours), sorted(whole[DAY]))


def end_of(now: int) -> int:
    """Up to where slices can be whole at ``now``."""
    return min(now, _answers.END_OF_DAYS) // FIVE_MINUTES * FIVE_MINUTES
