"""What happened, on this machine's disk, until the store has it.

A journal is one SQLite file of one process, locked as long as that process lives. A run that has
started stands in it as the record it will leave if the process ends now; when the run ends, that
is replaced by what really came of it, which waits there to be delivered. A process that opens a
journal in the same folder later takes over the files whose process is gone.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import uuid
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from onehop.audit._codec import UnreadableEntryError, decode_entry, encode_entry
from onehop.audit._journal_files import (
    FileLock,
    Left,
    Row,
    Sync,
    exact,
    make_file,
    make_folder,
    read_left,
    remove_file,
    reopened,
    set_file_aside,
)
from onehop.descriptors import shortage
from onehop.errors import AuditUnavailableError, JournalUnavailableError
from onehop.stores.base import Entry

__all__ = ["Journal", "Sync", "Waiting"]

MAX_BYTES: Final = 1 << 30
"""Bytes of entries that may wait, unless the settings say otherwise."""
_WAL_BYTES: Final = 4 << 20
"""Size from which the write-ahead log is folded back into the file."""
_PAGES_AT_ONCE: Final = 1000
"""Free pages that are given back to the file system in one transaction."""
_PROBE: Final = 64 * 1024
"""Bytes that the disk must have room for."""
_UNREADABLE: Final = "it cannot be read: "
_QUEUE: Final = (
    "INSERT INTO waiting (run_id, agent_id, request_id, size, entry) VALUES (?, ?, ?, ?, ?)"
)
_ENTRIES: Final = "SELECT sequence, CAST(entry AS BLOB) FROM waiting"
"""As bytes: SQLite does not look whether a text is one."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that the store does not have yet, and its place in the queue."""

    sequence: int
    entry: Entry


class Journal:
    """The journal of this process in ``folder``. Raises JournalUnavailableError when the disk
    fails.

    ``sync`` says what it survives: "process" writes to the system's cache, which outlives the
    process; "power" waits for the disk. ``max_bytes`` of entries may wait before it is ``full``;
    what has ended is taken nevertheless.
    """

    def __init__(self, folder: Path, sync: Sync = "process", *, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._sync = sync
        self._max_bytes = max_bytes
        self._path = folder / f"{uuid.uuid4().hex}.journal"
        self._lock: FileLock | None = None
        self._database: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._bytes = 0
        self.set_aside = 0
        """Entries and files that could not be delivered so far, and are kept here instead."""

    def open(self) -> None:
        """Make the file, and take over what processes that are gone have left."""
        try:
            make_folder(self._folder)
            self._lock = FileLock.take(self._path)
            self._database = make_file(self._path, self._sync)
            self._file = _identity(self._path)
            if self._lock is not None:
                self._lock.note_made()
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
            remove_file(self._path)
        if self._lock is not None:
            self._lock.release(remove=empty)
        with suppress(OSError):  # others' journals are in it
            self._folder.rmdir()

    def start(self, run_id: str, unfinished: Entry) -> None:
        """A run starts: ``unfinished`` is what is delivered if the process ends before it does."""
        agent_id, request_id = _names(unfinished)
        statement = "INSERT OR REPLACE INTO running VALUES (?, ?, ?, ?)"
        self._execute(statement, run_id, agent_id, request_id, encode_entry(unfinished))

    def finish(self, run_id: str, entry: Entry) -> int:
        """The run has ended: ``entry`` waits from now on. Gives its place in the queue."""
        row = _row(run_id, entry, encode_entry(entry))
        sequence = self._execute(_QUEUE, *row).lastrowid or 0
        self._bytes += row[3]
        return sequence

    def waiting(self, limit: int) -> list[Waiting]:
        """The first entries of the queue. One that cannot be read is set aside."""
        while True:
            rows = self._read(f"{_ENTRIES} ORDER BY sequence LIMIT ?", limit)
            found = [item for item in (self._decoded(*row) for row in rows) if item is not None]
            if found or not rows:
                return found

    def _decoded(self, sequence: int, text: bytes) -> Waiting | None:
        try:
            return Waiting(sequence, decode_entry(text))
        except UnreadableEntryError as error:
            self._quarantine(sequence, f"{_UNREADABLE}{error}")
            return None

    def find(self, request_id: str, agent_id: str | None = None) -> Entry | None:
        """The entry of a run that has ended and waits; of any agent for None."""
        statement = f"{_ENTRIES} WHERE request_id = ?"
        values: tuple[str, ...] = (request_id,)
        if agent_id is not None:
            statement, values = f"{statement} AND agent_id = ?", (request_id, agent_id)
        found: Entry | None = None
        for _sequence, text in self._read(f"{statement} ORDER BY sequence", *values):
            with suppress(UnreadableEntryError):  # the delivery comes to it
                found = decode_entry(text)
                if found.record is not None and not found.record.frees_its_name:
                    return found  # else it was given up, and may have been run later
        return found

    def last(self) -> int:
        """The place of the newest entry that waits; 0 when none does."""
        found: int = self._read("SELECT COALESCE(MAX(sequence), 0) FROM waiting")[0][0]
        return found

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""
        return self._bytes >= self._max_bytes

    @property
    def size(self) -> int:
        """Bytes of the entries that wait."""
        return self._bytes

    @property
    def max_size(self) -> int:
        """Bytes that may wait before it is full."""
        return self._max_bytes

    def length(self) -> int:
        """Entries that wait."""
        return int(self._read("SELECT COUNT(*) FROM waiting")[0][0])

    def delivered(self, sequence: int) -> None:
        """The store has everything up to this place."""
        self._bytes -= self._size("sequence <= ?", sequence)
        self._execute("DELETE FROM waiting WHERE sequence <= ?", sequence)

    def reject(self, waiting: Waiting, reason: str) -> None:
        """The store will never take this one: set it aside, so that the others go on."""
        self._quarantine(waiting.sequence, reason)

    def _quarantine(self, sequence: int, reason: str) -> None:
        where = "FROM waiting WHERE sequence = ?"
        [(request_id,)] = self._read(f"SELECT request_id {where}", sequence)
        _log.error("record of %r set aside in the journal, since %s", request_id, reason)
        self._execute(
            f"INSERT INTO rejected SELECT request_id, ?, entry {where}",
            reason,
            sequence,
        )
        self._bytes -= self._size("sequence = ?", sequence)
        self._execute(f"DELETE {where}", sequence)
        self.set_aside += 1

    def probe(self) -> None:
        """Raise JournalUnavailableError if nothing could be recorded now. Waits for the disk."""
        try:
            self._check_file()
            self._path.with_suffix(".probe").write_bytes(bytes(_PROBE))
        except OSError as error:
            raise _failure(self._folder, error) from error
        finally:
            with suppress(OSError):
                self._path.with_suffix(".probe").unlink(missing_ok=True)
        self._execute("DELETE FROM running WHERE run_id = ''")

    def _check_file(self) -> None:
        if _identity(self._path) != self._file:
            raise OSError("its file was replaced by another")

    @property
    def bloated(self) -> bool:
        """Whether it is time to ``fold``."""
        try:
            return os.stat(f"{self._path}-wal").st_size > _WAL_BYTES
        except FileNotFoundError:
            return False

    def fold(self) -> None:
        """Keep the write-ahead log small. Waits for the disk: call it in a thread."""
        with suppress(sqlite3.Error), closing(reopened(self._path)) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")  # else after the next delivery

    def shrink(self) -> None:
        """Give back the room that nothing waits in any more; call it in a thread, as ``fold``."""
        self.fold()
        with suppress(sqlite3.Error), closing(reopened(self._path)) as other:
            other.isolation_level = None
            while other.execute("PRAGMA freelist_count").fetchone()[0]:
                other.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
            other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # little is left to do

    def _count(self) -> int:
        tables = ("running", "waiting", "rejected")
        counts = (self._read(f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables)  # noqa: S608
        return sum(int(count) for count in counts)

    def _size(self, condition: str, *values: int) -> int:
        total = f"SELECT COALESCE(SUM(size), 0) FROM waiting WHERE {condition}"  # noqa: S608
        return int(self._read(total, *values)[0][0])

    def _execute(self, statement: str, *values: str | bytes | int) -> sqlite3.Cursor:
        try:
            return self._open().execute(statement, values)
        except sqlite3.Error as error:
            raise _failure(self._folder, error) from error

    def _read(self, statement: str, *values: str | int) -> list[tuple[Any, ...]]:
        return self._execute(statement, *values).fetchall()

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            raise AuditUnavailableError("the journal is not open")
        return self._database

    def _adopt(self) -> None:
        for path in sorted(self._folder.glob("*.journal")):
            if path == self._path:
                continue
            try:
                self._adopt_one(path)
            except OSError as error:  # such as one of another user: it keeps nobody from starting
                self.set_aside += 1
                _log.error("%s stays, and so do the records in it: %s", path, error)

    def _adopt_one(self, path: Path) -> None:
        lock = FileLock.take(path)
        if lock is None:
            return
        taken = False
        try:
            # If it is not there, its owner has just tidied up.
            taken = not path.exists() or self._take_over(path, lock)
        finally:
            lock.release(remove=taken)

    def _take_over(self, path: Path, lock: FileLock) -> bool:
        """Copy first, remove after: what is copied twice is delivered once."""
        left = read_left(path, lock)
        if left is None:
            return False
        try:
            self._copy(left)
        except sqlite3.Error as error:
            raise _failure(self._folder, error) from error
        if left.damage is None:
            remove_file(path)
        else:
            set_file_aside(path, left.damage)
            self.set_aside += 1
        return True

    def _copy(self, left: Left) -> None:
        """Into the queue, but what cannot be read."""
        queue, aside = list[tuple[Any, ...]](left.rows), list[tuple[Any, ...]]()
        again = [item for item in left.rejected if item[1].startswith(_UNREADABLE)]
        aside += [item for item in left.rejected if not item[1].startswith(_UNREADABLE)]
        for text in [*left.texts, *(entry for _name, _reason, entry in again)]:
            try:
                queue.append(_row(uuid.uuid4().hex, decode_entry(text), exact(text)))
            except UnreadableEntryError as error:
                aside.append(("", f"{_UNREADABLE}{error}", exact(text)))
                _log.error(
                    "set aside in the journal, a record of a process that is gone: %s", error
                )
        self.set_aside += len(aside)
        self._insert(queue, aside)

    def _insert(self, queue: Iterable[tuple[Any, ...]], aside: Iterable[tuple[Any, ...]]) -> None:
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(_QUEUE, queue)
            database.executemany("INSERT INTO rejected VALUES (?, ?, ?)", aside)
        self._bytes = self._size("1")


def _names(entry: Entry) -> tuple[str, str]:
    about = entry.record if entry.record is not None else next(iter(entry.events), None)
    return ("", "") if about is None else (about.agent_id, about.request_id)


def _row(run_id: str, entry: Entry, text: str | bytes) -> Row:
    return run_id, *_names(entry), len(text), text


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _failure(place: Path, error: Exception) -> JournalUnavailableError:
    if isinstance(error, OSError | sqlite3.OperationalError) and (words := shortage(error)):
        return JournalUnavailableError(f"the journal in {place} cannot be used: {words}")
    return JournalUnavailableError(
        f"the journal in {place} cannot be used: {error}. Runs are recorded there before they "
        f"start; make room or name another folder with ONEHOP_JOURNAL"
    )
