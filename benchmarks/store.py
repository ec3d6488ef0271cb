"""The audit trail in SQLite: what taking records costs, and what the questions put to it cost."""

from __future__ import annotations

import random
import re
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, event

from benchmarks._program import Options, main, rounds
from benchmarks._report import Budget, Report
from benchmarks._stats import percentile
from onehop.events import (
    Event,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionStarted,
    SecurityIssue,
    ValidationCompleted,
    ValidationStarted,
)
from onehop.records import ExecutionRecord
from onehop.stores.analytics import Analytics
from onehop.stores.base import Entry, HistoryQuery
from onehop.stores.sql import SqlStore

RECORDS = 100_000
BATCH = 200
"""What the recorder delivers in one go."""
BIG = "agent-big"
"""The agent that has half of all runs."""
SMALL = "agent-017"
DAYS = 28
_DAY = 86_400_000

Question = Callable[[Analytics, str | None, int | None], Awaitable[Any]]

QUESTIONS: dict[str, Question] = {
    "agent stats": lambda ask, agent, since: ask.get_agent_stats(agent, since),
    "trends": lambda ask, agent, since: ask.get_trends(agent, since),
    "resource use": lambda ask, agent, since: ask.get_resource_use(agent, since),
    "code lengths": lambda ask, agent, since: ask.get_code_lengths(agent, since),
    "repeated code": lambda ask, agent, since: ask.get_repeated_code(10, agent, since),
    "slowest": lambda ask, agent, since: ask.get_slowest(10, agent, since),
    "security profile": lambda ask, agent, since: ask.get_security_profile(agent, since),
}

FILTERS: dict[str, dict[str, Any]] = {
    "of a cause": {"error_type": "timeout"},
    "of a tool": {"tool": "crm.tool_1"},
    "of a tool seldom called": {"tool": "crm.tool_39"},
    "of a tool and a cause": {"tool": "crm.tool_1", "error_type": "resource_limit"},
}


async def measure(options: Options) -> Report:
    """Fill a store, put every question to it in turns, and look at how it was found."""
    report = Report("store", "The audit trail in SQLite")
    with tempfile.TemporaryDirectory(prefix="onehop-bench-") as folder:
        path = Path(folder) / "store.db"
        store = SqlStore(f"sqlite:///{path}")
        await store.open()
        try:
            source = Calling(time.time_ns() // 1_000_000)
            await _measure_appends(report, store, source, options)
            await fill(store, source)
            await _measure_rollup(report, store, source)
            await _measure_questions(report, store, source, path, options)
        finally:
            await store.aclose()
        size = path.stat().st_size / 2**20
    report.notes.append(
        f"{RECORDS:,} records of {Source.AGENTS + 1} agents over {DAYS} days, and {source.events:,}"
        f" events: {size:.0f} MB with all indexes. {BIG} has half of the records. Times are those"
        f" of the whole call. SQLite {sqlite3.sqlite_version}."
    )
    return report


class Source:
    """Realistic runs, always the same ones, up to ``now``."""

    AGENTS = 200

    def __init__(self, now: int) -> None:
        self.now = now
        self.made = 0
        self.events = 0
        self._random = random.Random(1)

    def entries(self, count: int, *, announced: bool) -> list[Entry]:
        """The next runs; with their four or five events, or only with their security issues."""
        return [self._entry(announced) for _ in range(count)]

    def _entry(self, announced: bool) -> Entry:
        record = self._record()
        events = tuple(self._events(record, announced))
        self.made += 1
        self.events += len(events)
        return Entry(record, events)

    def _record(self) -> ExecutionRecord:
        pick = self._random
        kind = pick.choices(("ok", "runtime", "timeout", "validation", "resource_limit"), _KINDS)[0]
        started = self.now - DAYS * _DAY + self.made * DAYS * _DAY // RECORDS
        rows = [{"id": pick.randrange(10**6), "name": "a name"}] * int(pick.paretovariate(1.2))
        fields: dict[str, Any] = {"success": True, "output": {"rows": rows[:2000]}}
        if kind != "ok":
            fields = {"success": False, "error": f"{kind}: what went wrong", "error_type": kind}
        return ExecutionRecord(
            request_id=f"{pick.getrandbits(128):032x}",
            agent_id=BIG if pick.random() < 0.5 else f"agent-{pick.randrange(self.AGENTS):03}",
            channel_id=f"channel-{pick.randrange(50)}",
            language=pick.choice(("javascript", "javascript", "typescript")),
            code_hash=f"{min(int(pick.paretovariate(0.4)), 40_000) * 2**40:016x}",
            code_length=int(pick.lognormvariate(6, 1.3)),
            code_snippet="const rows = await context.rows\n" * 12,
            logs=["a line of some length, as programs print it"] * pick.randrange(4),
            execution_time=round(pick.lognormvariate(2, 1.2), 3),
            timeout=5000.0,
            memory_usage=round(pick.uniform(4, 40), 2),
            timeout_occurred=kind == "timeout",
            context_data={"rows": [1, 2, 3]},
            executed_at=started,
            created_at=started + 50,
            details={"enforcement": ["namespaces", "landlock", "seccomp", "rlimits", "uid"]},
            **fields,
        )

    def _events(self, record: ExecutionRecord, announced: bool) -> Iterator[Event]:
        who: dict[str, Any] = {
            "agent_id": record.agent_id,
            "channel_id": record.channel_id,
            "request_id": record.request_id,
            "code_hash": record.code_hash,
            "timestamp": record.executed_at,
        }
        if record.error_type == "validation":
            yield SecurityIssue(
                **who,
                issue_type="dangerous_pattern",
                description="eval runs text as code",
                severity=self._random.choice(("medium", "high", "critical")),
                pattern=f"rule-{self._random.randrange(25)}",
            )
        if announced:
            yield from _announcements(who, record)


class Calling(Source):
    """Runs; every third one calls tools."""

    def _record(self) -> ExecutionRecord:
        record, pick = super()._record(), self._random
        if self.made % 3:
            return record
        calls = [
            {
                "id": f"call_{number}",
                "tool": f"crm.tool_{min(int(pick.paretovariate(0.8)), 40)}",
                "effect": "read",
                "outcome": pick.choices(("ok", "failed", "denied"), (92, 6, 2))[0],
                "duration": round(pick.lognormvariate(3, 1), 2),
                "queued": 0.1,
                "bytesIn": 40,
                "bytesOut": pick.randrange(5000),
            }
            for number in range(pick.randrange(1, 6))
        ]
        avoided = {"turns": len(calls), "tokens": 300 * len(calls)}
        return record.model_copy(
            update={"details": {**record.details, "toolCalls": calls, "avoided": avoided}}
        )


_KINDS = (85, 8, 2, 3, 2)
"""Of each hundred runs."""


def _announcements(who: dict[str, Any], record: ExecutionRecord) -> Iterator[Event]:
    language, taken = record.language, record.execution_time
    yield ValidationStarted(**who)
    yield ValidationCompleted(**who, safe=True, error_count=0, warning_count=0, validation_time=0.4)
    yield ExecutionStarted(
        **who, language=language, code_length=record.code_length, timeout=record.timeout
    )
    if record.success:
        use = {"memory": record.memory_usage, "timeout": False}
        yield ExecutionCompleted(
            **who,
            language=language,
            execution_time=taken,
            output_size=100,
            log_count=len(record.logs),
            resource_usage=use,
        )
    else:
        yield ExecutionFailed(
            **who,
            language=language,
            error=record.error or "",
            error_type=record.error_type or "runtime",
            execution_time=taken,
        )


async def _measure_appends(
    report: Report, store: SqlStore, source: Source, options: Options
) -> None:
    table = report.table("Records taken a second, p50", "batch", "runs alone", "with events", "n")
    for size, count in ((1, 200), (20, 40), (BATCH, 15)):
        batches = options.pick(count, count // 5)
        alone = [await _append_rate(store, source, size, False) for _ in range(batches)]
        whole = [await _append_rate(store, source, size, True) for _ in range(batches)]
        table.add(f"{size}", median(alone), median(whole), batches)


async def _append_rate(store: SqlStore, source: Source, size: int, announced: bool) -> float:
    entries = source.entries(size, announced=announced)
    start = perf_counter()
    await store.append(entries)
    return size / (perf_counter() - start)


async def fill(store: SqlStore, source: Source, records: int = RECORDS) -> None:
    """Append runs until that many are made."""
    while source.made < records:
        count = min(5 * BATCH, records - source.made)
        await store.append(source.entries(count, announced=False))


async def _measure_rollup(report: Report, store: SqlStore, source: Source) -> None:
    table = report.table("Rollup, ms", "what is new", "time")
    for what in ("everything", "nothing", f"{BATCH} runs of one day"):
        if what.startswith(f"{BATCH}"):
            await store.append(source.entries(BATCH, announced=False))
        start = perf_counter()
        await store.roll_up(source.now, 90)
        table.add(what, (perf_counter() - start) * 1000)


async def _measure_questions(
    report: Report, store: SqlStore, source: Source, path: Path, options: Options
) -> None:
    ask = Analytics(store)
    frequent = (await ask.get_repeated_code(1))[0].code_hash
    cases: list[tuple[str, str, Callable[[], Awaitable[Any]]]] = [
        (name, whose, _put(question, ask, agent, since))
        for name, question in QUESTIONS.items()
        for whose, agent, since in _scopes(source.now)
    ]
    cases += [
        ("recent failures", "all", lambda: ask.get_recent_failures(None)),
        ("recent failures", BIG, lambda: ask.get_recent_failures(BIG)),
        ("code by its hash", "all", lambda: ask.find_by_code_hash(frequent)),
    ]
    cases += [
        (f"latest runs, {name}", whose, _ask_history(store, agent_id=agent, **wanted))
        for name, wanted in FILTERS.items()
        for whose, agent in (("all", None), (BIG, BIG), (SMALL, SMALL))
    ]
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    async for (name, whose, answer), counts in rounds(cases, options.pick(25, 5)):
        start = perf_counter()
        await answer()
        if counts:
            times[name, whose].append((perf_counter() - start) * 1000)
    found = {(name, whose): await _indexes(path, answer) for name, whose, answer in cases}
    _fill_table(report, times, found)


def _scopes(now: int) -> list[tuple[str, str | None, int | None]]:
    week = now - 7 * _DAY
    agents = [("all", None), (BIG, BIG), (SMALL, SMALL)]
    lately = [("all, 7 days", None, week), (f"{BIG}, 7 days", BIG, week)]
    return [*((whose, agent, None) for whose, agent in agents), *lately]


def _put(
    question: Question, ask: Analytics, agent: str | None, since: int | None
) -> Callable[[], Awaitable[Any]]:
    return lambda: question(ask, agent, since)


def _ask_history(store: SqlStore, **wanted: Any) -> Callable[[], Awaitable[Any]]:
    """A page of the history, as the dashboard asks for it."""
    return lambda: store.history(HistoryQuery(**wanted, limit=51, brief=True))


def _fill_table(
    report: Report, times: dict[tuple[str, str], list[float]], found: dict[tuple[str, str], str]
) -> None:
    table = report.table("Questions, ms", "question", "of", "p50", "p95", "n", "indexes")
    for (name, whose), taken in times.items():
        indexes = found[name, whose]
        table.add(name, whose, median(taken), percentile(taken, 95), len(taken), indexes)
    worst = max(times, key=lambda case: median(times[case]))
    slowest = f"{worst[0]} of {worst[1]}, the slowest question, p50"
    scans = [case for case, names in found.items() if "a whole table" in names]
    report.budgets += [
        Budget(slowest, median(times[worst]), "≤", 50.0, "ms"),
        Budget("questions that read a whole table", len(scans), "≤", 0, ""),
    ]


async def _indexes(path: Path, answer: Callable[[], Awaitable[Any]]) -> str:
    """The indexes by which SQLite finds the answer."""
    with _statements() as sent:
        await answer()
    used: dict[str, None] = {}
    with closing(sqlite3.connect(path)) as database:
        for statement, parameters in sent:
            for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
                used.update(dict.fromkeys(_index(row[3])))
    return ", ".join(used)


def _index(step: str) -> list[str]:
    if re.fullmatch(r"SCAN (executions|events|rollups)", step):
        return ["a whole table"]
    return re.findall(r"USING (?:COVERING )?INDEX (\w+)", step)


@contextmanager
def _statements() -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database meanwhile."""
    sent: list[tuple[str, Any]] = []

    def note(_a: Any, _b: Any, statement: str, parameters: Any, _c: Any, _d: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


if __name__ == "__main__":
    main("store", measure)
