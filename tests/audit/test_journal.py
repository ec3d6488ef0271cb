"""The journal: what has started or ended is on disk, and is taken over by whoever comes next."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from onehop.audit._journal import Journal
from onehop.errors import AuditUnavailableError, JournalUnavailableError
from onehop.events import ValidationStarted
from onehop.records import ExecutionRecord
from onehop.stores.base import Entry
from tests.users import ROOT

pytestmark = pytest.mark.unit


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


# --- what the last version left ---

DATA = ROOT / "tests/stores/data"


def left_behind(folder: Path, script: str = "", lock: bytes = b"made\n") -> Path:
    """A journal of a process that is gone, as the last version wrote it, and then ``script``."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "0123.journal"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((DATA / "v1.journal.sql").read_text("utf-8") + script)
    path.with_suffix(".lock").write_bytes(lock)
    return path


def ids(journal: Journal) -> list[str]:
    """Whose entries wait."""
    found = (waiting.entry for waiting in journal.waiting(100))
    return [(each.record or each.events[0]).request_id for each in found]


def test_a_filled_journal_of_the_last_version_is_taken_over(tmp_path: Path) -> None:
    path = left_behind(tmp_path, lock=b"")
    journal = Journal(tmp_path)
    journal.open()
    assert ids(journal) == ["old-1", "old-2", "old-3"]
    found = journal.find("old-1", "ada")
    assert found is not None
    assert found.record is not None
    assert (found.record.output, found.record.run_id) == ({"π": [1, "\0"]}, None)
    assert found.events
    assert journal.find("old-1", "bob") is None
    assert not path.exists()
    journal.delivered(journal.last())
    journal.close()
    (kept,) = tmp_path.glob("*.journal")  # what the store had refused is still there
    with closing(sqlite3.connect(kept)) as database:
        assert database.execute("SELECT reason FROM rejected").fetchall() == [("too large",)]


@pytest.mark.parametrize(
    "entry_text", ["'not JSON'", "'{}'", "x'ff00'", "'[1]'", "'{\"version\":99}'", "''", "'null'"]
)
def test_an_entry_that_cannot_be_read_is_set_aside_and_the_rest_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, entry_text: str
) -> None:
    journal = Journal(tmp_path)
    journal.open()
    for number in range(3):
        journal.finish(str(number), entry(str(number)))
    (path,) = tmp_path.glob("*.journal")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE waiting SET entry = {entry_text} WHERE request_id = '1'")
    assert journal.find("1") is None
    assert ids(journal) == ["0", "2"]
    assert journal.set_aside == 1
    assert "'1' set aside in the journal, since it cannot be read" in caplog.text
    journal.delivered(journal.last())
    journal.close()
    heir = Journal(tmp_path)
    heir.open()
    assert heir.waiting(9) == []
    assert heir.set_aside == 1
    heir.close()


@pytest.mark.parametrize("text", ["x'ff00'", "'{'"])
def test_an_unreadable_entry_of_a_dead_process_is_set_aside(tmp_path: Path, text: str) -> None:
    left_behind(tmp_path, f"UPDATE waiting SET entry = {text} WHERE sequence = 1;")
    journal = Journal(tmp_path)
    journal.open()
    assert ids(journal) == ["old-2", "old-3"]
    journal.finish("mine", entry("mine"))
    (path,) = tmp_path.glob("*.journal")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE waiting SET entry = {text} WHERE request_id = 'mine'")
    journal.close()
    heir = Journal(tmp_path)
    heir.open()
    assert ids(heir) == ["old-2", "old-3"]
    heir.delivered(heir.last())
    heir.close()


def test_an_entry_that_this_version_can_read_again_is_delivered(tmp_path: Path) -> None:
    script = """
    INSERT INTO rejected SELECT request_id, 'it cannot be read: it has version 1', entry
    FROM waiting WHERE sequence = 1; DELETE FROM waiting; DELETE FROM running;
    """
    left_behind(tmp_path, script)
    journal = Journal(tmp_path)
    journal.open()
    assert ids(journal) == ["old-1"]
    journal.delivered(journal.last())
    journal.close()


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = left_behind(tmp_path, "PRAGMA user_version = 99;")
    journal = Journal(tmp_path)
    journal.open()
    assert ids(journal) == []
    journal.close()
    assert path.exists()


def damage(path: Path) -> None:
    """Overwrite most of it."""
    with path.open("r+b") as file:
        file.seek(3000)
        file.write(b"\xa5" * (path.stat().st_size - 3000))


def test_a_damaged_journal_is_kept_with_advice_and_the_start_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = left_behind(tmp_path)
    damage(path)
    content = path.read_bytes()
    journal = Journal(tmp_path)
    journal.open()
    journal.finish("new", entry("new"))
    assert "new" in ids(journal)
    assert journal.set_aside == 1
    assert path.with_suffix(".damaged").read_bytes() == content
    assert "do not delete it" in caplog.text
    journal.delivered(journal.last())
    journal.close()
    again = Journal(tmp_path)
    again.open()  # and is not looked at again
    assert again.set_aside == 0
    again.close()


def test_what_stands_before_the_damage_is_delivered(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.open()
    for number in range(400):
        first.finish(str(number), entry(str(number)))
    first.close()
    (path,) = tmp_path.glob("*.journal")
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 8192)
    journal = Journal(tmp_path)
    journal.open()
    assert 50 < len(journal.waiting(1000)) < 400
    journal.delivered(journal.last())
    journal.close()


def test_an_emptied_journal_is_told_and_a_new_one_that_was_never_filled_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, lock in (("emptied", b"made\n"), ("new", b"")):
        (tmp_path / f"{name}.journal").touch()
        (tmp_path / f"{name}.lock").write_bytes(lock)
    journal = Journal(tmp_path)
    journal.open()
    journal.close()
    assert "emptied.damaged" in caplog.text
    assert "the file is empty" in caplog.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["emptied.damaged"]


def test_a_journal_that_cannot_be_had_does_not_keep_others_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As one that root has left, for another user."""
    path = left_behind(tmp_path)
    path.with_suffix(".lock").unlink(missing_ok=True)
    path.with_suffix(".lock").mkdir()  # root may open all else
    journal = Journal(tmp_path)
    journal.open()
    journal.finish("new", entry("new"))
    assert ids(journal) == ["new"]
    assert journal.set_aside == 1
    assert f"{path} stays" in caplog.text
    journal.close()


# --- its size ---


def test_a_run_is_found_by_an_index(journal: Journal, tmp_path: Path) -> None:
    (path,) = (tmp_path / "journal").glob("*.journal")
    with closing(sqlite3.connect(path)) as database:
        (plan,) = database.execute(
            "EXPLAIN QUERY PLAN SELECT sequence, CAST(entry AS BLOB) FROM waiting "
            "WHERE request_id = 'a' AND agent_id = 'b' ORDER BY sequence"
        )
    assert "waiting_by_name" in plan[3]
    assert journal.find("a", "b") is None


def test_it_is_full_when_as_much_waits_as_may(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_bytes=100_000)
    journal.open()
    journal.finish("1", entry("1", output="x" * 60_000))
    assert not journal.full
    journal.finish("2", entry("2", output="x" * 60_000))
    assert journal.full
    journal.finish("3", entry("3"))  # it has run: its record is taken
    journal.delivered(1)
    assert not journal.full
    journal.close()
    heir = Journal(tmp_path, max_bytes=50_000)
    heir.open()
    assert heir.full
    heir.delivered(heir.last())
    assert not heir.full
    assert heir.size == 0
    heir.close()


def test_the_room_of_an_outage_is_given_back(journal: Journal, tmp_path: Path) -> None:
    big = entry("1", output="x" * 500_000)
    for number in range(40):
        journal.finish(str(number), big)
        if journal.bloated:
            journal.fold()
    files = list((tmp_path / "journal").iterdir())
    assert sum(path.stat().st_size for path in files) < 40 * 500_000 * 1.5
    journal.delivered(journal.last())
    journal.shrink()
    assert sum(path.stat().st_size for path in files) < 500_000


def test_a_journal_whose_file_is_gone_says_so(journal: Journal, tmp_path: Path) -> None:
    journal.probe()
    for path in (tmp_path / "journal").glob("*.journal"):
        path.unlink()
    with pytest.raises(JournalUnavailableError):
        journal.probe()


def test_outer_folders_are_closed_to_others(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir(mode=0o755)  # as the last version made it
    journal = Journal(outer / "0123456789abcdef")
    journal.open()
    assert stat.S_IMODE(outer.stat().st_mode) == 0o700
    journal.close()
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    (shared / "of another program").touch()
    journal = Journal(shared / "0123456789abcdef")
    journal.open()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    journal.close()
