"""A worker that was taken over cannot use up the kernel's threads and page tables.

A native program stands in the worker's place: it says that it is ready, waits for its job, and then
does what it can.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from seccompy import syscall_nr as number

from onehop import ExecutionResult, SandboxConfig, jail
from onehop.backends import LocalBackend
from onehop.jail import _plan
from onehop.requests import check_request
from onehop.workers import WorkerFactory
from tests import native
from tests.processes import descendants
from tests.users import User, run_as

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the jail is Linux's")

READY = json.dumps(
    {"v": 3, "token": "", "kind": "ready", "deno": "0", "v8": "0", "typescript": "0"},
    separators=(",", ":"),
).encode()
THREAD = 0x10F00
DOUBLINGS = 13
"""Each call of clone is made by all threads that there are: 8,192 in the end."""
READ, PRIVATE_ANONYMOUS_UNRESERVED = 1, 0x4022
SHARED_ANONYMOUS = 0x4021
HUGE_PAGES, POPULATE_READ, POPULATE_WRITE, NOT_NEEDED = 14, 22, 23, 4
"""Advice to the kernel: huge pages have tables too, and are there at once."""
AT = 1 << 40

Attempt = tuple[str, tuple[native.Arg, ...]]


def sleep(seconds: float) -> Attempt:
    nanoseconds = int(seconds * 1e9)
    return "nanosleep", (struct.pack("<qq", *divmod(nanoseconds, 10**9)), 0)


def worker(path: Path, attempts: Sequence[Attempt], rest: float) -> Path:
    """One that makes ``attempts`` once its job has come, and ends after a ``rest``."""
    frame = struct.pack(">I", len(READY)) + READY
    before = [("write", (1, frame, len(frame))), ("read", (0, bytes(4096), 4096)), sleep(0.2)]
    calls = [*before, *attempts, sleep(rest)]
    return native.build(path, [(number(name), args) for name, args in calls], native.loader())


def bomb_of_threads(path: Path) -> Path:
    return worker(path, [("clone", (THREAD, 0, 0, 0, 0))] * DOUBLINGS, 30)


def bomb_of_tables(path: Path, gigabytes: int) -> Path:
    """Memory that is only read is one page for all, but its tables are not."""
    size = gigabytes << 30
    mapping = ("mmap", (AT, size, READ, PRIVATE_ANONYMOUS_UNRESERVED, -1, 0))
    advice = (("madvise", (AT, size, what)) for what in (HUGE_PAGES, POPULATE_READ))
    return worker(path, [mapping, *advice], 0.5)


def bomb_of_shared_memory(path: Path, megabytes: int) -> Path:
    """Its pages stay when the process has them no more, so that they are in none of its counts."""
    at, piece = AT, 16 << 20
    attempts: list[Attempt] = [("mmap", (at, megabytes << 20, 3, SHARED_ANONYMOUS, -1, 0))]
    for start in range(at, at + (megabytes << 20), piece):
        attempts += [("madvise", (start, piece, what)) for what in (POPULATE_WRITE, NOT_NEEDED)]
    return worker(path, attempts, 0.5)


async def run(program: Path, watch: Callable[[], int], timeout: float) -> tuple[str, int]:
    """How a job ends, and the greatest that ``watch`` has seen meanwhile."""
    config = SandboxConfig(pool_size=1, memory_limit=32)
    factory = WorkerFactory(
        (), config.limits(config.timeout_max), lambda: {"worker": [str(program)]}
    )
    backend = LocalBackend(config, factory)
    await backend.open()
    try:
        request = check_request(config, code="return 1", timeout=timeout)
        job = asyncio.ensure_future(backend.run(request, config.limits(timeout), "agent"))
        return await _watched(job, watch)
    finally:
        await backend.aclose()


async def _watched(job: Awaitable[ExecutionResult], watch: Callable[[], int]) -> tuple[str, int]:
    task, most = asyncio.ensure_future(job), 0
    while not task.done():
        most = max(most, watch())
        await asyncio.sleep(0.005)
    result = task.result()
    assert result.error_info is not None
    return result.error_info.name, most


def most_of(field: str) -> Callable[[], int]:
    """The greatest value of a field of /proc/PID/status among the processes below this one."""

    def look() -> int:
        return max((_field(pid, field) for pid in descendants(os.getpid())), default=0)

    return look


def _field(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name + ":")), 0)


def without_layers(monkeypatch: pytest.MonkeyPatch, *layers: str) -> None:
    """As a machine that cannot have them."""
    decide = _plan.decide

    def poorer(machine: jail.Features, *rest: Any) -> jail.Plan:
        if "threads" in layers:
            machine = replace(machine, threads="switched off for this test")
        plan = decide(machine, *rest)
        return replace(plan, layers=tuple(name for name in plan.layers if name not in layers))

    monkeypatch.setattr(jail, "decide", poorer)


BOUNDED = """
import asyncio, sys, tempfile
from pathlib import Path
from tests.jail import test_bombs as bombs
with tempfile.TemporaryDirectory() as folder:
    Path(folder).chmod(0o755)
    program = bombs.bomb_of_threads(Path(folder) / "threads")
    print(*asyncio.run(bombs.run(program, bombs.most_of("Threads"), 1500)))
"""


def test_the_kernel_bounds_the_threads_of_each_worker(user: User) -> None:
    if reason := jail.examine().threads:
        pytest.skip(f"threads cannot be counted here: {reason}")
    name, threads = run_as(user, "-c", BOUNDED).stdout.split()
    assert name == "TimeoutError"
    assert 60 <= int(threads) <= 65


async def test_where_the_kernel_cannot_the_host_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the test above can fail: the program does start more."""
    without_layers(monkeypatch, "threads")
    tmp_path.chmod(0o755)
    program = bomb_of_threads(tmp_path / "threads")
    name, _ = await run(program, most_of("Threads"), 10_000)
    assert name == "ThreadLimitError"  # which the host says when it has seen more than 64


async def test_the_address_space_of_a_worker_is_bounded(tmp_path: Path) -> None:
    name, kilobytes = await run(bomb_of_tables(tmp_path / "p", 190), most_of("VmPTE"), 20_000)
    assert name == "ProtocolError"  # its last words are numbers
    assert kilobytes < 10_000  # it has got no memory


async def test_the_tables_of_all_that_can_be_mapped_are_few(tmp_path: Path) -> None:
    name, kilobytes = await run(bomb_of_tables(tmp_path / "p", 16), most_of("VmPTE"), 20_000)
    assert name == "ProtocolError"  # its last words are numbers
    assert 30_000 < kilobytes < 40_000


async def test_page_tables_count_as_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the tests above can fail: without the limit of the address space they do grow."""
    without_layers(monkeypatch, "rlimits")
    name, kilobytes = await run(bomb_of_tables(tmp_path / "p", 190), most_of("VmPTE"), 20_000)
    assert name == "MemoryLimitError"
    assert kilobytes > 80_000


async def test_memory_that_would_outlive_its_mapping_cannot_be_had(tmp_path: Path) -> None:
    """It took a gigabyte with 32 MB granted, when a worker could have any mapping."""
    before = _shared_kilobytes()
    program = bomb_of_shared_memory(tmp_path / "p", 512)
    name, kilobytes = await run(program, _shared_kilobytes, 20_000)
    assert name == "ProtocolError"  # its last words are numbers
    assert kilobytes - before < 256 << 10


def _shared_kilobytes() -> int:
    """Of the whole machine: no process has them."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Shmem:"))
