"""The key that what runs were answered is sealed with: gone, replaced, spoilt, and put back."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from onehop.config import AuditConfig, RecordingConfig
from onehop.errors import ConfigError, NotReplayableError
from onehop.execution.executor import Executor
from onehop.execution.keeping import Keeper
from onehop.runs.decisions import Approve
from onehop.runs.kept import RunChange
from onehop.stores import open_store
from tests.approvals.test_pauses import server as shop
from tests.waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = "return await tools.pay({ to: 'ada', amount: 6 })"
_DAY = 86_400_000


def server(folder: Path) -> AbstractAsyncContextManager[Executor]:
    """With the key of the user's data folder, as the settings are by default."""
    return shop(folder, recording=RecordingConfig())


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "onehop" / "recording.key"


async def pause(folder: Path, name: str) -> None:
    async with server(folder) as executor:
        result = await executor.execute(CODE, agent_id="ada", request_id=name)
        assert result.status == "paused", result.error


async def replay(folder: Path, name: str) -> str:
    """Why the run cannot be replayed, as ``onehop replay`` says it."""
    store = await open_store(AuditConfig(store=f"sqlite:///{folder / 'runs.db'}"))
    try:
        (kept,) = await store.kept_runs(request_id=name, limit=1)
        await store.change_run(kept.run_id, kept.fence, RunChange(phase="ended"))
        with pytest.raises(NotReplayableError) as told:
            await Keeper(store, RecordingConfig().replace(runs="all"), 0).recording(name, "ada")
        await store.change_run(kept.run_id, kept.fence, RunChange(phase="paused"))
        return str(told.value)
    finally:
        await store.aclose()


async def test_a_key_that_is_gone_or_spoilt_refuses_the_start_and_none_is_made(
    tmp_path: Path, key: Path
) -> None:
    await pause(tmp_path, "r1")
    assert key.stat().st_mode & 0o777 == 0o600
    text = key.read_bytes()
    spoilt: dict[str, Callable[[], object]] = {
        "is gone, and the store keeps runs that were sealed with it": lambda: None,
        "cannot be read: Is a directory": key.mkdir,
        "has 40 characters, and not the 64 hexadecimal digits": lambda: write(key, text[:40]),
        "has 0 characters": lambda: write(key, b""),
        "has 65 characters": lambda: write(key, text.strip() + b"0"),
        "can be read by others: chmod 600": lambda: write(key, text, 0o644),
    }
    for words, spoil in spoilt.items():
        key.unlink()
        spoil()
        with pytest.raises(ConfigError, match=words) as told:
            async with server(tmp_path):
                pass
        assert str(key) in str(told.value)
        if words.startswith("is gone"):
            assert not key.exists()
            assert f"{key} is not there, which has the key" in await replay(tmp_path, "r1")
            key.touch()
        elif key.is_dir():
            key.rmdir()
            key.touch()
    write(key, text)
    async with server(tmp_path) as executor:
        await decide(executor, "r1")
        assert (await executor.wait("r1", 30_000, agent_id="ada")).output == "ada has 6 more"


@pytest.mark.thorough
async def test_a_key_that_was_replaced_is_told_at_the_start_and_ends_no_run_before_its_time(
    tmp_path: Path, key: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await pause(tmp_path, "r1")
    text = key.read_bytes()
    write(key, os.urandom(32).hex().encode())
    with caplog.at_level(logging.WARNING):
        async with server(tmp_path) as executor:
            assert "1 of the 1 newest runs that the store keeps were sealed with another" in (
                caplog.text
            )
            assert "it was sealed with another key" in await replay(tmp_path, "r1")
            await decide(executor, "r1")
            await soon(lambda: "only a server that has it goes on" in caplog.text)
            waiting = await executor.wait("r1", 0, agent_id="ada")
            assert waiting.status == "paused"
    write(key, text)
    async with server(tmp_path) as executor:
        assert (await executor.wait("r1", 30_000, agent_id="ada")).output == "ada has 6 more"


@pytest.mark.thorough
async def test_a_run_whose_key_never_comes_back_is_ended_and_says_why(
    tmp_path: Path, key: Path
) -> None:
    await pause(tmp_path, "r1")
    write(key, os.urandom(32).hex().encode())
    async with server(tmp_path) as executor:
        (kept,) = await executor.store.kept_runs(request_id="r1")
        long_ago = time.time_ns() // 1_000_000 - (RecordingConfig().keep_days + 1) * _DAY
        await executor.store.change_run(
            kept.run_id, kept.fence, RunChange(expires_at=long_ago, lease_until=0)
        )
        result = await soon(lambda: ended(executor, "r1"))
        assert "it was sealed with another key" in result


async def ended(executor: Executor, name: str) -> str | None:
    result = await executor.wait(name, 0, agent_id="ada")
    return result.error if result.status == "failed" else None


async def decide(executor: Executor, name: str) -> None:
    approver = executor.sandbox.approver
    assert approver is not None
    (asked,) = await approver.pending()
    assert asked.request_id == name
    await approver.decide(asked.run_id, {asked.call_id: Approve()}, "ann")


def write(key: Path, text: bytes, mode: int = 0o600) -> None:
    key.unlink(missing_ok=True)
    key.write_bytes(text)
    key.chmod(mode)
