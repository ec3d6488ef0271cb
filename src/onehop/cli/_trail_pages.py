"""What the command line says of the audit trail: statistics, the history, one run, the audit.

Everything in it may be an attacker's text, and a record may have been tampered with, so that any
field may hold anything.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final

from onehop.cli._exits import ExitCode
from onehop.cli._output import to_json, write
from onehop.cli._stats_plots import print_plots
from onehop.cli._table import Column, clean, print_table
from onehop.cli._trail_calls import (
    CALLS,
    LEDGER,
    call_rows,
    ledger_rows,
    other_details,
    reading,
    saved,
)
from onehop.cli._trail_unended import Unended, find_unended
from onehop.records import ExecutionRecord
from onehop.runs.ledger import ledger
from onehop.stores import waiting_runs
from onehop.stores.analytics import MAX_LIMIT, Analytics, to_dict
from onehop.stores.base import EventQuery, HistoryQuery, Store

if TYPE_CHECKING:
    from onehop.answers import (
        AgentStats,
        Failure,
        PausedRun,
        PauseStats,
        ResourceUse,
        SecurityCount,
        ToolStats,
        TrendPoint,
    )
    from onehop.audit import AuditReport
    from onehop.events import Event

_FAILURES: Final = 5
"""Recent failures that the statistics show."""
_TOOLS: Final = 20
"""Tools that they show to people."""
_DAYS: Final = 14
"""Days of trends that they show to people."""
_TIME: Final = Column("time", whole=True)
_AGENT: Final = Column("agent")
_REQUEST: Final = Column("request")
_RESULT: Final = Column("result")
_MS: Final = Column("ms", number=True)
_UNRECORDED: Final = "not known: it has no record yet, for it runs, or its server is gone"
_WAITS: Final = Column("waits for", wraps=True)


async def print_stats(
    store: Store, agent_id: str | None = None, *, utc: bool = False, as_json: bool = False
) -> None:
    """Statistics of an agent's runs, or of all. Raises StoreUnavailableError."""
    asked = Analytics(store)
    stats = await asked.get_agent_stats(agent_id)
    pauses = await asked.get_pause_stats(agent_id)
    use = await asked.get_resource_use(agent_id)
    failures = await asked.get_recent_failures(agent_id, _FAILURES)
    issues = await asked.get_security_profile(agent_id)
    trends = await asked.get_trends(agent_id)
    tools = await asked.get_tool_stats(agent_id, None, MAX_LIMIT if as_json else _TOOLS)
    if as_json:
        sums: dict[str, AgentStats | PauseStats | ResourceUse]
        sums = {"stats": stats, "pauses": pauses, "resourceUse": use}
        await _print_stats_json(asked, agent_id, sums, failures, issues, trends, tools)
        return
    _print_counts(stats, use)
    _print_pauses(pauses)
    _print_tools(stats, tools)
    _print_failures(failures, zone_of(utc))
    _print_issues(issues)
    _print_trends(trends)
    print_plots(trends)


async def _print_stats_json(
    asked: Analytics,
    agent_id: str | None,
    sums: Mapping[str, AgentStats | PauseStats | ResourceUse],
    failures: Sequence[Failure],
    issues: Sequence[SecurityCount],
    trends: Sequence[TrendPoint],
    tools: Sequence[ToolStats],
) -> None:
    lists: dict[str, Sequence[Any]] = {
        "recentFailures": failures,
        "securityProfile": issues,
        "trends": trends,
        "tools": tools,
        "codeLengths": await asked.get_code_lengths(agent_id),
        "repeatedCode": await asked.get_repeated_code(agent_id=agent_id),
        "slowest": await asked.get_slowest(agent_id=agent_id),
    }
    answers = {name: [to_dict(each) for each in found] for name, found in lists.items()}
    _print_json({**{name: to_dict(each) for name, each in sums.items()}, **answers})


_NOTHING_YET: Final = "No run is kept yet: 'onehop run' makes one, and so do calls of the server.\n"


def _print_counts(stats: AgentStats, use: ResourceUse) -> None:
    whose = "all agents" if stats.agent_id is None else _name(stats.agent_id)
    _heading(f"Runs of {whose}")
    if not stats.total_executions:
        write(
            sys.stdout,
            _NOTHING_YET if stats.agent_id is None else "No run of this agent is kept.\n",
        )
        return
    kinds = [(name, each.total, each.successful) for name, each in stats.language_breakdown.items()]
    rows = [*kinds, ("in all", stats.total_executions, stats.successful_executions)]
    columns = [Column(name, number=True) for name in ("runs", "successful", "failed", "rate")]
    print_table(
        [Column("language"), *columns],
        [(name, total, ok, total - ok, _percent(ok, total)) for name, total, ok in rows],
    )
    _print_use(stats, use)


def _print_use(stats: AgentStats, use: ResourceUse) -> None:
    _heading("Time and memory")
    names = ("average", "p50", "p95", "p99", "most")
    times = (
        stats.average_execution_time,
        stats.p50_execution_time,
        stats.p95_execution_time,
        stats.p99_execution_time,
        use.max_execution_time,
    )
    memory = (use.average_memory, None, None, None, use.max_memory)
    print_table(
        [Column(""), *(Column(name, number=True) for name in names)],
        [("ms", *map(_number, times)), ("MB", *map(_number, memory))],
    )
    ended = f"{use.timeout_count} ended by their deadline, {use.limit_count} by another limit"
    write(sys.stdout, f"{ended}\n")


def _print_pauses(pauses: PauseStats) -> None:
    """Nothing, where no run has ever waited."""
    if not any((pauses.paused, pauses.resumed, pauses.diverged, pauses.expired)):
        return
    _heading("Waiting for people")
    write(
        sys.stdout,
        f"{_counted(pauses.paused, 'run')} paused now, {pauses.resumed} resumed, "
        f"{pauses.diverged} diverged; {_counted(pauses.expired, 'call')} expired\n",
    )


def _print_tools(stats: AgentStats, tools: Sequence[ToolStats]) -> None:
    if not stats.tool_calls:
        return
    _heading("Calls of tools")
    names = ("calls", "failed", "denied", "p50 ms", "p95 ms")
    print_table(
        [Column("tool"), *(Column(name, number=True) for name in names)],
        [
            (
                *(each.tool, each.calls, each.failed, each.denied),
                *(_number(each.p50_duration), _number(each.p95_duration)),
            )
            for each in tools
        ],
    )
    write(
        sys.stdout,
        f"{stats.tool_calls} calls in all; the code kept {stats.avoided_turns} turns and about "
        f"{stats.avoided_tokens} tokens from the model\n",
    )


def _print_failures(failures: Sequence[Failure], zone: tzinfo | None) -> None:
    if failures:
        _heading("Latest failures")
        print_table(
            [_TIME, _RESULT, Column("error"), _REQUEST],
            [(time_of(f.executed_at, zone), f.error_type, f.error, f.request_id) for f in failures],
        )


def _print_issues(issues: Sequence[SecurityCount]) -> None:
    if issues:
        _heading("Security issues")
        print_table(
            [Column("pattern"), Column("severity", whole=True), Column("times", number=True)],
            [(issue.pattern, issue.severity, issue.total) for issue in issues],
        )


def _print_trends(trends: Sequence[TrendPoint]) -> None:
    days = sorted({point.day for point in trends})[-_DAYS:]
    if days:
        _heading("By day (UTC), as of the last rollup")
        names = ("runs", "failed", "timeouts", "ms", "MB")
        print_table(
            [
                Column("day", whole=True),
                Column("language"),
                *(Column(n, number=True) for n in names),
            ],
            [_trend_row(point) for point in trends if point.day in days],
        )


def _trend_row(point: TrendPoint) -> Sequence[Any]:
    averages = (_number(point.average_execution_time), _number(point.average_memory))
    return (point.day, point.language, point.total, point.failed, point.timeouts, *averages)


def _began(run: ExecutionRecord | PausedRun) -> int:
    """When; a record that was tampered with may hold anything."""
    at: Any = run.executed_at
    return at if type(at) is int else 0


async def print_history(
    store: Store, query: HistoryQuery, *, utc: bool = False, as_json: bool = False
) -> None:
    """The runs that ``query`` asks for, one line each, also those that wait for people. Raises
    StoreUnavailableError."""
    paused = await waiting_runs(store, query)
    runs: list[ExecutionRecord | PausedRun] = [*paused, *await store.history(query)]
    runs = sorted(runs, key=_began, reverse=True)[: query.limit]
    if as_json:
        _print_json(
            [_wire(run) if isinstance(run, ExecutionRecord) else to_dict(run) for run in runs]
        )
    elif runs:
        last = _WAITS if paused else Column("language", optional=True)
        columns = [_TIME, _RESULT, _MS, _AGENT, _REQUEST, last]
        print_table(columns, [_history_row(run, zone_of(utc), bool(paused)) for run in runs])
    else:
        is_any = query == HistoryQuery(limit=query.limit)
        write(sys.stdout, _NOTHING_YET if is_any else "No such run is kept.\n")


def _history_row(
    run: ExecutionRecord | PausedRun, zone: tzinfo | None, has_paused: bool
) -> Sequence[Any]:
    began, agent = time_of(run.executed_at, zone), _name(run.agent_id)
    if not isinstance(run, ExecutionRecord):
        return (began, run.status, None, agent, run.request_id, _waits(run, zone))
    time = _number(run.execution_time)
    last = None if has_paused else run.language
    return (began, _result(run), time, agent, run.request_id, last)


def _waits(run: PausedRun, zone: tzinfo | None) -> str:
    """What it waits for, and since when."""
    tools = ", ".join(f"{each.tool} ({each.call_id})" for each in run.waits_for)
    return f"{tools or 'its turn to go on'}, since {time_of(run.since, zone)}"


async def print_record(
    store: Store, request_id: str, *, utc: bool = False, as_json: bool = False
) -> ExitCode:
    """All that is kept of one run. Raises StoreUnavailableError."""
    run = await store.get(request_id)
    unended = await find_unended(store, request_id, run)
    if run is None and unended is None:
        write(sys.stderr, f"onehop: no run {clean(request_id)} is kept\n")
        return ExitCode.BAD_INPUT
    known = run or (unended.kept if unended is not None else None)
    agent_id = None if known is None else known.agent_id
    found = await store.events(EventQuery(request_id=request_id, agent_id=agent_id))
    announced = [stored.event for stored in found]
    if as_json:
        _print_record_json(run, unended, announced)
        return ExitCode.SUCCESS
    if run is not None:
        _print_run(run, unended, zone_of(utc))
    elif unended is not None:
        _print_unended(unended, zone_of(utc))
    _print_events(announced, zone_of(utc))
    return ExitCode.SUCCESS


def _print_record_json(
    run: ExecutionRecord | None, unended: Unended | None, announced: Sequence[Event]
) -> None:
    details = run.details if run is not None else {}
    lines = ledger(details if unended is None else unended.details)
    wire = _wire(run) if run is not None else unended and _unended_wire(unended)
    events = [event.to_dict() for event in announced]
    _print_json({**(wire or {}), "ledger": [asdict(line) for line in lines], "events": events})


def _unended_wire(unended: Unended) -> dict[str, Any]:
    kept = unended.kept
    if unended.paused is not None:
        return to_dict(unended.paused)
    return {
        "requestId": kept.request_id,
        "runId": kept.run_id,
        "agentId": kept.agent_id,
        "channelId": kept.channel_id,
        "codeHash": kept.code_hash,
        "status": kept.phase,
        "executedAt": kept.created_at,
    }


def _print_unended(unended: Unended, zone: tzinfo | None) -> None:
    """A run that has no record yet."""
    kept, paused = unended.kept, unended.paused
    facts = {
        "agent": _name(kept.agent_id),
        "channel": kept.channel_id,
        "started": time_of(kept.created_at, zone, exact=True),
        "result": "paused" if paused else _UNRECORDED,
        "waits for": _waits(paused, zone) if paused else None,
        "until": paused and paused.expires_at and time_of(paused.expires_at, zone),
        "code": f"hash {kept.code_hash}",
        "run": kept.run_id,
    }
    _print_facts(kept.request_id, facts)
    _print_log(unended, zone)


def _print_log(unended: Unended, zone: tzinfo | None) -> None:
    """What its log says that it did to the world."""
    _heading("What it did to the world, as its log says")
    if unended.sealed is not None:
        write(sys.stdout, f"The log cannot be read: {clean(unended.sealed)}\n")
        return
    _print_effects(unended.details, zone)
    if not unended.details.get("toolCalls"):
        write(sys.stdout, "No call that may change something was sent\n")


def _print_effects(details: Any, zone: tzinfo | None) -> None:
    rows = ledger_rows(details, lambda at: time_of(at, zone))
    if rows:
        print_table(LEDGER, rows)
    if reads := reading(details):
        write(sys.stdout, f"{_counted(reads, 'call')} only read\n")


def _print_facts(request_id: str, facts: dict[str, Any]) -> None:
    _heading(f"Run {clean(request_id)}")
    for name, value in facts.items():
        if value not in (None, ""):
            write(sys.stdout, f"  {name:<13}{clean(value)}\n")


def _print_run(run: ExecutionRecord, unended: Unended | None, zone: tzinfo | None) -> None:
    _print_facts(run.request_id, _facts(run, zone))
    _print_code(run)
    _print_text("Context", _json(run.context_data))
    _print_text("Console", _joined(run.logs))
    _print_text("Output", _json(run.output) if run.success else None)
    _print_text("Error", run.error)
    _print_calls(run.details)
    if unended is None:
        _print_ledger(run, zone)
    else:
        _print_log(unended, zone)
    _print_text("Details", _json(other_details(run.details)))


def _print_code(run: ExecutionRecord) -> None:
    """All of it where the record has that: a person reads it before it becomes a snippet."""
    ran = run.details.get("ran")
    code, digest = (ran.get("code"), ran.get("hash")) if isinstance(ran, dict) else (None, None)
    if isinstance(code, str) and digest == run.code_hash:
        _print_text("Code", code)
        return
    length: Any = run.code_length  # a record that was tampered with may hold anything
    is_whole = type(length) is int and len(str(run.code_snippet)) >= length
    _print_text("Code" if is_whole else "Code, its beginning", run.code_snippet)
    _print_text("Code, corrected, as it ran", code if isinstance(code, str) else None)


def _print_calls(details: Any) -> None:
    rows = call_rows(details)
    if rows:
        _heading("Calls of tools")
        print_table(CALLS, rows)
        if (kept := saved(details)) is not None:
            write(sys.stdout, f"Kept from the model: {clean(kept)}\n")


def _print_ledger(run: ExecutionRecord, zone: tzinfo | None) -> None:
    """What it did to the world, as the chain of hashes has it."""
    is_missing = "callsMissing" in run.details
    if not (ledger(run.details) or run.was_interrupted or is_missing):
        return
    _heading("What it did to the world")
    _print_effects(run.details, zone)
    if is_missing:
        write(sys.stdout, "Its log cannot be read: calls that it had made are not on record\n")
    elif run.was_interrupted and "toolCalls" not in run.details:
        write(sys.stdout, "Its process ended first: calls that it had made are not on record\n")


def _facts(run: ExecutionRecord, zone: tzinfo | None) -> dict[str, Any]:
    return {
        "agent": _name(run.agent_id),
        "channel": run.channel_id,
        "description": run.description,
        "started": time_of(run.executed_at, zone, exact=True),
        "result": _result(run),
        "time": f"{_number(run.execution_time)} ms of {_number(run.timeout)} ms",
        "memory": f"{_number(run.memory_usage)} MB",
        "language": run.language,
        "code": f"{run.code_length} characters, hash {run.code_hash}",
        "run": run.run_id,
        "repeat of": run.repeat_of,
        "place": f"{run.sequence} in the chain, hash {run.hash}",
    }


def _print_events(announced: Sequence[Event], zone: tzinfo | None) -> None:
    if announced:
        _heading("Events")
        print_table(
            [Column("started", whole=True), Column("event")],
            [(time_of(event.timestamp, zone, exact=True), event.event_type) for event in announced],
        )


def _print_text(heading: str, text: Any) -> None:
    """Indented, so that no text of a run passes for ours."""
    if text not in (None, "", "null", "{}"):
        _heading(heading)
        for line in str(text).split("\n"):
            write(sys.stdout, f"  {line}\n")


def print_audit(report: AuditReport, *, as_json: bool = False) -> ExitCode:
    """What the audit found; SUCCESS when everything is as the store left it, else FAILED."""
    (_print_audit_json if as_json else _print_audit)(report)
    return ExitCode.SUCCESS if report.ok else ExitCode.FAILED


def print_compacted(before: int, after: int, *, as_json: bool = False) -> None:
    """How large the store's file was, and is."""
    if as_json:
        _print_json({"before": before, "after": after})
    else:
        write(sys.stdout, f"{before / 2**20:,.1f} MB before, {after / 2**20:,.1f} MB now\n")


def _print_audit_json(report: AuditReport) -> None:
    problems = [
        {
            "kind": problem.kind,
            "sequence": problem.sequence,
            "requestId": problem.request_id,
            "detail": problem.detail,
        }
        for problem in report.problems
    ]
    head = {"sequence": report.head.sequence, "hash": report.head.hash}
    counts = {
        "checked": report.checked,
        "expired": report.expired,
        "repeated": report.repeated,
        "keyed": report.keyed,
    }
    _print_json({"ok": report.ok, **counts, "head": head, "problems": problems})


def _print_audit(report: AuditReport) -> None:
    keyed = "with the key" if report.keyed else "without a key"
    checked = _counted(report.checked, "record")
    write(sys.stdout, f"{checked} checked {keyed}, {report.expired} expired\n")
    write(sys.stdout, f"The chain ends at {report.head.sequence}, hash {clean(report.head.hash)}\n")
    if report.repeated:
        runs = _counted(report.repeated, "record")
        write(sys.stdout, f"{runs} of runs whose request id had run before\n", "yellow")
    if report.ok:
        write(sys.stdout, "Everything is as the store left it.\n", "green")
        return
    _heading("Not as the store left it")
    columns = [Column("place", number=True), Column("what", whole=True), _REQUEST]
    print_table(
        [*columns, Column("detail", wraps=True)],
        [(each.sequence, each.kind, each.request_id, each.detail) for each in report.problems],
    )
    write(sys.stdout, f"{_counted(len(report.problems), 'problem')}\n", "bold red")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _print_json(document: Any) -> None:
    write(sys.stdout, to_json(document) + "\n")


def _wire(run: ExecutionRecord) -> dict[str, Any]:
    return run.model_dump(by_alias=True, warnings=False)  # what was tampered with, as it is


def _heading(text: str) -> None:
    write(sys.stdout, f"\n{text}\n", "bold")


def _joined(logs: Any) -> str:
    return "\n".join(map(str, logs)) if isinstance(logs, list) else str(logs)


def _json(value: Any) -> str:
    return to_json(value, indent=2)


def _name(agent_id: Any) -> str:
    return clean(agent_id) or "(no name)"


def _result(run: ExecutionRecord) -> str:
    return "ok" if run.success else str(run.error_type or "failed")


def zone_of(utc: bool) -> tzinfo | None:
    """Where times are shown: None is the reader's own zone."""
    return UTC if utc else None


def time_of(when: Any, zone: tzinfo | None, *, exact: bool = False) -> str:
    """ISO 8601; ``exact`` with ms and the distance from UTC."""
    try:
        local = datetime.fromtimestamp(when / 1000, UTC).astimezone(zone)
    except (TypeError, ValueError, OverflowError, OSError):
        return str(when)
    if exact:
        return local.isoformat(timespec="milliseconds")
    return local.replace(tzinfo=None).isoformat(timespec="seconds")


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.1f}" if isinstance(value, int | float) else clean(value)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""
