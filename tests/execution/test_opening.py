"""An executor opens its sandbox beside its records, and leaves neither where the other fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from onehop import AuditConfig, AuditUnavailableError, SandboxConfig, SandboxUnavailableError
from onehop.execution.compose import open_executor
from tests import processes
from tests.waiting import soon


def kept_in(folder: Path) -> AuditConfig:
    return AuditConfig(store=f"sqlite:///{folder / 'store.db'}", journal=str(folder / "journal"))


async def test_a_journal_that_cannot_be_made_leaves_no_sandbox(tmp_path: Path) -> None:
    before = processes.spawners()
    (tmp_path / "journal").write_text("this is a file")
    with pytest.raises(AuditUnavailableError):
        async with open_executor(SandboxConfig(pool_size=1), audit=kept_in(tmp_path)):
            raise AssertionError("it must not open")
    await soon(lambda: processes.spawners() == before, "the end of the spawner")


async def test_a_sandbox_that_cannot_open_leaves_no_journal(tmp_path: Path) -> None:
    config = SandboxConfig(pool_size=1, deno=str(tmp_path / "none"))
    with pytest.raises(SandboxUnavailableError, match="ONEHOP_DENO"):
        async with open_executor(config, audit=kept_in(tmp_path)):
            raise AssertionError("it must not open")
    assert list((tmp_path / "journal").iterdir()) == []
