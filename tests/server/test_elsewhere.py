"""What servers that share a store know of each other."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from onehop.config import AuditConfig
from onehop.server._elsewhere import Elsewhere, Usage
from onehop.stores import open_store
from tests.waiting import soon


async def test_a_second_server_of_a_sqlite_file_is_told_what_that_means_and_a_restarted_one_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    store = await open_store(AuditConfig(store=f"sqlite:///{tmp_path / 'runs.db'}"))
    try:
        restarted, second = Elsewhere(store, _one_run), Elsewhere(store, _one_run)
        await store.exchange_notes("a server that was killed", '{"ada": [1, 1]}')
        await asyncio.sleep(0.01)
        restarted.open()
        restarted.hurry()
        await soon(lambda: restarted.of("ada").runs == 1)
        assert caplog.text == ""
        second.open()
        second.hurry()
        await soon(lambda: "another server uses the same SQLite file" in caplog.text)
        assert "sessions, tools that clients have handed in" in caplog.text
        for each in (restarted, second):
            await each.aclose()
    finally:
        await store.aclose()


def _one_run() -> dict[str, Usage]:
    return {"ada": Usage(1, 1)}
