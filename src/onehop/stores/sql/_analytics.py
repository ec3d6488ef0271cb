"""The questions of analytics, in SQL.

Each is one statement, so that its parts agree, and reads indexes that hold all it needs: a row of
``executions`` may be long, and what it ends with is far from its start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, get_args

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    CompoundSelect,
    Integer,
    Result,
    Row,
    Select,
    Subquery,
    Table,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    union,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onehop.answers import (
    AgentCount,
    AgentStats,
    CodeLengthBucket,
    Failure,
    FailureCause,
    LanguageCount,
    PauseStats,
    RepeatedCode,
    ResourceUse,
    SecurityCount,
    TimelinePoint,
    ToolStats,
    TrendPoint,
)
from onehop.events import CODE_EXECUTION_RESUMED
from onehop.records import ExecutionRecord
from onehop.stores import _answers
from onehop.stores._answers import Rollup
from onehop.stores._kept import clean_text
from onehop.stores._rows import BARE, record_from
from onehop.stores.sql._runs import WAITS
from onehop.stores.sql._schema import (
    approvals,
    events,
    executions,
    kept_runs,
    rollup_state,
    rollups,
    tool_calls,
    tool_runs,
)
from onehop.stores.sql._slices import SqlSlices
from onehop.stores.sql._writes import writing
from onehop.types import Language

_run: Final = executions.c
_event: Final = events.c
_day: Final = rollups.c
_LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
_PERCENTS: Final = (50, 95, 99)
_SUMS: Final = ("total", "successful", "failed", "timeouts", "sum_execution_time", "sum_memory")
"""What is added up of rollups."""


class SqlAnalytics(SqlSlices):
    """Questions put to SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""

    async def agent_stats(self, agent_id: str | None, since: int | None) -> AgentStats:
        """Counts, rates and times."""
        [row] = await self._rows(agent_stats_query(agent_id, since))
        total, successful = row.total, row.successful
        return AgentStats(
            agent_id=agent_id,
            total_executions=total,
            successful_executions=successful,
            failed_executions=total - successful,
            success_rate=_answers.mean(successful, total),
            average_execution_time=_answers.mean(row.time or 0, total),
            p50_execution_time=row.p50 or 0.0,
            p95_execution_time=row.p95 or 0.0,
            p99_execution_time=row.p99 or 0.0,
            timeout_count=row.timeouts,
            language_breakdown=_by_language(row),
            tool_calls=row.tool_calls,
            avoided_turns=row.avoided_turns,
            avoided_tokens=row.avoided_tokens,
        )

    async def pause_stats(self, agent_id: str | None, since: int | None) -> PauseStats:
        """Runs that waited for people, and what came of it."""
        [row] = await self._rows(pause_stats_query(agent_id, since))
        return PauseStats(agent_id=agent_id, **row._mapping)

    async def recent_failures(self, agent_id: str | None, limit: int) -> list[Failure]:
        """Newest first, then by sequence, descending."""
        rows = await self._rows(recent_failures_query(agent_id, limit))
        return [Failure(**row._mapping) for row in rows]

    async def trends(self, agent_id: str | None, since: int | None) -> list[TrendPoint]:
        """From the rollups, by day and then language, ascending; whole days, that of ``since``
        included."""
        rows = await self._rows(trends_query(agent_id, since))
        return _answers.trend_points(Rollup(**row._mapping) for row in rows)

    async def timeline(
        self, agent_id: str | None, since: int | None, step: int
    ) -> list[TimelinePoint]:
        """Runs by steps of ``step`` ms, ascending; steps without a run are left out."""
        rows = await self._rows(timeline_query(agent_id, since, step))
        return [
            TimelinePoint(
                start=row.place * step,
                total=row.total,
                successful=row.successful,
                timeouts=row.timeouts,
                average_execution_time=_answers.mean(row.time, row.total),
                max_memory=row.max_memory,
            )
            for row in rows
        ]

    async def failure_causes(self, agent_id: str | None, since: int | None) -> list[FailureCause]:
        """Failures by error type, most first, then by type."""
        rows = await self._rows(failure_causes_query(agent_id, since))
        found = [
            FailureCause(
                error_type=row.error_type, total=row.total, last_executed_at=row.last_executed_at
            )
            for row in rows
            if not row.success
        ]
        return sorted(found, key=lambda each: (-each.total, each.error_type or ""))

    async def agent_counts(self, since: int | None, limit: int) -> list[AgentCount]:
        """Runs by agent, most first, then by name."""
        rows = await self._rows(agent_counts_query(since, limit))
        return [
            AgentCount(
                agent_id=row.agent_id,
                total=row.total,
                successful=row.successful,
                timeouts=row.timeouts,
                average_execution_time=_answers.mean(row.time, row.total),
                last_executed_at=row.last_executed_at,
            )
            for row in rows
        ]

    async def resource_use(self, agent_id: str | None, since: int | None) -> ResourceUse:
        """What runs used."""
        [row] = await self._rows(resource_use_query(agent_id, since))
        return ResourceUse(
            total_executions=row.total,
            average_memory=_answers.mean(row.memory or 0, row.total),
            max_memory=row.max_memory or 0.0,
            average_execution_time=_answers.mean(row.time or 0, row.total),
            max_execution_time=row.max_time or 0.0,
            total_execution_time=row.time or 0.0,
            timeout_count=row.timeouts,
            limit_count=row.limits,
        )

    async def code_lengths(self, agent_id: str | None, since: int | None) -> list[CodeLengthBucket]:
        """All buckets of CODE_LENGTH_EDGES, ascending, empty ones included."""
        rows = await self._rows(code_lengths_query(agent_id, since))
        return _answers.code_length_buckets(tuple(row) for row in rows)

    async def repeated_code(
        self, agent_id: str | None, since: int | None, limit: int
    ) -> list[RepeatedCode]:
        """Code that ran more than once, most often first, then by hash."""
        rows = await self._rows(repeated_code_query(agent_id, since, limit))
        return [RepeatedCode(**row._mapping) for row in rows]

    async def slowest(
        self, agent_id: str | None, since: int | None, limit: int
    ) -> list[ExecutionRecord]:
        """By execution_time, descending, then by sequence; without output, logs and context."""
        rows = await self._rows(slowest_query(agent_id, since, limit))
        return [record_from({**row._mapping, **BARE}) for row in rows]

    async def security_profile(
        self, agent_id: str | None, since: int | None
    ) -> list[SecurityCount]:
        """Counts of the SecurityIssue events, most first, then by pattern and severity."""
        rows = await self._rows(security_profile_query(agent_id, since))
        return [SecurityCount(**row._mapping) for row in rows]

    async def tool_stats(
        self, agent_id: str | None, since: int | None, limit: int, by_agent: bool = False
    ) -> list[ToolStats]:
        """By tool, or by tool and agent: most calls first, then by tool and agent."""
        rows = await self._rows(tool_stats_query(agent_id, since, limit, by_agent))
        return [_tool_stats(row) for row in rows]

    async def roll_up(self, now: int, keep_days: int) -> None:
        """Bring the rollups by day, agent and language up to date; drop those past ``keep_days``.

        In one transaction, one process at a time. The slices come after.
        """
        await self._roll_up_days(now, keep_days)
        await self._tally(now, keep_days)

    async def _roll_up_days(self, now: int, keep_days: int) -> None:
        if not await self._stale(_answers.first_kept(now, keep_days)):
            return
        async with self._turn, writing(self._engine) as connection:
            state = await connection.execute(select(rollup_state).with_for_update())
            watermark = state.one().watermark
            last = await connection.scalar(select(func.max(_run.sequence)))
            first = _answers.first_rolled_up(now, keep_days)
            for day in await _changed_days(connection, watermark, first):
                await _roll_up_day(connection, day)
            last = max(last or 0, watermark)
            await connection.execute(update(rollup_state).values(watermark=last))
            old = _day.day < _answers.first_kept(now, keep_days)
            await connection.execute(delete(rollups).where(old))

    async def _stale(self, first_kept: str) -> bool:
        """Whether there are new records or old rollups; asked first, since it locks nothing."""
        last = select(func.coalesce(func.max(_run.sequence), 0)).scalar_subquery()
        watermark = select(func.max(rollup_state.c.watermark)).scalar_subquery()
        old = select(func.min(_day.day)).scalar_subquery()
        [row] = await self._rows(
            select(last.label("last"), watermark.label("watermark"), old.label("old"))
        )
        return bool(row.last > row.watermark or (row.old is not None and row.old < first_kept))

    async def _rows(self, query: Select[Any] | CompoundSelect[Any]) -> Sequence[Row[Any]]:
        async with self._engine.connect() as connection:
            result: Result[Any] = await connection.execute(query)
            return result.all()


def agent_stats_query(agent_id: str | None, since: int | None) -> Select[Any]:
    """One row: counts, the time in all, percentiles, and counts by language."""
    counts = select(
        func.count().label("total"),
        _count_where(_run.success).label("successful"),
        _count_where(_run.timeout_occurred).label("timeouts"),
        func.sum(_run.execution_time).label("time"),
        *_language_counts(),
    )
    totals = counts.where(*_filters(agent_id, since)).cte("totals")
    percentiles = [_percentile(totals, percent, agent_id, since) for percent in _PERCENTS]
    return select(totals, *percentiles, *_of_tools(agent_id, since))


def pause_stats_query(agent_id: str | None, since: int | None) -> Select[Any]:
    """One row of counts. Few runs ask anybody, so what was asked leads to those that went on: to
    their records, and to what is kept of those that have none yet."""
    kept = _filters(agent_id, since, kept_runs, "created_at")
    asked = _filters(agent_id, since, approvals, "requested_at")
    told = (
        events.c.request_id == _run.request_id,
        events.c.agent_id == _run.agent_id,
        events.c.event_type == CODE_EXECUTION_RESUMED,
    )
    again = union(
        select(kept_runs.c.run_id).where(
            *kept, kept_runs.c.run_id.in_(select(approvals.c.run_id)), kept_runs.c.fence > 1
        ),
        select(_run.run_id).where(
            *_filters(agent_id, since),
            _run.run_id.in_(select(approvals.c.run_id)),
            exists().where(*told),
        ),
    ).subquery()
    counts = {
        "paused": select(func.count()).select_from(kept_runs).where(*kept, WAITS),
        "resumed": select(func.count()).select_from(again),
        "diverged": select(func.count())
        .select_from(executions)
        .where(*_filters(agent_id, since), _run.error_type == "diverged"),
        "expired": select(func.count())
        .select_from(approvals)
        .where(*asked, approvals.c.status == "expired"),
    }
    return select(*(found.scalar_subquery().label(name) for name, found in counts.items()))


def _of_tools(agent_id: str | None, since: int | None) -> list[ColumnElement[Any]]:
    sums = {"calls": "tool_calls", "avoided_turns": "avoided_turns"}
    sums["avoided_tokens"] = "avoided_tokens"
    filters = _filters(agent_id, since, tool_runs)
    return [
        select(func.coalesce(_sum(tool_runs.c[name]), 0))
        .where(*filters)
        .scalar_subquery()
        .label(to)
        for name, to in sums.items()
    ]


def _language_counts() -> list[ColumnElement[int]]:
    columns: list[ColumnElement[int]] = []
    for name in _LANGUAGES:
        columns.append(_count_where(_run.language == name).label(name))
        columns.append(_count_where((_run.language == name) & _run.success).label(f"{name}_ok"))
    return columns


def _percentile(
    totals: CTE, percent: int, agent_id: str | None, since: int | None
) -> ColumnElement[Any]:
    # Division truncates towards zero, so that nothing to count gives place 0, as _answers.place.
    place = select((totals.c.total * percent - 1) // 100).scalar_subquery()
    found = select(_run.execution_time).where(*_filters(agent_id, since))
    found = found.order_by(_run.execution_time).limit(1).offset(place)
    return found.scalar_subquery().label(f"p{percent}")


def _by_language(row: Row[Any]) -> dict[str, LanguageCount]:
    counts = {
        name: LanguageCount(row._mapping[name], row._mapping[f"{name}_ok"]) for name in _LANGUAGES
    }
    return {name: count for name, count in counts.items() if count.total}


def recent_failures_query(agent_id: str | None, limit: int) -> Select[Any]:
    """The fields of Failure."""
    columns = (
        _run.request_id,
        _run.code_hash,
        _run.language,
        _run.error,
        _run.error_type,
        _run.execution_time,
        _run.executed_at,
    )
    failed = select(*columns).where(*_filters(agent_id, None), ~_run.success)
    return failed.order_by(_run.executed_at.desc(), _run.sequence.desc()).limit(limit)


def trends_query(agent_id: str | None, since: int | None) -> Select[Any]:
    """By day and language, what the agents' rollups come to."""
    filters = [_day.agent_id == clean_text(agent_id)] if agent_id is not None else []
    if since is not None:
        filters.append(_day.day >= _answers.day_of(since))
    columns = [_sum(_day[name]).label(name) for name in _SUMS]
    found = select(_day.day, literal("").label("agent_id"), _day.language, *columns)
    found = found.add_columns(func.max(_day.max_memory).label("max_memory"))
    return found.where(*filters).group_by(_day.day, _day.language)


def _sum(column: Any) -> ColumnElement[Any]:
    # PostgreSQL's sum of whole numbers is a decimal.
    return cast(func.sum(column), column.type)


def timeline_query(agent_id: str | None, since: int | None, step: int) -> Select[Any]:
    """The place of each step, and what ran within it."""
    place = (_run.executed_at // step).label("place")
    found = select(
        place,
        func.count().label("total"),
        _count_where(_run.success).label("successful"),
        _count_where(_run.timeout_occurred).label("timeouts"),
        func.sum(_run.execution_time).label("time"),
        func.max(_run.memory_usage).label("max_memory"),
    ).where(*_filters(agent_id, since))
    return found.group_by(place).order_by(place)


def failure_causes_query(agent_id: str | None, since: int | None) -> Select[Any]:
    """The fields of FailureCause, and of what succeeded too: with success itself, SQLite would
    choose an index that does not hold the type."""
    success = cast(_run.success, Integer).label("success")
    found = select(
        success,
        _run.error_type,
        func.count().label("total"),
        func.max(_run.executed_at).label("last_executed_at"),
    ).where(*_filters(agent_id, since))
    return found.group_by(success, _run.error_type)


def agent_counts_query(since: int | None, limit: int) -> Select[Any]:
    """What ran of each agent."""
    total = func.count().label("total")
    found = select(
        _run.agent_id,
        total,
        _count_where(_run.success).label("successful"),
        _count_where(_run.timeout_occurred).label("timeouts"),
        func.sum(_run.execution_time).label("time"),
        func.max(_run.executed_at).label("last_executed_at"),
    ).where(*_filters(None, since))
    return found.group_by(_run.agent_id).order_by(total.desc(), _run.agent_id).limit(limit)


def resource_use_query(agent_id: str | None, since: int | None) -> Select[Any]:
    """One row of sums, maxima and counts."""
    columns: list[ColumnElement[Any]] = [
        func.count().label("total"),
        func.sum(_run.memory_usage).label("memory"),
        func.max(_run.memory_usage).label("max_memory"),
        func.sum(_run.execution_time).label("time"),
        func.max(_run.execution_time).label("max_time"),
        _count_where(_run.timeout_occurred).label("timeouts"),
        _count_where(_run.error_type == "resource_limit").label("limits"),
    ]
    return select(*columns).where(*_filters(agent_id, since))


def code_lengths_query(agent_id: str | None, since: int | None) -> CompoundSelect[Any]:
    """Lower edge, runs, successful runs, and ms in all of each bucket."""
    # One range of an index for each bucket: quicker than to sort every run into its bucket.
    return union_all(*(_bucket(low, high, agent_id, since) for low, high in _answers.BUCKETS))


def _bucket(low: int, high: int | None, agent_id: str | None, since: int | None) -> Select[Any]:
    filters = [*_filters(agent_id, since), _run.code_length >= low]
    if high is not None:
        filters.append(_run.code_length < high)
    time = func.coalesce(func.sum(_run.execution_time), 0.0)
    return select(literal(low), func.count(), _count_where(_run.success), time).where(*filters)


def repeated_code_query(agent_id: str | None, since: int | None, limit: int) -> Select[Any]:
    """The fields of RepeatedCode."""
    total = func.count().label("total")
    found = select(
        _run.code_hash,
        total,
        _count_where(_run.success).label("successful"),
        func.max(_run.executed_at).label("last_executed_at"),
    ).where(*_filters(agent_id, since))
    repeated = found.group_by(_run.code_hash).having(func.count() > 1)
    return repeated.order_by(total.desc(), _run.code_hash).limit(limit)


def slowest_query(agent_id: str | None, since: int | None, limit: int) -> Select[Any]:
    """Every column of a record but those that BARE stands for."""
    order = (_run.execution_time.desc(), _run.sequence)
    places = select(_run.sequence).where(*_filters(agent_id, since)).order_by(*order).limit(limit)
    columns: list[Column[Any]] = [column for column in _run if column.name not in BARE]
    return select(*columns).where(_run.sequence.in_(places.scalar_subquery())).order_by(*order)


def tool_stats_query(
    agent_id: str | None, since: int | None, limit: int, by_agent: bool
) -> Select[Any]:
    """A row for each tool, or for each tool and agent: counts, sums and percentiles."""
    call = tool_calls.c
    key = [call.tool, call.agent_id] if by_agent else [call.tool]
    is_timed = call.duration > 0
    kind = [*key, is_timed]  # those that did not reach their tool are ranked by themselves
    ranked = select(
        *key,
        call.outcome,
        call.duration,
        call.bytes_in,
        call.bytes_out,
        func.row_number().over(partition_by=kind, order_by=call.duration).label("place"),
        func.count().over(partition_by=kind).label("of"),
    ).where(*_filters(agent_id, since, tool_calls))
    return _grouped(ranked.subquery("ranked"), by_agent).limit(limit)


def _grouped(ranked: Subquery, by_agent: bool) -> Select[Any]:
    call, calls = ranked.c, func.count().label("calls")
    key = [call.tool, call.agent_id] if by_agent else [call.tool]
    is_timed = call.duration > 0
    outcomes = [
        _count_where(call.outcome == name).label(name) for name in ("failed", "denied", "unknown")
    ]
    # Division truncates towards zero; places begin at 1 here, and at 0 in _answers.place.
    percentiles = [
        func.max(call.duration)
        .filter(is_timed, call.place == (call["of"] * percent - 1) // 100 + 1)
        .label(f"p{percent}")
        for percent in (50, 95)
    ]
    found = select(
        *key,
        calls,
        *outcomes,
        func.sum(call.duration).label("time"),
        _count_where(is_timed).label("timed"),
        *percentiles,
        _sum(call.bytes_in).label("bytes_in"),
        _sum(call.bytes_out).label("bytes_out"),
    )
    return found.group_by(*key).order_by(calls.desc(), *key)


def _tool_stats(row: Row[Any]) -> ToolStats:
    return ToolStats(
        tool=row.tool,
        agent_id=row._mapping.get("agent_id"),
        calls=row.calls,
        failed=row.failed,
        denied=row.denied,
        unknown=row.unknown,
        average_duration=_answers.mean(row.time, row.timed),
        p50_duration=row.p50 or 0.0,
        p95_duration=row.p95 or 0.0,
        bytes_in=row.bytes_in,
        bytes_out=row.bytes_out,
    )


def security_profile_query(agent_id: str | None, since: int | None) -> Select[Any]:
    """The fields of SecurityCount."""
    filters: list[ColumnElement[bool]] = [_event.pattern.is_not(None)]  # only issues have one
    if agent_id is not None:
        filters.append(_event.agent_id == clean_text(agent_id))
    if since is not None:
        filters.append(_event.timestamp >= since)
    total = func.count().label("total")
    found = select(_event.pattern, _event.severity, total).where(*filters)
    grouped = found.group_by(_event.pattern, _event.severity)
    return grouped.order_by(total.desc(), _event.pattern, _event.severity)


def _filters(
    agent_id: str | None,
    since: int | None,
    table: Table = executions,
    time: str = "executed_at",
) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if agent_id is not None:
        filters.append(table.c.agent_id == clean_text(agent_id))
    if since is not None:
        filters.append(table.c[time] >= since)
    return filters


def _count_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


async def _changed_days(connection: AsyncConnection, watermark: int, first: int) -> list[str]:
    day = (_run.executed_at // _answers.DAY).label("day")
    in_reach = _run.executed_at.between(first, _answers.END_OF_DAYS - 1)
    days = select(day).where(_run.sequence > watermark, in_reach).distinct()
    return [_answers.day_of(number * _answers.DAY) for number in await connection.scalars(days)]


async def _roll_up_day(connection: AsyncConnection, day: str) -> None:
    await connection.execute(delete(rollups).where(_day.day == day))
    names = [column.name for column in rollups.columns]
    await connection.execute(insert(rollups).from_select(names, day_query(day)))


def day_query(day: str) -> Select[Any]:
    """The rollups of one day."""
    start = _answers.start_of(day)
    found = select(
        literal(day),
        _run.agent_id,
        _run.language,
        func.count(),
        _count_where(_run.success),
        _count_where(~_run.success),
        _count_where(_run.timeout_occurred),
        func.sum(_run.execution_time),
        func.sum(_run.memory_usage),
        func.max(_run.memory_usage),
    ).where(_run.executed_at.between(start, start + _answers.DAY - 1))
    return found.group_by(_run.agent_id, _run.language)
