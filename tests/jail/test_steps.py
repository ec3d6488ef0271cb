"""A step of the confinement that fails ends the child, and its name reaches the caller."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from seccompy import syscall_nr as number

from onehop import LayerUnavailableError, Sandbox, SandboxConfig, WorkerStartError, jail
from onehop.jail.spawner.layout import WORKERS_OF_A_TEMPLATE
from onehop.jail.syscalls import _code
from tests import native, processes

TRUE = "/bin/true"
both_ways = pytest.mark.parametrize("start", ["executed", "copied"])


@asynccontextmanager
async def spawning(
    changed: dict[str, Any], program: str = TRUE, start: str = "copied"
) -> AsyncIterator[jail.Launcher]:
    plan = jail.decide(jail.examine(), (), {"worker": [program]}, {})
    way = {} if start == "copied" else {"copies": False}
    launcher = jail.launcher(replace(plan, body={**plan.body, **way, **changed}))
    await launcher.start()
    try:
        yield launcher
    finally:
        await launcher.aclose()


async def spawn(launcher: jail.Launcher) -> None:
    stdio = os.open(os.devnull, os.O_RDWR)
    try:
        child = await launcher.spawn("worker", (stdio, stdio, stdio), 16)
    finally:
        os.close(stdio)
    os.close(child.exit_fd)


def steps_with(layer: str, wrong: list[Any]) -> dict[str, Any]:
    """The plan's steps, and before all of them one more of ``layer``."""
    plan = jail.decide(jail.examine(), (), {"worker": [TRUE]}, {})
    return {"steps": [[layer, "a test's call", *wrong], *plan.body["steps"]]}


@pytest.mark.sample(3)
@both_ways
@pytest.mark.parametrize("layer", ["uid", "landlock", "rlimits", "no_new_privs"])
async def test_a_step_that_fails_names_its_layer_and_the_kernels_reason(
    layer: str, start: str
) -> None:
    impossible = steps_with(layer, [number("dup3"), [99, 0, 0], "success", None])
    async with spawning(impossible, start=start) as launcher:
        with pytest.raises(LayerUnavailableError, match=r"a test's call: Bad file descr") as caught:
            await spawn(launcher)
    assert caught.value.layer == layer


@both_ways
async def test_a_proof_that_succeeds_names_its_layer(start: str) -> None:
    harmless = steps_with("seccomp", [number("getpid"), [], "refusal", None])
    async with spawning(harmless, start=start) as launcher:
        with pytest.raises(LayerUnavailableError, match="succeeded inside the jail"):
            await spawn(launcher)


@both_ways
async def test_a_child_whose_spawner_is_another_ends(start: str) -> None:
    orphan = steps_with("exec", [number("getuid"), [], "spawner", None])
    async with spawning(orphan, start=start) as launcher:
        with pytest.raises(WorkerStartError, match="the spawner ended meanwhile"):
            await spawn(launcher)


async def test_another_program_than_the_planned_one_is_not_executed() -> None:
    another = {"binary": os.path.realpath("/bin/sh")}
    async with spawning(another, start="executed") as launcher:
        for _ in range(3):
            with pytest.raises(WorkerStartError, match=r"execveat: Permission denied \(errno 13\)"):
                await spawn(launcher)


@both_ways
async def test_children_of_one_spawner_are_processes_of_their_own(
    tmp_path: Path, start: str
) -> None:
    """They share memory until they are confined, and nothing after."""
    async with spawning({}, str(whoami(tmp_path, start)), start) as launcher:
        seen = [await outcome(launcher) for _ in range(4)]
    assert len({pid for pid, _, _ in seen}) == 4
    assert len({parent for _, parent, _ in seen}) == 1


def whoami(folder: Path, start: str) -> Path:
    """A program that tells its pid, its parent's, and where the kernel has put its heap."""
    folder.chmod(0o755)
    calls = [(number("getpid"), ()), (number("getppid"), ()), (number("brk"), (0,))]
    return native.build(folder / "whoami", calls, native.loader() if start == "copied" else "")


async def outcome(launcher: jail.Launcher) -> list[int]:
    read, write = os.pipe()
    child = await launcher.spawn("worker", (write, write, write), 16)
    os.close(write)
    os.close(child.exit_fd)
    with open(read, "rb") as stream:
        return native.results(await asyncio.to_thread(stream.read))


async def test_no_more_workers_than_stated_have_their_memory_layout_in_common(
    tmp_path: Path,
) -> None:
    async with spawning({}, str(whoami(tmp_path, "copied"))) as launcher:
        seen = [await outcome(launcher) for _ in range(2 * WORKERS_OF_A_TEMPLATE + 1)]
    layouts = Counter(heap for _, _, heap in seen)
    assert [*layouts.values()] == [WORKERS_OF_A_TEMPLATE, WORKERS_OF_A_TEMPLATE, 1]


async def test_each_worker_that_is_executed_has_a_memory_layout_of_its_own(tmp_path: Path) -> None:
    async with spawning({}, str(whoami(tmp_path, "executed")), "executed") as launcher:
        layouts = {heap for _, _, heap in [await outcome(launcher) for _ in range(4)]}
    assert len(layouts) == 4


async def test_a_template_that_was_killed_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = whoami(tmp_path, "copied")
    async with spawning({}, str(program)) as launcher:
        before = await outcome(launcher)
        [template] = processes.templates()
        os.kill(template, signal.SIGKILL)
        after = await outcome(launcher)
    assert before[2] != after[2]
    assert not caplog.records


async def test_an_operator_may_have_each_worker_executed() -> None:
    async with Sandbox(SandboxConfig(pool_size=2, copy_workers=False)) as sandbox:
        assert (await sandbox.execute("return 6 * 7")).output == 42
        assert processes.workers()
        assert processes.templates() == []


async def test_where_no_template_can_be_made_workers_are_executed_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    static = whoami(tmp_path, "executed")  # no loader ever calls the library
    async with spawning({"copies": True}, str(static)) as launcher:
        layouts = {heap for _, _, heap in [await outcome(launcher) for _ in range(3)]}
    assert len(layouts) == 3
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith("workers start more slowly from now on: the template has ended")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_library_that_makes_a_template_is_laid_out_for_both_architectures(
    machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = jail.decide(jail.examine(), (), {"worker": [TRUE]}, {})
    monkeypatch.setattr(platform, "machine", lambda: machine)
    image = bytes.fromhex(json.loads(plan.to_json())["copied"]["image"])
    assert int.from_bytes(image[18:20], "little") == {"x86_64": 62, "aarch64": 183}[machine]
    assert _code.CODE[machine] in image
