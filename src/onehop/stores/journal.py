"""What happened, on this machine's disk, until the store has it.

A journal is one SQLite file of one process, locked as long as that process lives. A run that has
started stands in it as the record it will leave if the process ends now; when the run ends, that
is replaced by what really came of it, which waits there to be delivered. Whoever opens a journal
in the same folder later takes over the files whose process is gone.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import uuid
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from onehop.errors import AuditUnavailableError
from onehop.stores._codec import decode_entry, encode_entry
from onehop.stores.base import Entry

Sync = Literal["process", "power"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS running (request_id TEXT PRIMARY KEY, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS rejected (
    request_id TEXT NOT NULL, reason TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS ended AFTER INSERT ON waiting BEGIN
    DELETE FROM running WHERE request_id = NEW.request_id;
END;
"""
"""That a run no longer runs is written together with what came of it: one statement takes half the
time of two in a transaction."""
_WAL_BYTES: Final = 4 << 20
"""Size from which the write-ahead log is folded back into the file."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that the store does not have yet, and its place in the queue."""

    sequence: int
    entry: Entry


class Journal:
    """The journal of this process in ``folder``. Raises AuditUnavailableError when the disk fails.

    ``sync`` says what it survives: "process" writes to the system's cache, which outlives the
    process; "power" waits for the disk.
    """

    def __init__(self, folder: Path, sync: Sync = "process") -> None:
        self._folder = folder
        self._sync = sync
        self._path = folder / f"{uuid.uuid4().hex}.journal"
        self._lock: _FileLock | None = None
        self._database: sqlite3.Connection | None = None

    def open(self) -> None:
        """Make the file, and take over what processes that are gone have left."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _FileLock.take(self._path)
            self._database = _connect(self._path, self._sync)
        except (OSError, sqlite3.Error) as error:
            raise _failure(self._folder, error) from error
        self._adopt()

    def close(self) -> None:
        """Leave the file only if something waits in it."""
        if self._database is None:
            return
        empty = not self._count()
        self._database.close()
        self._database = None
        if empty:
            _remove(self._path)
        if self._lock is not None:
            self._lock.release(remove=empty)
        with suppress(OSError):  # others' journals are in it
            self._folder.rmdir()

    def start(self, request_id: str, unfinished: Entry) -> None:
        """A run starts: ``unfinished`` is what is delivered if the process ends before it does."""
        self._write("INSERT OR REPLACE INTO running VALUES (?, ?)", request_id, unfinished)

    def finish(self, request_id: str, entry: Entry) -> int:
        """The run has ended: ``entry`` waits from now on. Gives its place in the queue."""
        statement = "INSERT INTO waiting (request_id, entry) VALUES (?, ?)"
        return self._write(statement, request_id, entry).lastrowid or 0

    def waiting(self, limit: int) -> list[Waiting]:
        """The first entries of the queue."""
        rows = self._read("SELECT sequence, entry FROM waiting ORDER BY sequence LIMIT ?", limit)
        return [Waiting(sequence, decode_entry(text)) for sequence, text in rows]

    def find(self, request_id: str) -> Entry | None:
        """The entry of a run that has ended and waits."""
        rows = self._read("SELECT 0, entry FROM waiting WHERE request_id = ?", request_id)
        return decode_entry(rows[0][1]) if rows else None

    def last(self) -> int:
        """The place of the newest entry that waits; 0 when none does."""
        return self._read("SELECT COALESCE(MAX(sequence), 0), 0 FROM waiting")[0][0]

    def delivered(self, sequence: int) -> None:
        """The store has everything up to this place."""
        self._execute("DELETE FROM waiting WHERE sequence <= ?", sequence)

    def reject(self, waiting: Waiting, reason: str) -> None:
        """The store will never take this one: set it aside, so that the others go on."""
        entry = waiting.entry
        request_id = entry.record.request_id if entry.record else entry.events[0].request_id
        self._execute(
            "INSERT INTO rejected VALUES (?, ?, ?)", request_id, reason, encode_entry(waiting.entry)
        )
        self._execute("DELETE FROM waiting WHERE sequence = ?", waiting.sequence)

    @property
    def bloated(self) -> bool:
        """Whether it is time to ``fold``."""
        try:
            return os.stat(f"{self._path}-wal").st_size > _WAL_BYTES
        except FileNotFoundError:
            return False

    def fold(self) -> None:
        """Keep the write-ahead log small. Waits for the disk: call it in a thread."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._path, timeout=0.1)) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")  # else after the next delivery

    def _count(self) -> int:
        tables = ("running", "waiting", "rejected")
        counts = (self._read(f"SELECT 0, COUNT(*) FROM {table}")[0][1] for table in tables)  # noqa: S608
        return sum(int(count) for count in counts)

    def _write(self, statement: str, request_id: str, entry: Entry) -> sqlite3.Cursor:
        return self._execute(statement, request_id, encode_entry(entry))

    def _execute(self, statement: str, *values: str | int) -> sqlite3.Cursor:
        try:
            return self._open().execute(statement, values)
        except sqlite3.Error as error:
            raise _failure(self._folder, error) from error

    def _read(self, statement: str, *values: str | int) -> list[tuple[int, str]]:
        try:
            return self._open().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _failure(self._folder, error) from error

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            raise AuditUnavailableError("the journal is not open")
        return self._database

    def _adopt(self) -> None:
        for path in sorted(self._folder.glob("*.journal")):
            lock = _FileLock.take(path) if path != self._path else None
            if lock is not None and path.exists():  # else its owner has just tidied up
                self._take_over(path)
            if lock is not None:
                lock.release(remove=True)

    def _take_over(self, path: Path) -> None:
        """Copy first, remove after: what is copied twice is delivered once."""
        try:
            left = _connect(path, self._sync)
            waiting = left.execute("SELECT request_id, entry FROM waiting ORDER BY sequence")
            self._copy("waiting (request_id, entry) VALUES (?, ?)", waiting.fetchall())
            running = left.execute("SELECT request_id, entry FROM running ORDER BY rowid")
            self._copy("waiting (request_id, entry) VALUES (?, ?)", running.fetchall())
            rejected = left.execute("SELECT request_id, reason, entry FROM rejected")
            self._copy("rejected VALUES (?, ?, ?)", rejected.fetchall())
            left.close()
        except sqlite3.Error as error:
            raise _failure(path, error) from error
        _remove(path)

    def _copy(self, into: str, rows: list[tuple[str, ...]]) -> None:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(f"INSERT INTO {into}", rows)


class _FileLock:
    """Says that the process which owns a journal lives; the system lets go of it at its end."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, journal: Path) -> Self | None:
        """The lock, or None when another process has it."""
        path = journal.with_suffix(".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    def release(self, *, remove: bool) -> None:
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _connect(path: Path, sync: Sync) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    # Used by one thread at a time, which need not be the one that opened it.
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {'NORMAL' if sync == 'process' else 'FULL'}")
    database.execute("PRAGMA wal_autocheckpoint = 0")  # it would make a run wait for the disk
    database.executescript(_SCHEMA)
    return database


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _failure(place: Path, error: Exception) -> AuditUnavailableError:
    return AuditUnavailableError(
        f"the journal in {place} cannot be used: {error}. Runs are recorded there before they "
        f"start; make room or name another folder with ONEHOP_JOURNAL"
    )
