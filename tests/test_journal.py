"""The journal: what has started or ended is on disk, and is taken over by whoever comes next."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from onehop.errors import AuditUnavailableError
from onehop.events import ValidationStarted
from onehop.records import ExecutionRecord
from onehop.stores.base import Entry
from onehop.stores.journal import Journal
from tests.users import ROOT


def record(request_id: str, **changes: Any) -> ExecutionRecord:
    fields = {
        "request_id": request_id,
        "agent_id": "ada",
        "channel_id": "lab",
        "language": "javascript",
        "code_hash": "0123456789abcdef",
        "code_length": 8,
        "code_snippet": "return 1",
        "success": True,
        "output": {"π": [1, 2.5, None, "\0", 2**70]},
        "logs": ["one\n"],
        "execution_time": 1.25,
        "timeout": 5000.0,
        "memory_usage": 1.5,
        "timeout_occurred": False,
        "context_data": {"a": 1},
        "executed_at": 1_790_000_000_000,
        "created_at": 1_790_000_000_001,
    }
    return ExecutionRecord(**{**fields, **changes})


def entry(request_id: str, **changes: Any) -> Entry:
    event = ValidationStarted(agent_id="ada", channel_id="", request_id=request_id, code_hash="h")
    return Entry(record(request_id, **changes), (event,))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal")
    opened.open()
    yield opened
    opened.close()


def test_entries_wait_in_the_order_in_which_runs_ended(journal: Journal) -> None:
    entries = [entry(str(number)) for number in range(5)]
    for item in entries:
        journal.start(str(item.record and item.record.request_id), item)
    for item in reversed(entries):
        journal.finish(str(item.record and item.record.request_id), item)
    assert [waiting.entry for waiting in journal.waiting(10)] == entries[::-1]
    assert [waiting.entry for waiting in journal.waiting(2)] == entries[:2:-1]


def test_what_is_delivered_waits_no_more(journal: Journal) -> None:
    first = journal.finish("1", entry("1"))
    second = journal.finish("2", entry("2"))
    assert first < second == journal.last()
    journal.delivered(first)
    assert [waiting.sequence for waiting in journal.waiting(10)] == [second]
    journal.delivered(second)
    assert journal.last() == 0


def test_an_ended_run_is_found_while_it_waits(journal: Journal) -> None:
    journal.start("1", entry("1"))
    assert journal.find("1") is None
    journal.finish("1", entry("1", output="done"))
    assert journal.find("1") == Entry(
        record("1", output="done"), journal.waiting(1)[0].entry.events
    )


def test_a_rejected_entry_lets_the_others_go_on_and_is_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open()
    journal.finish("1", entry("1"))
    journal.finish("2", entry("2"))
    journal.reject(journal.waiting(1)[0], "too large")
    assert [
        waiting.entry.record and waiting.entry.record.request_id for waiting in journal.waiting(9)
    ] == ["2"]
    journal.delivered(journal.last())
    journal.close()
    (left,) = tmp_path.glob("*.journal")
    with closing(sqlite3.connect(left)) as database:
        rows = database.execute("SELECT request_id, reason FROM rejected").fetchall()
    assert rows == [("1", "too large")]


def test_closing_an_empty_journal_leaves_nothing_behind(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "folder")
    journal.open()
    journal.finish("1", entry("1"))
    journal.delivered(journal.last())
    journal.close()
    assert not (tmp_path / "folder").exists()


def test_what_waits_at_the_end_is_taken_over_by_the_next_journal(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.open()
    first.finish("1", entry("1"))
    first.start("2", entry("2", success=False))
    first.close()
    second = Journal(tmp_path)
    second.open()
    assert [waiting.entry.record for waiting in second.waiting(9)] == [
        record("1"),
        record("2", success=False),
    ]
    second.delivered(second.last())
    second.close()
    assert list(tmp_path.glob("*")) == []


def test_a_journal_whose_process_lives_is_left_alone(journal: Journal, tmp_path: Path) -> None:
    journal.start("1", entry("1"))
    journal.finish("2", entry("2"))
    other = Journal(tmp_path / "journal")
    other.open()
    assert other.waiting(9) == []
    other.close()
    assert len(journal.waiting(9)) == 1


WRITER = """
import sys
from pathlib import Path
from onehop.stores.journal import Journal
from tests.test_journal import entry
journal = Journal(Path(sys.argv[1]))
journal.open()
for number in range(100_000):
    journal.start(str(number), entry(str(number), success=False))
    if number % 3:
        journal.finish(str(number), entry(str(number)))
    if number == 20:
        print("ready", flush=True)
"""


def test_a_killed_process_leaves_whole_entries(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        writer.send_signal(signal.SIGKILL)
    journal = Journal(tmp_path)
    journal.open()
    found = [waiting.entry.record for waiting in journal.waiting(1_000_000)]
    finished = {item.request_id for item in found if item and item.success}
    unfinished = {item.request_id for item in found if item and not item.success}
    assert len(found) == len(finished) + len(unfinished)
    assert finished >= {str(number) for number in range(20) if number % 3}
    assert unfinished >= {str(number) for number in range(20) if not number % 3}
    count = max(int(name) for name in finished | unfinished) + 1
    assert finished | unfinished == {str(number) for number in range(count)}
    journal.delivered(journal.last())
    journal.close()


def test_only_its_owner_can_read_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "folder")
    journal.open()
    journal.finish("1", entry("1"))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {mode & 0o077 for mode in modes.values()} == {0}, modes
    journal.delivered(journal.last())
    journal.close()


def test_a_folder_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        AuditUnavailableError, match=r"journal in .*file/x cannot be used.*ONEHOP_JOURNAL"
    ):
        Journal(tmp_path / "file" / "x").open()


def test_the_write_ahead_log_is_folded_back(journal: Journal, tmp_path: Path) -> None:
    (log,) = (tmp_path / "journal").glob("*-wal")
    big = entry("1", output="x" * 500_000)
    for _round in range(12):
        journal.finish("1", big)
        journal.delivered(journal.last())
    assert journal.bloated
    journal.fold()
    size = log.stat().st_size
    for _round in range(6):
        journal.finish("1", big)
        journal.delivered(journal.last())
    assert log.stat().st_size == size  # it is written from its beginning again


def test_a_journal_with_power_sync_waits_for_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "power")
    journal.open()
    journal.finish("1", entry("1"))
    assert [waiting.entry.record for waiting in journal.waiting(1)] == [record("1")]
    journal.delivered(journal.last())
    journal.close()
