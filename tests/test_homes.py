"""A sandbox belongs to the process and to the event loop that it was opened in."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from onehop import Sandbox, SandboxClosedError, SandboxConfig

USES: list[tuple[str, Callable[[Sandbox], Coroutine[Any, Any, Any]]]] = [
    ("execute", lambda sandbox: sandbox.execute("return 1")),
    ("typescript", lambda sandbox: sandbox.execute("return 1 as number", "typescript")),
    ("session", lambda sandbox: sandbox.execute("return 1", session="s")),
    ("open", lambda sandbox: sandbox.open()),
    ("wait", lambda sandbox: sandbox.wait("some")),
    ("call_tool", lambda sandbox: sandbox.call_tool("some")),
    ("end_session", lambda sandbox: sandbox.end_session("s")),
    ("approvals", lambda sandbox: sandbox.approvals()),
]
every_use = pytest.mark.parametrize("use", [use for _, use in USES], ids=[name for name, _ in USES])


def small() -> Sandbox:
    return Sandbox(SandboxConfig(pool_size=1))


def said_in_a_copy(sandbox: Sandbox, use: Callable[[Sandbox], Coroutine[Any, Any, Any]]) -> str:
    """What the use says in a copy of this process by fork, which closes the sandbox then."""
    ours, theirs = os.pipe()
    if not (pid := os.fork()):
        try:
            words = _used(sandbox, use)
            _used(sandbox, lambda sandbox: sandbox.aclose())
            os.write(theirs, words.encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as reading:
        said = reading.read()
    os.waitpid(pid, 0)
    return said


def _used(sandbox: Sandbox, use: Callable[[Sandbox], Coroutine[Any, Any, Any]]) -> str:
    async def with_patience() -> str:
        try:
            return repr(await asyncio.wait_for(use(sandbox), 5))
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    asyncio._set_running_loop(None)  # as a copy by multiprocessing has none
    return asyncio.run(with_patience())


@every_use
async def test_a_copy_of_the_process_is_told_to_open_its_own_and_ends_nothing(
    use: Callable[[Sandbox], Coroutine[Any, Any, Any]],
) -> None:
    async with small() as sandbox:
        await sandbox.execute("return 1")
        said = said_in_a_copy(sandbox, use)
        assert said.startswith("SandboxClosedError: the sandbox was opened in another process")
        assert (await sandbox.execute("return 2")).output == 2
        began = time.monotonic()
    assert time.monotonic() - began < 4


@every_use
async def test_the_loop_of_another_thread_is_told_to_hand_the_call_over(
    use: Callable[[Sandbox], Coroutine[Any, Any, Any]],
) -> None:
    async with small() as sandbox:
        said = await asyncio.to_thread(_used, sandbox, use)
        assert "of another thread" in said
        assert "run_coroutine_threadsafe" in said
        assert (await sandbox.execute("return 2")).output == 2


async def test_the_loop_of_another_thread_cannot_close_it() -> None:
    async with small() as sandbox:
        assert "of another thread" in await asyncio.to_thread(_used, sandbox, Sandbox.aclose)
        assert (await sandbox.execute("return 2")).output == 2


@every_use
def test_a_later_loop_is_told_to_close_it_and_can(
    use: Callable[[Sandbox], Coroutine[Any, Any, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = small()
    asyncio.run(sandbox.open())
    with pytest.raises(SandboxClosedError, match="does not run any more"):
        asyncio.run(use(sandbox))
    with caplog.at_level(logging.WARNING):
        asyncio.run(sandbox.aclose())
        asyncio.run(_opened_again(sandbox))
    assert not caplog.records


async def _opened_again(sandbox: Sandbox) -> None:
    async with sandbox:
        assert (await sandbox.execute("return 3")).output == 3
