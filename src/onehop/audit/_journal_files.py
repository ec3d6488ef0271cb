"""The files of a journal: made, locked, read when their process is gone, and set aside."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

Sync = Literal["process", "power"]

VERSION: Final = 2
"""Of the file, in its ``user_version``; 0 was the first."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS running (
    run_id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, request_id TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS waiting (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL, agent_id TEXT NOT NULL, request_id TEXT NOT NULL,
    size INTEGER NOT NULL, entry TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS waiting_by_name ON waiting (request_id, agent_id);
CREATE TABLE IF NOT EXISTS rejected (
    request_id TEXT NOT NULL, reason TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS ended AFTER INSERT ON waiting BEGIN
    DELETE FROM running WHERE run_id = NEW.run_id;
END;
"""
"""That a run no longer runs is written together with what came of it: one statement takes half the
time of two in a transaction."""
_MADE: Final = b"made\n"
"""Stands in the lock once the file has its tables: an emptied one differs from a new one."""
_FOLDER: Final = re.compile(r"[0-9a-f]{16}")
_PARTS: Final = ("", "-wal", "-shm")

_log = logging.getLogger(__name__)


Row = tuple[str, str, str, int, str | bytes]


@dataclass(slots=True)
class Left:
    """What a process that is gone has left: what ended, then what was running; and what was set
    aside, with the reason."""

    rows: list[Row]
    """As they are queued: run, agent, request id, size and entry."""
    texts: list[bytes]
    """Entries of the first version, which had no more."""
    rejected: list[tuple[str, str, bytes]]
    damage: str | None = None
    """Why not everything could be read."""


class FileLock:
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

    @property
    def made(self) -> bool:
        """Whether the journal had its tables."""
        return os.pread(self._descriptor, len(_MADE), 0) == _MADE

    def note_made(self) -> None:
        """Say so."""
        os.pwrite(self._descriptor, _MADE, 0)

    def release(self, *, remove: bool) -> None:
        """Let go of it."""
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def make_folder(folder: Path) -> None:
    """Make ``folder``, and those above it that are missing, for its owner only. Raises OSError.

    One above it that holds nothing but journals is closed to others as well.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    outer = folder.parent
    if _FOLDER.fullmatch(folder.name) and _is_ours(outer):
        outer.chmod(0o700)


def _is_ours(folder: Path) -> bool:
    found = folder.stat()
    open_to_others = stat.S_IMODE(found.st_mode) & 0o077
    if not open_to_others or found.st_uid != os.geteuid():
        return False
    return all(_FOLDER.fullmatch(each.name) for each in folder.iterdir())


def make_file(path: Path, sync: Sync) -> sqlite3.Connection:
    """A new journal. Raises OSError or sqlite3.Error."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    # Used by one thread at a time, which need not be the one that opened it.
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    database.text_factory = _text
    database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {'NORMAL' if sync == 'process' else 'FULL'}")
    database.execute("PRAGMA wal_autocheckpoint = 0")  # it would make a run wait for the disk
    database.executescript(_SCHEMA)
    database.execute(f"PRAGMA user_version = {VERSION}")
    # The tables are in the file itself from now on, whatever happens to the log.
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return database


def reopened(path: Path) -> sqlite3.Connection:
    """A journal that exists: by its path alone, SQLite would make it. Raises sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0.1)


def read_left(path: Path, lock: FileLock) -> Left | None:
    """What is left in a journal whose process is gone; None for one of a newer onehop, which stays.

    What can be read of a damaged one is there, and ``damage`` says what is wrong.
    """
    if path.stat().st_size == 0:
        return Left([], [], [], _emptied(path, lock))
    left = Left([], [], [])
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as database:
            database.text_factory = bytes
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                _log.warning("%s stays: a newer onehop wrote it (version %d)", path, version)
                return None
            _read_into(left, database, version)
    except sqlite3.Error as error:
        left.damage = str(error)
    return left


def _emptied(path: Path, lock: FileLock) -> str | None:
    log = Path(f"{path}-wal")
    if lock.made or (log.exists() and log.stat().st_size):
        return "the file is empty, and it was not when its process had it"
    _log.info("%s is empty: its process ended before it had recorded anything", path)
    return None


def _read_into(left: Left, database: sqlite3.Connection, version: int) -> None:
    """Row by row, so that what comes before the damage is there."""
    errors: list[sqlite3.Error] = []
    for source in ("waiting ORDER BY sequence", "running ORDER BY rowid"):
        if version == VERSION:
            names = f"SELECT run_id, agent_id, request_id, entry FROM {source}"  # noqa: S608
            left.rows += [_queued(*row) for row in _rows(database, names, errors)]
        else:
            entries = f"SELECT entry FROM {source}"  # noqa: S608
            left.texts += [row[0] for row in _rows(database, entries, errors)]
    for name, reason, entry in _rows(database, "SELECT * FROM rejected", errors):
        left.rejected.append((_text(name), _text(reason), entry))
    if errors:
        left.damage = str(errors[0])


def _queued(run: bytes, agent: bytes, request: bytes, entry: bytes) -> Row:
    return _text(run), _text(agent), _text(request), len(entry), exact(entry)


def exact(entry: bytes) -> str | bytes:
    """As text; what is not UTF-8 stays as it is, and is found out when it is read."""
    try:
        return entry.decode()
    except UnicodeDecodeError:
        return entry


def _rows(
    database: sqlite3.Connection, statement: str, errors: list[sqlite3.Error]
) -> Iterator[tuple[bytes, ...]]:
    try:
        yield from database.execute(statement)
    except sqlite3.Error as error:
        errors.append(error)


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def remove_file(path: Path) -> None:
    """Remove a journal and what SQLite keeps beside it."""
    for part in _PARTS:
        Path(f"{path}{part}").unlink(missing_ok=True)


def set_file_aside(path: Path, damage: str) -> None:
    """Keep a damaged journal under a name that is not looked at again, and say so."""
    kept = path.with_suffix(".damaged")
    for part in _PARTS:
        with suppress(FileNotFoundError):
            Path(f"{path}{part}").rename(f"{kept}{part}")
    _log.error(
        "the journal of a process that is gone is damaged (%s). What could be read of it is "
        "delivered. The file is kept as %s: do not delete it before you have looked into it, "
        "with `sqlite3 %s .recover`",
        damage,
        kept,
        kept,
    )
