"""A run whose caller leaves: its request id is free again, unless it may have written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from onehop import Sandbox, SandboxConfig
from onehop.config import AuditConfig
from onehop.execution.executor import Executor
from onehop.stores import make_store
from onehop.stores.base import Store
from onehop.tools import Tool
from tests.waiting import soon

CODE = "await tools.bump({}); await new Promise(r => setTimeout(r, 20000)); return 'ended'"
QUICK = "await tools.bump({}); return 'ended'"


class Bump:
    """A tool that counts its calls."""

    def __init__(self, effect: Literal["read", "write"]) -> None:
        self.calls = 0
        self.tool = Tool("bump", self._bump, description="Adds one.", effect=effect)

    async def _bump(self) -> int:
        self.calls += 1
        return self.calls


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[None]:
    await store.open()
    try:
        yield
    finally:
        await store.aclose()


@asynccontextmanager
async def executor(store: Store, bump: Bump, folder: Path) -> AsyncIterator[Executor]:
    audit = AuditConfig(journal=str(folder))
    async with (
        Sandbox(SandboxConfig(pool_size=1), tools=[bump.tool]) as sandbox,
        Executor(sandbox, store=store, audit=audit) as made,
    ):
        yield made


async def give_up(executor: Executor, bump: Bump, code: str = CODE) -> None:
    """Begin a run, and leave when it has called the tool."""
    before = bump.calls
    work = executor.execute(code, timeout=30_000, agent_id="ada", request_id="one")
    run = asyncio.create_task(work)
    await soon(lambda: bump.calls > before, "it has called")
    await asyncio.sleep(0.1)
    run.cancel()
    await asyncio.wait([run])


@pytest.mark.parametrize("url", ["memory://", "sqlite:///{}/trail.db"])
@pytest.mark.parametrize("restarted", [False, True], ids=["here", "after a restart"])
async def test_a_write_is_not_made_twice(tmp_path: Path, url: str, restarted: bool) -> None:
    bump = Bump("write")
    store = make_store(url.format(tmp_path))
    async with opened(store):
        async with executor(store, bump, tmp_path / "j") as first:
            waited = "await new Promise(r => setTimeout(r, 20000)); return 1"
            earlier = asyncio.create_task(
                first.execute(waited, timeout=30_000, agent_id="ada", request_id="one")
            )
            await asyncio.sleep(0.5)  # given up before it called: its name is free
            earlier.cancel()
            await asyncio.wait([earlier])
            await give_up(first, bump)
            if not restarted:
                again = await first.execute(QUICK, agent_id="ada", request_id="one")
            await first.flush()
        if restarted:
            async with executor(store, bump, tmp_path / "j") as second:
                again = await second.execute(QUICK, agent_id="ada", request_id="one")
    assert bump.calls == 1
    assert again.error_info is not None
    assert again.error_info.type == "cancelled"
    assert [call.tool for call in again.tool_calls or ()] == ["bump"]


async def test_what_was_only_read_is_read_again(tmp_path: Path) -> None:
    bump = Bump("read")
    store = make_store("memory://")
    async with (
        opened(store),
        executor(store, bump, tmp_path / "j") as first,
    ):
        await give_up(first, bump)
        again = await first.execute(QUICK, agent_id="ada", request_id="one")
    assert (again.output, bump.calls) == ("ended", 2)
