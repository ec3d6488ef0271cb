"""The audit trail on the command line: for people, for programs, and with hostile text in it."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from rich.cells import cell_len
from typer.testing import CliRunner

from onehop.audit import verify
from onehop.cli import app
from onehop.cli._exits import ExitCode
from onehop.cli._trail_pages import print_audit, print_history, print_record, print_stats
from onehop.stores.base import Entry, HistoryQuery
from onehop.stores.sql import SqlStore
from tests.stores.records import announced
from tests.stores.test_analytics import NOW, failed, issue, run, take

pytestmark = pytest.mark.unit

HOSTILE = "\x1b[31mred\x1b[0m\x1b]0;title\x07\r\x9b2J\u202egnp.exe\0\ttab\nline"
ISO = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"


class Terminal(io.StringIO):
    """What is printed, as if to a person."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Screen:
    """A terminal in place of standard output, once it is switched on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._terminal = Terminal()

    def switch_on(self, columns: int) -> None:
        """Start with an empty one of this width."""
        self._terminal = Terminal()
        self._monkeypatch.setenv("TERM", "xterm")
        self._monkeypatch.setenv("COLUMNS", str(columns))
        self._monkeypatch.setattr("sys.stdout", self._terminal)

    @property
    def raw(self) -> str:
        return self._terminal.getvalue()

    @property
    def lines(self) -> list[str]:
        """Without colours."""
        return re.sub(r"\x1b\[[\d;]*m", "", self.raw).split("\n")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    opened = SqlStore(f"sqlite:///{path}")
    await opened.open()
    yield opened
    await opened.aclose()


@pytest_asyncio.fixture
async def busy(store: SqlStore) -> SqlStore:
    """A store with runs of several kinds and agents."""
    wide = "日本語の長い名前" * 8
    await take(
        store,
        run(1, execution_time=12_345.678),
        run(2, language="typescript", agent_id=wide, request_id="q" * 64),
        failed(3, "timeout", error="too slow " * 30),
        failed(4, "resource_limit", request_id="0123456789abcdef" * 4, agent_id="x" * 200),
        events=[issue("a-rule-of-some-length" * 5, "high"), issue("eval", "critical")],
    )
    await store.roll_up(NOW, 90)
    return store


async def _everything(store: SqlStore) -> None:
    await print_stats(store)
    await print_stats(store, "ada")
    await print_history(store, HistoryQuery())
    print_audit(await verify(store, now=NOW))


# For people


@pytest.mark.sample(2)
@pytest.mark.parametrize("columns", [60, 61, 80, 120, 200])
async def test_tables_fit_the_terminal(busy: SqlStore, screen: Screen, columns: int) -> None:
    screen.switch_on(columns)
    await print_stats(busy)
    await print_history(busy, HistoryQuery())
    assert max(cell_len(line) for line in screen.lines) <= columns
    assert "12,345.7" in screen.raw, "numbers are shown whole"
    assert re.search(ISO, screen.raw), "and so are times"


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("zone", "utc", "expected"),
    [
        ("Asia/Kolkata", False, "2027-01-01T05:30:00"),
        ("Asia/Kolkata", True, "2027-01-01T00:00:00"),
        ("America/St_Johns", False, "2026-12-31T20:30:00"),
        ("UTC", False, "2027-01-01T00:00:00"),
    ],
)
async def test_times_are_those_of_the_reader_unless_utc_is_asked_for(
    store: SqlStore,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    utc: bool,
    expected: str,
) -> None:
    await take(store, failed(1, executed_at=1_798_761_600_000))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        await print_history(store, HistoryQuery(), utc=utc)
        await print_record(store, "r1", utc=utc)
        await print_history(store, HistoryQuery(), utc=utc, as_json=True)
    finally:
        monkeypatch.undo()
        time.tzset()
    printed = capsys.readouterr().out
    assert printed.count(expected) == 2
    assert '"executedAt": 1798761600000' in printed


async def test_narrow_terminals_shorten_names_and_say_so(busy: SqlStore, screen: Screen) -> None:
    screen.switch_on(60)
    await print_history(busy, HistoryQuery())
    assert "…" in screen.raw
    assert "language" not in screen.raw
    screen.switch_on(400)
    await print_history(busy, HistoryQuery())
    assert "…" not in screen.raw
    assert "language" in screen.raw


async def test_numbers_stand_below_each_other(busy: SqlStore, screen: Screen) -> None:
    screen.switch_on(80)
    await print_history(busy, HistoryQuery(agent_id="ada"))
    ends = {match.end() for line in screen.lines if (match := re.search(r"\d\.\d(?= )", line))}
    assert len(ends) == 1


async def test_without_a_terminal_it_is_plain_and_whole(
    busy: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    await _everything(busy)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "…" not in printed
    assert "0123456789abcdef" * 4 in printed
    assert not re.search(" $", printed, re.MULTILINE)


async def test_stats_tell_counts_times_failures_issues_and_days(
    busy: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    await print_stats(busy)
    words = " ".join(capsys.readouterr().out.split())
    assert "Runs of all agents" in words
    assert "javascript 3 1 2 33.3 % typescript 1 1 0 100.0 % in all 4 2 2 50.0 %" in words
    assert "average p50 p95 p99 most" in words
    assert "1 ended by their deadline, 1 by another limit" in words
    assert "too slow" in words
    assert "eval critical 1" in words
    assert "timeouts ms MB" in words


async def test_an_agent_without_runs_is_no_error(
    store: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    await print_stats(store, "")
    await print_history(store, HistoryQuery())
    nothing = "No run is kept yet: 'onehop run' makes one, and so do calls of the server."
    words = " ".join(capsys.readouterr().out.split())
    assert words == f"Runs of (no name) No run of this agent is kept. {nothing}"


async def test_one_run_is_shown_with_all_that_is_kept(
    store: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(
        1,
        description="sums up",
        code_snippet="const a = 1\nreturn a",
        logs=["one\ntwo", "[WARN] three"],
        output={"a": [1]},
        context_data={"rows": []},
    )
    await store.append([Entry(done, announced(done))])
    assert await print_record(store, "r1") is ExitCode.SUCCESS
    printed = capsys.readouterr().out
    for part in (
        "Run r1",
        "agent        ada",
        "description  sums up",
        "  const a = 1\n  return a\n",
        "  one\n  two\n  [WARN] three\n",
        '  {\n    "a": [',
        "10.0 ms of 5,000.0 ms",
        "1 in the chain",
        "code:execution:started",
        "code:execution:completed",
    ):
        assert part in printed, part
    assert re.search(rf"started      {ISO}\.000[+-]\d\d:\d\d", printed)


CALL = {
    "id": "call_1",
    "tool": "crm.pay",
    "outcome": "denied",
    "effect": "write",
    "duration": 0.0,
    "bytesOut": 0,
    "error": "denied",
    "rule": "deny crm.pay when amount > 100",
}


async def test_the_calls_of_a_run_are_shown_with_their_arguments(
    store: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    details = {
        "cpuTime": 3.5,
        "toolCalls": [CALL, {**CALL, "id": "call_2", "outcome": "ok", "error": None, "rule": None}],
        "toolArguments": {"call_1": {"amount": 101}, "call_2": {"amount": 99}},
        "avoided": {"turns": 0, "tokens": 7, "formula": "…"},
    }
    await take(store, run(1, details=details))
    await print_record(store, "r1")
    calls, _, rest = capsys.readouterr().out.partition("Details")
    shown = [" ".join(line.split()) for line in calls.splitlines()]
    assert (
        'call_1 crm.pay denied (deny crm.pay when amount > 100) write 0.0 0 {"amount": 101}'
    ) in shown
    assert 'call_2 crm.pay ok write 0.0 0 {"amount": 99}' in shown
    assert "Kept from the model: 0 turns and 7 tokens" in shown
    assert "cpuTime" in rest
    assert "toolCalls" not in rest


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "details",
    [
        {"toolCalls": [dict.fromkeys(CALL, HOSTILE)], "toolArguments": {HOSTILE: HOSTILE}},
        {"toolCalls": [{name: [{}] for name in CALL}], "avoided": {"turns": HOSTILE}},
        {"toolCalls": [CALL], "toolArguments": [7], "avoided": [7]},
        {"toolCalls": [HOSTILE], "toolArguments": {"call_1": HOSTILE}},
        {"toolCalls": HOSTILE, "avoided": HOSTILE},
    ],
)
async def test_calls_that_were_tampered_with_are_still_shown(
    store: SqlStore, screen: Screen, details: Any
) -> None:
    await take(store, run(1, details=details))
    screen.switch_on(120)
    assert await print_record(store, "r1") is ExitCode.SUCCESS
    assert "Details" in screen.raw or "Calls of tools" in screen.raw
    assert not re.search("^line", screen.raw, re.MULTILINE)
    assert "\x1b[31m" not in screen.raw


async def test_a_run_that_is_not_kept_is_bad_input(
    store: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await print_record(store, "no\nsuch", as_json=True) is ExitCode.BAD_INPUT
    assert capsys.readouterr() == ("", "onehop: no run no such is kept\n")


async def test_the_audit_says_what_is_wrong_and_where(
    busy: SqlStore, path: Path, screen: Screen
) -> None:
    screen.switch_on(80)
    assert print_audit(await verify(busy, now=NOW)) is ExitCode.SUCCESS
    assert "4 records checked without a key, 0 expired" in screen.lines
    assert "Everything is as the store left it." in screen.raw
    _tamper(path, "UPDATE executions SET output = '3' WHERE sequence = 2")
    screen.switch_on(60)
    assert print_audit(await verify(busy, now=NOW)) is ExitCode.FAILED
    assert "1 problem" in screen.lines
    words = " ".join(screen.raw.split())
    assert "changed" in words
    assert "hash is not" in words, "what is wrong is not shortened"


async def test_the_audit_counts_runs_under_a_request_id_that_had_run(
    store: SqlStore, screen: Screen, capsys: pytest.CaptureFixture[str]
) -> None:
    await take(store, run(1, request_id="same", run_id="a" * 32))
    await take(store, run(2, request_id="same", run_id="b" * 32))
    print_audit(await verify(store, now=NOW), as_json=True)
    assert json.loads(capsys.readouterr().out)["repeated"] == 1
    screen.switch_on(80)
    assert print_audit(await verify(store, now=NOW)) is ExitCode.SUCCESS
    assert "1 record of runs whose request id had run before" in screen.lines


def test_a_store_is_compacted_on_the_command_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(path)) as older:
        script = "CREATE TABLE t (b); INSERT INTO t VALUES (zeroblob(4000000)); DROP TABLE t;"
        older.executescript(script)
    before = path.stat().st_size
    monkeypatch.setenv("ONEHOP_STORE", f"sqlite:///{path}")
    monkeypatch.setenv("ONEHOP_JOURNAL", str(tmp_path / "journal"))
    done = CliRunner().invoke(app, ["store", "compact", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["after"] == path.stat().st_size < before / 4


# For programs


async def test_each_command_has_one_json_document(
    busy: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    async def said(command: Any) -> Any:
        await command
        return json.loads(capsys.readouterr().out)

    stats = await said(print_stats(busy, "ada", as_json=True))
    assert stats["stats"]["totalExecutions"] == 2
    assert stats["resourceUse"]["timeoutCount"] == 1
    assert stats["recentFailures"][0]["errorType"] == "timeout"
    assert stats["trends"][0]["total"] == 2
    assert set(stats) > {"securityProfile", "codeLengths", "repeatedCode", "slowest"}
    history = await said(print_history(busy, HistoryQuery(limit=2), as_json=True))
    assert [each["sequence"] for each in history] == [4, 3]
    shown = await said(print_record(busy, "r1", as_json=True))
    assert (shown["executionTime"], shown["events"]) == (12_345.678, [])
    print_audit(await verify(busy, now=NOW), as_json=True)
    audit = json.loads(capsys.readouterr().out)
    assert audit["ok"] is True
    assert audit["head"] == {"sequence": 4, "hash": history[0]["hash"]}
    assert audit["problems"] == []


# Hostile text


@pytest_asyncio.fixture
async def hostile(store: SqlStore) -> SqlStore:
    names = ("agent_id", "channel_id", "code_snippet", "error", "description", "request_id")
    texts = dict.fromkeys(names, HOSTILE)
    await take(
        store,
        failed(1, **texts, code_hash=HOSTILE, logs=[HOSTILE], output=HOSTILE, context_data=HOSTILE),
        events=[issue(HOSTILE, "high", HOSTILE)],
    )
    return store


@pytest.mark.parametrize("as_json", [False, True])
async def test_no_text_of_a_run_steers_the_terminal(
    hostile: SqlStore, screen: Screen, as_json: bool
) -> None:
    screen.switch_on(80)
    await print_stats(hostile, HOSTILE, as_json=as_json)
    await print_stats(hostile, as_json=as_json)
    await print_history(hostile, HistoryQuery(), as_json=as_json)
    assert await print_record(hostile, HOSTILE, as_json=as_json) is ExitCode.SUCCESS
    assert "red" in screen.raw
    ours = re.sub(r"\x1b\[(?:[0-9]+;?)*m", "", screen.raw)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", ours)
    assert "\x1b[31m" not in screen.raw


async def test_no_text_of_a_run_makes_a_line_of_its_own(
    hostile: SqlStore, capsys: pytest.CaptureFixture[str]
) -> None:
    await print_stats(hostile)
    await print_history(hostile, HistoryQuery())
    await print_record(hostile, HOSTILE)
    assert not re.search("^line", capsys.readouterr().out, re.MULTILINE)


async def test_a_record_that_was_tampered_with_is_still_shown(
    store: SqlStore, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await take(store, run(1))
    _tamper(
        path,
        "UPDATE executions SET executed_at = 'never', execution_time = 'long', logs = '7', "
        "success = 'perhaps', language = 'cobol', memory_usage = 9e99",
    )
    for as_json in (False, True):
        await print_stats(store, as_json=as_json)
        await print_history(store, HistoryQuery(), as_json=as_json)
        assert await print_record(store, "r1", as_json=as_json) is ExitCode.SUCCESS
        printed = capsys.readouterr().out
        assert "never" in printed
        assert "cobol" in printed


def _tamper(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
