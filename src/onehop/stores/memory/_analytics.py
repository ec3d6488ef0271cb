"""The questions of analytics, answered from lists: what the other stores are compared with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final, get_args

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
from onehop.events import CODE_EXECUTION_RESUMED, SecurityIssue
from onehop.records import ExecutionRecord
from onehop.runs.decisions import Approval
from onehop.runs.kept import KeptRun
from onehop.stores import _answers
from onehop.stores._answers import Rollup
from onehop.stores._kept import clean_text
from onehop.stores._tool_calls import KeptCall, tool_run
from onehop.stores.base import StoredEvent
from onehop.stores.tally import FIVE_MINUTES, Avoided, Call, Rows, Run, Slice, slices_of
from onehop.types import ErrorType, Language

_BARE: Final[dict[str, Any]] = {"output": None, "logs": [], "context_data": None}
"""What ``slowest`` leaves out."""


class MemoryAnalytics:
    """Questions put to the store that keeps nothing on disk."""

    _records: list[ExecutionRecord]
    """In chain order."""
    _events: list[StoredEvent]
    _rollups: dict[tuple[str, str, str], Rollup]
    """By day, agent and language."""
    _approvals: dict[tuple[str, str], Approval]
    _kept: dict[str, KeptRun]
    _watermark: int = 0
    """The last sequence that the rollups contain."""

    async def agent_stats(self, agent_id: str | None, since: int | None) -> AgentStats:
        """Counts, rates and times."""
        runs = self._runs(agent_id, since)
        successful = sum(run.success for run in runs)
        times = sorted(run.execution_time for run in runs)
        called = list(filter(None, map(tool_run, runs)))
        return AgentStats(
            agent_id=agent_id,
            total_executions=len(runs),
            successful_executions=successful,
            failed_executions=len(runs) - successful,
            success_rate=_answers.mean(successful, len(runs)),
            average_execution_time=_answers.mean(sum(times), len(runs)),
            p50_execution_time=_percentile(times, 50),
            p95_execution_time=_percentile(times, 95),
            p99_execution_time=_percentile(times, 99),
            timeout_count=sum(run.timeout_occurred for run in runs),
            language_breakdown=_by_language(runs),
            tool_calls=sum(run.calls for run in called),
            avoided_turns=sum(run.avoided_turns for run in called),
            avoided_tokens=sum(run.avoided_tokens for run in called),
        )

    async def pause_stats(self, agent_id: str | None, since: int | None) -> PauseStats:
        """Runs that waited for people, and what came of it."""
        kept = [run for run in self._kept.values() if _is_of(run, run.created_at, agent_id, since)]
        asked = [
            each
            for each in self._approvals.values()
            if _is_of(each, each.requested_at, agent_id, since)
        ]
        again = {run.run_id for run in kept if run.fence > 1} | self._went_on(agent_id, since)
        return PauseStats(
            agent_id=agent_id,
            paused=sum(run.is_waiting for run in kept),
            resumed=len(again & {each.run_id for each in self._approvals.values()}),
            diverged=sum(run.error_type == "diverged" for run in self._runs(agent_id, since)),
            expired=sum(each.status == "expired" for each in asked),
        )

    def _went_on(self, agent_id: str | None, since: int | None) -> set[str | None]:
        """The records of runs that went on after a pause."""
        told = {
            (each.event.agent_id, each.event.request_id)
            for each in self._events
            if each.event.event_type == CODE_EXECUTION_RESUMED
        }
        runs = self._runs(agent_id, since)
        return {run.run_id for run in runs if (run.agent_id, run.request_id) in told}

    async def recent_failures(self, agent_id: str | None, limit: int) -> list[Failure]:
        """Newest first, then by sequence, descending."""
        failed = [run for run in self._runs(agent_id, None) if not run.success]
        failed.sort(key=lambda run: (run.executed_at, run.sequence or 0), reverse=True)
        return [_failure(run) for run in failed[:limit]]

    async def trends(self, agent_id: str | None, since: int | None) -> list[TrendPoint]:
        """From the rollups, by day and then language, ascending; whole days, that of ``since``
        included."""
        wanted = _kept_name(agent_id)
        first = "" if since is None else _answers.day_of(since)
        return _answers.trend_points(
            rollup
            for rollup in self._rollups.values()
            if wanted in (None, rollup.agent_id) and rollup.day >= first
        )

    async def timeline(
        self, agent_id: str | None, since: int | None, step: int
    ) -> list[TimelinePoint]:
        """Runs by steps of ``step`` ms, ascending; steps without a run are left out."""
        groups: dict[int, list[ExecutionRecord]] = defaultdict(list)
        for run in self._runs(agent_id, since):
            groups[run.executed_at // step * step].append(run)
        return [
            TimelinePoint(
                start=start,
                total=len(runs),
                successful=sum(run.success for run in runs),
                timeouts=sum(run.timeout_occurred for run in runs),
                average_execution_time=_answers.mean(_time(runs), len(runs)),
                max_memory=max(run.memory_usage for run in runs),
            )
            for start, runs in sorted(groups.items())
        ]

    async def failure_causes(self, agent_id: str | None, since: int | None) -> list[FailureCause]:
        """Failures by error type, most first, then by type."""
        groups: dict[ErrorType | None, list[int]] = defaultdict(list)
        for run in self._runs(agent_id, since):
            if not run.success:
                groups[run.error_type].append(run.executed_at)
        found = [
            FailureCause(error_type=cause, total=len(times), last_executed_at=max(times))
            for cause, times in groups.items()
        ]
        return sorted(found, key=lambda each: (-each.total, each.error_type or ""))

    async def agent_counts(self, since: int | None, limit: int) -> list[AgentCount]:
        """Runs by agent, most first, then by name."""
        groups: dict[str, list[ExecutionRecord]] = defaultdict(list)
        for run in self._runs(None, since):
            groups[run.agent_id].append(run)
        found = [
            AgentCount(
                agent_id=agent,
                total=len(runs),
                successful=sum(run.success for run in runs),
                timeouts=sum(run.timeout_occurred for run in runs),
                average_execution_time=_answers.mean(_time(runs), len(runs)),
                last_executed_at=max(run.executed_at for run in runs),
            )
            for agent, runs in groups.items()
        ]
        return sorted(found, key=lambda each: (-each.total, each.agent_id))[:limit]

    async def resource_use(self, agent_id: str | None, since: int | None) -> ResourceUse:
        """What runs used."""
        runs = self._runs(agent_id, since)
        memory = [run.memory_usage for run in runs]
        times = [run.execution_time for run in runs]
        return ResourceUse(
            total_executions=len(runs),
            average_memory=_answers.mean(sum(memory), len(runs)),
            max_memory=max(memory, default=0),
            average_execution_time=_answers.mean(sum(times), len(runs)),
            max_execution_time=max(times, default=0),
            total_execution_time=sum(times),
            timeout_count=sum(run.timeout_occurred for run in runs),
            limit_count=sum(run.error_type == "resource_limit" for run in runs),
        )

    async def code_lengths(self, agent_id: str | None, since: int | None) -> list[CodeLengthBucket]:
        """All buckets of CODE_LENGTH_EDGES, ascending, empty ones included."""
        groups: dict[int, list[ExecutionRecord]] = defaultdict(list)
        for run in self._runs(agent_id, since):
            groups[_answers.bucket_of(run.code_length)].append(run)
        return _answers.code_length_buckets(
            (low, len(runs), sum(run.success for run in runs), sum(r.execution_time for r in runs))
            for low, runs in groups.items()
        )

    async def repeated_code(
        self, agent_id: str | None, since: int | None, limit: int
    ) -> list[RepeatedCode]:
        """Code that ran more than once, most often first, then by hash."""
        groups: dict[str, list[ExecutionRecord]] = defaultdict(list)
        for run in self._runs(agent_id, since):
            groups[run.code_hash].append(run)
        found = [_repeated(runs) for runs in groups.values() if len(runs) > 1]
        return sorted(found, key=lambda code: (-code.total, code.code_hash))[:limit]

    async def slowest(
        self, agent_id: str | None, since: int | None, limit: int
    ) -> list[ExecutionRecord]:
        """By execution_time, descending, then by sequence; without output, logs and context."""
        runs = self._runs(agent_id, since)
        runs.sort(key=lambda run: (-run.execution_time, run.sequence))
        return [run.model_copy(update=_BARE, deep=True) for run in runs[:limit]]

    async def security_profile(
        self, agent_id: str | None, since: int | None
    ) -> list[SecurityCount]:
        """Counts of the SecurityIssue events, most first, then by pattern and severity."""
        wanted = _kept_name(agent_id)
        counts = Counter(
            (event.pattern, event.severity)
            for event in (stored.event for stored in self._events)
            if isinstance(event, SecurityIssue)
            and wanted in (None, event.agent_id)
            and (since is None or event.timestamp >= since)
        )
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [SecurityCount(pattern=p, severity=s, total=total) for (p, s), total in ordered]

    async def tool_stats(
        self, agent_id: str | None, since: int | None, limit: int, by_agent: bool = False
    ) -> list[ToolStats]:
        """By tool, or by tool and agent: most calls first, then by tool and agent."""
        groups: dict[tuple[str, str], list[KeptCall]] = defaultdict(list)
        for run in self._runs(agent_id, since):
            for call in found.listed if (found := tool_run(run)) else ():
                groups[call.tool, run.agent_id if by_agent else ""].append(call)
        ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        return [_tool_stats(key, calls, by_agent) for key, calls in ordered[:limit]]

    async def slices(self, agent_id: str | None, since: int, grain: int) -> list[Slice]:  # noqa: ARG002
        """From the records: a list in memory is quick to read."""
        runs = self._runs(agent_id, since)
        return slices_of(_rows(runs), FIVE_MINUTES)

    async def roll_up(self, now: int, keep_days: int) -> None:
        """Bring the rollups of each day up to date; drop those past ``keep_days``."""
        first = _answers.first_rolled_up(now, keep_days)
        new = [run for run in self._records if (run.sequence or 0) > self._watermark]
        recent = [run for run in new if first <= run.executed_at < _answers.END_OF_DAYS]
        for day in {_answers.day_of(run.executed_at) for run in recent}:
            self._roll_up_day(day)
        if new:
            self._watermark = new[-1].sequence or 0
        kept = _answers.first_kept(now, keep_days)
        self._rollups = {key: each for key, each in self._rollups.items() if each.day >= kept}

    def _roll_up_day(self, day: str) -> None:
        groups: Mapping[tuple[str, Language], list[ExecutionRecord]] = defaultdict(list)
        for run in self._records:
            if _answers.day_of(run.executed_at) == day:
                groups[run.agent_id, run.language].append(run)
        for (agent_id, language), runs in groups.items():
            self._rollups[day, agent_id, language] = _rollup(day, runs)

    def _runs(self, agent_id: str | None, since: int | None) -> list[ExecutionRecord]:
        wanted = _kept_name(agent_id)
        return [
            run
            for run in self._records
            if wanted in (None, run.agent_id) and (since is None or run.executed_at >= since)
        ]


def _kept_name(agent_id: str | None) -> str | None:
    return None if agent_id is None else clean_text(agent_id)


def _is_of(item: KeptRun | Approval, at: int, agent_id: str | None, since: int | None) -> bool:
    return _kept_name(agent_id) in (None, item.agent_id) and at >= (since or 0)


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[_answers.place(len(ordered), percent)] if ordered else 0.0


def _by_language(runs: Iterable[ExecutionRecord]) -> dict[str, LanguageCount]:
    total = Counter(run.language for run in runs)
    successful = Counter(run.language for run in runs if run.success)
    return {
        name: LanguageCount(total[name], successful[name])
        for name in get_args(Language)
        if total[name]
    }


def _failure(run: ExecutionRecord) -> Failure:
    return Failure(
        request_id=run.request_id,
        code_hash=run.code_hash,
        language=run.language,
        error=run.error,
        error_type=run.error_type,
        execution_time=run.execution_time,
        executed_at=run.executed_at,
    )


def _tool_stats(key: tuple[str, str], calls: list[KeptCall], by_agent: bool) -> ToolStats:
    times = sorted(call.duration for call in calls if call.duration)
    outcomes = Counter(call.outcome for call in calls)
    return ToolStats(
        tool=key[0],
        agent_id=key[1] if by_agent else None,
        calls=len(calls),
        failed=outcomes["failed"],
        denied=outcomes["denied"],
        unknown=outcomes["unknown"],
        average_duration=_answers.mean(sum(times), len(times)),
        p50_duration=_percentile(times, 50),
        p95_duration=_percentile(times, 95),
        bytes_in=sum(call.bytes_in for call in calls),
        bytes_out=sum(call.bytes_out for call in calls),
    )


def _repeated(runs: list[ExecutionRecord]) -> RepeatedCode:
    return RepeatedCode(
        code_hash=runs[0].code_hash,
        total=len(runs),
        successful=sum(run.success for run in runs),
        last_executed_at=max(run.executed_at for run in runs),
    )


def _rollup(day: str, runs: list[ExecutionRecord]) -> Rollup:
    successful = sum(run.success for run in runs)
    return Rollup(
        day=day,
        agent_id=runs[0].agent_id,
        language=runs[0].language,
        total=len(runs),
        successful=successful,
        failed=len(runs) - successful,
        timeouts=sum(run.timeout_occurred for run in runs),
        sum_execution_time=sum(run.execution_time for run in runs),
        sum_memory=sum(run.memory_usage for run in runs),
        max_memory=max(run.memory_usage for run in runs),
    )


def _rows(runs: list[ExecutionRecord]) -> Rows:
    called = [(run, found) for run in runs if (found := tool_run(run)) is not None]
    return Rows(
        runs=[_run_row(run) for run in runs],
        calls=[
            Call(run.agent_id, run.executed_at, **asdict(call))
            for run, found in called
            for call in found.listed
        ],
        avoided=[
            Avoided(
                run.agent_id,
                run.executed_at,
                found.calls,
                found.avoided_turns,
                found.avoided_tokens,
            )
            for run, found in called
        ],
    )


def _run_row(run: ExecutionRecord) -> Run:
    """What is counted of a record."""
    return Run(
        run.agent_id,
        run.executed_at,
        run.language,
        run.success,
        run.timeout_occurred,
        run.error_type,
        run.execution_time,
        run.memory_usage,
    )


def _time(runs: Iterable[ExecutionRecord]) -> float:
    return sum(run.execution_time for run in runs)
