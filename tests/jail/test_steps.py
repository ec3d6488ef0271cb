"""A step of the confinement that fails ends the child, and its name reaches the caller."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from seccompy import syscall_nr as number

from onehop import LayerUnavailableError, WorkerStartError, jail
from tests import native

TRUE = "/bin/true"


@asynccontextmanager
async def spawning(changed: dict[str, Any], program: str = TRUE) -> AsyncIterator[jail.Launcher]:
    plan = jail.decide(jail.examine(), (), [program], {})
    launcher = jail.launcher(replace(plan, body={**plan.body, **changed}))
    await launcher.start()
    try:
        yield launcher
    finally:
        await launcher.aclose()


async def spawn(launcher: jail.Launcher) -> None:
    stdio = os.open(os.devnull, os.O_RDWR)
    try:
        child = await launcher.spawn((stdio, stdio, stdio), 16)
    finally:
        os.close(stdio)
    os.close(child.exit_fd)


def steps_with(layer: str, wrong: list[Any]) -> dict[str, Any]:
    """The plan's steps, and before all of them one more of ``layer``."""
    plan = jail.decide(jail.examine(), (), [TRUE], {})
    return {"steps": [[layer, "a test's call", *wrong], *plan.body["steps"]]}


@pytest.mark.parametrize("layer", ["uid", "landlock", "rlimits", "no_new_privs"])
async def test_a_step_that_fails_names_its_layer_and_the_kernels_reason(layer: str) -> None:
    impossible = steps_with(layer, [number("dup3"), [99, 0, 0], "success", None])
    async with spawning(impossible) as launcher:
        with pytest.raises(LayerUnavailableError, match=r"a test's call: Bad file descr") as caught:
            await spawn(launcher)
    assert caught.value.layer == layer


async def test_a_proof_that_succeeds_names_its_layer() -> None:
    harmless = steps_with("seccomp", [number("getpid"), [], "refusal", None])
    async with spawning(harmless) as launcher:
        with pytest.raises(LayerUnavailableError, match="succeeded inside the jail"):
            await spawn(launcher)


async def test_a_child_whose_spawner_is_another_ends() -> None:
    orphan = steps_with("exec", [number("getuid"), [], "spawner", None])
    async with spawning(orphan) as launcher:
        with pytest.raises(WorkerStartError, match="the spawner ended meanwhile"):
            await spawn(launcher)


async def test_another_program_than_the_planned_one_is_not_executed() -> None:
    async with spawning({"binary": os.path.realpath("/bin/sh")}) as launcher:
        for _ in range(3):
            with pytest.raises(WorkerStartError, match=r"execveat: Permission denied \(errno 13\)"):
                await spawn(launcher)


async def test_children_of_one_spawner_are_processes_of_their_own(tmp_path: Path) -> None:
    """They share its memory until they execute, and nothing after."""
    tmp_path.chmod(0o755)
    program = native.build(tmp_path / "whoami", [(number("getpid"), ()), (number("getppid"), ())])
    async with spawning({}, str(program)) as launcher:
        seen = [await outcome(launcher) for _ in range(4)]
    assert len({pid for pid, _ in seen}) == 4
    assert len({parent for _, parent in seen}) == 1


async def outcome(launcher: jail.Launcher) -> list[int]:
    read, write = os.pipe()
    child = await launcher.spawn((write, write, write), 16)
    os.close(write)
    os.close(child.exit_fd)
    with open(read, "rb") as stream:
        return native.results(await asyncio.to_thread(stream.read))
