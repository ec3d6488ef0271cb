"""The spawner starts before its plan is made; it must not stay when no plan comes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from onehop import LayerUnavailableError, SandboxConfig, jail
from onehop.workers import WorkerFactory
from tests import processes
from tests.waiting import soon, until

HOST = """
import time
from onehop import jail
begun = jail.begin()
print(begun._process.pid, flush=True)
time.sleep(60)
"""


def test_it_ends_with_its_host() -> None:
    command = [sys.executable, "-c", HOST]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        spawner = int(host.stdout.readline())
        assert not processes.is_dead(spawner)
        host.kill()
    until(lambda: processes.is_dead(spawner), "the end of the spawner")


async def test_it_ends_when_the_plan_cannot_be_made() -> None:
    before = processes.spawners()

    def programs() -> jail.Programs:
        raise LayerUnavailableError("landlock", "a test says so")

    factory = WorkerFactory((), SandboxConfig().limits(1000), programs)
    for _ in range(2):
        with pytest.raises(LayerUnavailableError, match="a test says so"):
            await factory.start_worker()
    await soon(lambda: processes.spawners() == before, "the end of the spawners")
    await factory.aclose()


async def test_one_that_was_begun_for_a_factory_ends_with_it_unused() -> None:
    before = processes.spawners()
    factory = WorkerFactory((), SandboxConfig().limits(1000), begun=jail.begin())
    await factory.aclose()
    await soon(lambda: processes.spawners() == before, "the end of the spawner")
