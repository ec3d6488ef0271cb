"""Nothing stays behind: not after closing, not after a crash of the host, not after many runs."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from onehop import Sandbox, SandboxConfig, SandboxUnavailableError
from onehop.workers import Job
from onehop.workers.protocol import LargeResult
from tests.processes import descendants, open_descriptors
from tests.users import ROOT, User, run_as

HOST = """
import asyncio, sys
from onehop import Sandbox, SandboxConfig

async def main():
    async with Sandbox(SandboxConfig(pool_size=2)) as sandbox:
        endless = (sandbox.execute("for (;;) {}", timeout=30000) for _ in range(2))
        runs = [asyncio.create_task(run) for run in endless]
        await asyncio.sleep(0.3)
        print("running", flush=True)
        await asyncio.gather(*runs)

asyncio.run(main())
"""


def test_closing_leaves_no_process_descriptor_or_thread() -> None:
    async def use() -> None:
        async with Sandbox(SandboxConfig(pool_size=3)) as sandbox:
            runs = (sandbox.execute(f"return {n}", timeout=300) for n in range(9))
            await asyncio.gather(*runs, sandbox.execute("for (;;) {}", timeout=200))
            task = asyncio.create_task(sandbox.execute("for (;;) {}"))
            await asyncio.sleep(0.05)
            task.cancel()

    asyncio.run(use())  # the first time loads modules, and their descriptors
    gc.collect()
    before = descendants(os.getpid()), open_descriptors()
    threads = set(threading.enumerate())  # of other tests, some of them about to end
    for _ in range(3):
        asyncio.run(use())
    gc.collect()
    assert (descendants(os.getpid()), open_descriptors()) == before
    assert set(threading.enumerate()) <= threads


@pytest.mark.sample(1)
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_host_is_the_end_of_its_workers(ending: signal.Signals) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == b"running\n"
        below = descendants(host.pid)
        assert len(below) >= 3
        host.send_signal(ending)
        host.wait(10)
    _wait_until_gone(below)


def test_a_copy_of_the_host_by_fork_keeps_no_worker_alive() -> None:
    """A forked child holds the spawner's socket open; the spawner watches the host itself."""
    fork = "import os, time\n        if os.fork() == 0: time.sleep(15); os._exit(0)\n        "
    forking = HOST.replace("print(", fork + "print(")
    host = subprocess.Popen(
        [sys.executable, "-c", forking], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    )
    assert host.stdout is not None
    with host.stdout:
        assert host.stdout.readline() == b"running\n"
        below = descendants(host.pid)
        copies = [pid for pid in below if _command(pid) == _command(host.pid)]
        host.kill()
        host.wait(10)
    try:
        _wait_until_gone([pid for pid in below if pid not in copies])
    finally:
        for pid in copies:
            os.kill(pid, signal.SIGKILL)


COPIED_AT_THE_WORST_MOMENT = """
import asyncio, os, time
from onehop import Sandbox, SandboxConfig
from onehop.jail import _launcher

copies = []

def fork():
    if (pid := os.fork()) == 0:
        time.sleep(30)
        os._exit(0)
    copies.append(pid)

class Forking(_launcher.ZygoteLauncher):
    async def spawn(self, *arguments):
        fork()  # the copy has the worker's ends of the pipes open too
        return await super().spawn(*arguments)

_launcher.ZygoteLauncher = Forking

async def main():
    sandbox = Sandbox(SandboxConfig(pool_size=1))
    await sandbox.open()
    fork()  # and this one the socket of the spawner
    bomb = await sandbox.execute("const a = []; for (;;) a.push(new Array(1e5).fill(1.5))")
    started = time.monotonic()
    await sandbox.aclose()
    print(bomb.error_info.type, time.monotonic() - started < 4)

try:
    asyncio.run(main())
finally:
    for pid in copies:
        os.kill(pid, 9)
"""


def test_copies_of_the_host_by_fork_delay_neither_a_run_nor_the_end() -> None:
    done = run_as("whoever runs the tests", "-c", COPIED_AT_THE_WORST_MOMENT)
    assert done.stdout.split() == ["resource_limit", "True"]


def _command(pid: int) -> bytes:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


def _wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        assert time.monotonic() < deadline, [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
        time.sleep(0.01)


WHOLE = """
import asyncio
from onehop import Sandbox, SandboxConfig

async def main():
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
        ok = await sandbox.execute("return 1 + 1")
        late = await sandbox.execute("for (;;) {}", timeout=200)
        bomb = await sandbox.execute("const a = []; for (;;) a.push(new Array(1e5).fill(1.5))")
        print(ok.output, late.error_info.type, bomb.error_info.type, *sorted(ok.enforcement))

asyncio.run(main())
"""


def test_the_whole_sandbox_works_for_any_user(user: User) -> None:
    words = run_as(user, "-c", WHOLE).stdout.split()
    assert words[:3] == ["2", "timeout", "resource_limit"]
    assert {"landlock", "seccomp", "uid", "rlimits", "no_new_privs"} <= set(words)


async def test_a_result_is_gone_with_its_last_reference() -> None:
    """A server's collector rests for up to half a minute: so long would a cycle keep texts."""
    async with Sandbox() as sandbox:
        await sandbox.execute("return 1")
        gc.collect()
        before = _kept()
        gc.disable()
        try:
            for code in ("return 'x'.repeat(5e6)", "throw new Error('x'.repeat(5e6))"):
                await sandbox.execute(code, context={"text": "y" * 100_000})
            kept = _kept()
        finally:
            gc.enable()
    assert kept == before


def _kept() -> list[int]:
    return [id(value) for value in gc.get_objects() if type(value) in (LargeResult, Job)]


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_ten_thousand_runs_leak_nothing() -> None:
    before = descendants(os.getpid())
    async with Sandbox() as sandbox:

        async def batch(count: int) -> None:
            for n in range(count):
                code = "console.log('x'); return context.n" if n % 50 else "throw new Error('x')"
                result = await sandbox.execute(code, context={"n": n})
                assert result.success == bool(n % 50)

        await asyncio.gather(*(batch(100) for _ in range(4)))
        gc.collect()
        memory, descriptors = _resident(), len(open_descriptors())
        await asyncio.gather(*(batch(2500) for _ in range(4)))
        gc.collect()
        assert _resident() - memory < 8_000_000
        assert abs(len(open_descriptors()) - descriptors) <= 40  # idle workers come and go
        assert len(descendants(os.getpid())) < 30
    assert set(descendants(os.getpid())) <= set(before)


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_where_no_asyncio_runs_the_error_says_so_and_what_to_do() -> None:
    opening = Sandbox().open()
    with pytest.raises(SandboxUnavailableError, match=r"asyncio.*trio\.to_thread\.run_sync"):
        opening.send(None)  # as trio would


@pytest.mark.parametrize("path", ["/nowhere/deno", "/", "/etc/passwd"])
async def test_a_deno_that_cannot_be_run_is_one_clear_error(path: str) -> None:
    with pytest.raises(SandboxUnavailableError, match="ONEHOP_DENO names"):
        await Sandbox(SandboxConfig(deno=path)).open()
