"""Starts of workers that are given up, at each moment, and by tasks that were cancelled before."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest_asyncio

from onehop import Sandbox, SandboxConfig
from onehop.workers import WorkerFactory
from tests import processes
from tests.waiting import soon

FEW = """
import asyncio, os, resource
from onehop import OnehopError, SandboxConfig
from onehop.workers import WorkerFactory

def descriptors():
    return len(os.listdir("/proc/self/fd"))

async def main():
    factory = WorkerFactory((), SandboxConfig().limits(1000))
    await (await factory.start_worker()).aclose()
    before, most = descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)
    for more in range(12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (before + more, most[1]))
        try:
            await (await factory.start_worker()).aclose()
            print("started", end=" ")
        except OnehopError as error:
            print(type(error).__name__, end=" ")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)
        print(descriptors() - before)
    await factory.aclose()

asyncio.run(main())
"""


@pytest_asyncio.fixture
async def factory() -> AsyncIterator[WorkerFactory]:
    made = WorkerFactory((), SandboxConfig().limits(1000))
    await (await made.start_worker()).aclose()
    yield made
    await made.aclose()


async def test_a_task_that_went_on_after_a_cancellation_has_a_sandbox_like_any_other() -> None:
    """``cancelling()`` says only that a task was cancelled once, and not that it is being so."""

    async def go_on() -> object:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
            return (await sandbox.execute("return 1 + 1")).output

    task = asyncio.create_task(go_on())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == 2


async def test_a_start_that_was_cancelled_leaves_no_process(factory: WorkerFactory) -> None:
    before = processes.open_descriptors()
    for turns in range(24):
        starting = asyncio.create_task(factory.start_worker())
        for _ in range(turns % 8):
            await asyncio.sleep(0.0005)
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await (await starting).aclose()
    await soon(lambda: not _workers(), "the end of the workers")
    assert processes.open_descriptors() == before


def _workers() -> list[int]:
    """Those that have ended and were not collected, too."""
    found = []
    for pid in processes.descendants(os.getpid()):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text() == "onehop worker\n":
                found.append(pid)
    return found


def test_a_start_that_lacks_a_descriptor_leaves_none_open() -> None:
    command = [sys.executable, "-c", FEW]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=100, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {line[0] for line in lines} == {"WorkerStartError", "started"}
    assert {line[1] for line in lines} == {"0"}
