"""Which processes and descriptors there are; and one that is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.copying import NAME as COPIED


def children(pid: int) -> set[int]:
    """The processes that ``pid`` itself has started."""
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def descendants(root: int) -> list[int]:
    """Every living process below ``root`` (zombies too: they would be leaks), but for what
    other tests of this process keep: database servers, and what ``onehop`` is copied from."""
    found, pending = [], [root]
    while pending:
        for child in _all_children(pending.pop()):
            if not _is_kept(child):
                found.append(child)
                pending.append(child)
    return found


def _all_children(pid: int) -> list[int]:
    """Those of each of its threads. To read all of /proc takes many times as long."""
    found: list[int] = []
    threads: list[str] = []
    with suppress(OSError):  # it has ended meanwhile
        threads = os.listdir(f"/proc/{pid}/task")
    for thread in threads:
        with suppress(OSError):
            children = Path(f"/proc/{pid}/task/{thread}/children").read_text()
            found += map(int, children.split())
    return found


def _is_kept(pid: int) -> bool:
    return _name(pid) == "postgres" or b"secantus" in _command(pid) or _calls_itself(pid, COPIED)


def workers(root: int | None = None) -> list[int]:
    """The Deno processes below this one, but for those that workers are copied from."""
    engines = [pid for pid in descendants(root or os.getpid()) if _name(pid) == "deno"]
    jailed = [pid for pid in engines if _parent(pid) != os.getpid()]  # others are bare, of a test
    return [pid for pid in jailed if not _is_template(pid)]


def templates(root: int | None = None) -> list[int]:
    """The processes below this one that workers are copied from."""
    return [pid for pid in descendants(root or os.getpid()) if _is_template(pid)]


def _is_template(pid: int) -> bool:
    return _calls_itself(pid, "onehop template")


def _calls_itself(pid: int, name: str) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text() == f"{name}\n"
    except OSError:
        return False


def compilers(root: int | None = None) -> list[int]:
    """Those of them that compile TypeScript."""
    return [pid for pid in workers(root) if b"stripTypeScriptTypes" in _command(pid)]


def checkers(root: int | None = None) -> list[int]:
    """Those of them that check programs before they run."""
    return [pid for pid in workers(root) if b"missingAwaits" in _command(pid)]


def spawners(root: int | None = None) -> list[int]:
    """The processes below this one that start all others."""
    return [pid for pid in descendants(root or os.getpid()) if b"spawner.main" in _command(pid)]


def is_dead(pid: int) -> bool:
    """Whether nothing of it runs, collected or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except OSError:
        return True


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _name(pid: int) -> str:
    return _command(pid).split(b"\0")[0].rpartition(b"/")[2].decode()


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def open_descriptors() -> list[str]:
    """What each descriptor of this process points to."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return sorted(found)


async def stop(pid: int) -> None:
    """Stop a process, and wait until all of it stands still."""
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            await asyncio.sleep(0.001)
