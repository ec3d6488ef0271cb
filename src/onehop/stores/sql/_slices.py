"""Slices of time in SQL: what pages are made of, instead of every record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onehop.stores import _answers
from onehop.stores._kept import clean_text
from onehop.stores._slicing import (
    ALL,
    KEPT,
    Piece,
    Tallied,
    end_of,
    looked_from,
    pieces,
    whose,
    work,
)
from onehop.stores.sql._schema import executions, tallies, tally_state, tool_calls, tool_runs
from onehop.stores.sql._writes import writing
from onehop.stores.tally import (
    DAY,
    FIVE_MINUTES,
    HOUR,
    Avoided,
    Call,
    Rows,
    Run,
    Slice,
    Tally,
    slices_of,
    tallied,
)

_run: Final = executions.c
_slice: Final = tallies.c
_called: Final = tool_runs.c
_call: Final = tool_calls.c
_RUN: Final = (
    _run.agent_id,
    _run.executed_at,
    _run.language,
    _run.success,
    _run.timeout_occurred,
    _run.error_type,
    _run.execution_time,
    _run.memory_usage,
)
"""The fields of Run."""
_CALL: Final = (
    _call.agent_id,
    _call.executed_at,
    _call.tool,
    _call.outcome,
    _call.duration,
    _call.bytes_in,
    _call.bytes_out,
)
"""Those of Call."""
_AVOIDED: Final = (
    _called.agent_id,
    _called.executed_at,
    _called.calls,
    _called.avoided_turns,
    _called.avoided_tokens,
)
"""Those of Avoided."""


class SqlSlices:
    """Keeps slices, and answers with them."""

    _engine: AsyncEngine
    _turn: asyncio.Lock

    async def slices(self, agent_id: str | None, since: int, grain: int) -> list[Slice]:
        """What ran from ``since`` on, ascending."""
        wanted = None if agent_id is None else clean_text(agent_id)
        async with self._engine.connect() as connection:
            state = await _state(connection)
            parts = pieces(wanted, since, grain, state)
            texts = [(part, await _kept(connection, wanted, part)) for part in parts if part.length]
            raw = [await _rows(connection, wanted, part) for part in parts if not part.length]
        return await asyncio.to_thread(_read, texts, raw)

    async def _tally(self, now: int, keep_days: int) -> None:
        """Bring the slices up to date. Each is made in a transaction of its own, from what the
        database has then: another process may do the same."""
        new, first = end_of(now), _answers.first_rolled_up(now, keep_days)
        async with self._engine.connect() as connection:
            state = await _state(connection)
            last = await connection.scalar(select(func.max(_run.sequence))) or 0
            if not last or (last <= state.watermark and new <= state.until):
                return
            if not state.until:
                oldest = await connection.scalar(select(func.min(_run.executed_at)))
                begin = new if oldest is None else max(oldest // DAY * DAY, first)
                state = Tallied(min(begin, new), min(begin, new), last)
            new = max(new, state.until)
            begin = looked_from(state.until, new)
            found = await _filled(connection, _run.executed_at.between(begin, new - 1))
            counted = _run.executed_at.between(max(first, state.first), state.until - 1)
            late = await _filled(connection, (_run.sequence > state.watermark) & counted)
        todo = work(found, late, state.until, new)
        for length, starts in ((FIVE_MINUTES, todo.five_minutes), (HOUR, todo.hours)):
            for start in starts:
                await self._make_slice(length, start)
        for day in todo.days:
            await self._make_day(day)
        values = {"first": state.first, "until": new, "watermark": max(last, state.watermark)}
        if Tallied(**values) != state or not state.until:
            await self._note_tallied(Tallied(**values), keep_days)

    async def _make_slice(self, length: int, start: int) -> None:
        async with self._turn, writing(self._engine) as connection:
            await connection.execute(select(tally_state).with_for_update())
            rows = await _rows(connection, None, Piece(0, start, start + length))
            found = await asyncio.to_thread(tallied, rows, length)
            if length == FIVE_MINUTES:
                found = {key: each for key, each in found.items() if key[1] is None}
            await _put_slices(connection, length, start, found)

    async def _make_day(self, day: int) -> None:
        """Of its hours."""
        async with self._turn, writing(self._engine) as connection:
            await connection.execute(select(tally_state).with_for_update())
            hours = _slice.length == HOUR, _slice.start.between(day, day + DAY - 1)
            rows = (await connection.execute(select(_slice.whose, _slice.body).where(*hours))).all()
            found = await asyncio.to_thread(_by_whom, rows)
            await _put_slices(connection, DAY, day, found)

    async def _note_tallied(self, state: Tallied, keep_days: int) -> None:
        async with self._turn, writing(self._engine) as connection:
            values = {"first": state.first, "until": state.until, "watermark": state.watermark}
            await connection.execute(update(tally_state).values(values))
            for gone in _gone(state.until, keep_days):
                await connection.execute(delete(tallies).where(*gone))


def _gone(until: int, keep_days: int) -> list[tuple[ColumnElement[bool], ...]]:
    """Which slices go."""
    hours = _slice.start < until - KEPT[HOUR]
    return [
        (_slice.length == FIVE_MINUTES, _slice.start < until - KEPT[FIVE_MINUTES]),
        (_slice.length == HOUR, hours, _slice.whose != ALL),
        (_slice.length.in_((HOUR, DAY)), _slice.start < until - keep_days * DAY),
    ]


async def _state(connection: AsyncConnection) -> Tallied:
    row = (await connection.execute(select(tally_state))).one()
    return Tallied(row.first, row.until, row.watermark)


async def _filled(connection: AsyncConnection, wanted: ColumnElement[bool]) -> list[int]:
    """The slices of five minutes that have such records."""
    place = (_run.executed_at // FIVE_MINUTES).label("place")
    found = await connection.scalars(select(place).where(wanted).distinct())
    return [number * FIVE_MINUTES for number in found]


async def _kept(
    connection: AsyncConnection, agent_id: str | None, part: Piece
) -> Sequence[tuple[int, str]]:
    rows = await connection.execute(kept_query(agent_id, part))
    return [(row.start, row.body) for row in rows]


def kept_query(agent_id: str | None, part: Piece) -> Select[Any]:
    """The slices of a piece."""
    return select(_slice.start, _slice.body).where(
        _slice.length == part.length,
        _slice.whose == whose(agent_id),
        _slice.start >= part.start,
        _slice.start < part.end,
    )


async def _rows(connection: AsyncConnection, agent_id: str | None, part: Piece) -> Rows:
    queries = rows_queries(agent_id, part)
    runs, calls, avoided = [(await connection.execute(each)).all() for each in queries]
    return Rows(
        [Run(*row) for row in runs],
        [Call(*row) for row in calls],
        [Avoided(*row) for row in avoided],
    )


def rows_queries(agent_id: str | None, part: Piece) -> tuple[Select[Any], Select[Any], Select[Any]]:
    """What is counted of the records of a piece."""
    of_runs = _within(executions, agent_id, part)
    of_called = _within(tool_runs, agent_id, part)
    places = select(_called.sequence).where(*of_called)
    return (
        select(*_RUN).where(*of_runs),
        select(*_CALL).where(_call.sequence.in_(places)),
        select(*_AVOIDED).where(*of_called),
    )


def _within(table: Any, agent_id: str | None, part: Piece) -> list[ColumnElement[bool]]:
    filters = [table.c.executed_at >= part.start]
    if part.end is not None:
        filters.append(table.c.executed_at < part.end)
    if agent_id is not None:
        filters.append(table.c.agent_id == agent_id)
    return filters


def _read(texts: Iterable[tuple[Piece, Sequence[tuple[int, str]]]], raw: list[Rows]) -> list[Slice]:
    found = [
        Slice(start, part.length, Tally.from_text(body))
        for part, kept in texts
        for start, body in kept
    ]
    found += [each for rows in raw for each in slices_of(rows, FIVE_MINUTES)]
    return sorted(found, key=lambda each: each.start)


def _by_whom(rows: Iterable[Any]) -> dict[tuple[int, str | None], Tally]:
    """The sums of each, and of all."""
    found = dict[tuple[int, str | None], Tally]()
    for row in rows:
        agent = None if row.whose == ALL else row.whose[1:]
        found.setdefault((0, agent), Tally()).add(Tally.from_text(row.body))
    return found


async def _put_slices(
    connection: AsyncConnection,
    length: int,
    start: int,
    found: dict[tuple[int, str | None], Tally],
) -> None:
    same = _slice.length == length, _slice.start == start
    await connection.execute(delete(tallies).where(*same))
    rows = [
        {
            "length": length,
            "start": start,
            "whose": whose(agent),
            "body": each.to_text(alone=agent is not None),
        }
        for (_, agent), each in found.items()
    ]
    if rows:
        await connection.execute(insert(tallies), rows)
