"""Executors with a real sandbox, a real store and a journal, each in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from onehop import Sandbox
from onehop.config import AuditConfig
from onehop.events import Event
from onehop.execution.bus import EventBus
from onehop.execution.executor import Executor
from onehop.stores import open_store
from onehop.stores.base import Store
from tests.servers import MongoServer, PostgresServer


class Heard:
    """Every event, as a subscriber heard it."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def of(self, request_id: str) -> list[Event]:
        return [event for event in self.events if event.request_id == request_id]

    def types(self, request_id: str) -> list[str]:
        return [event.event_type for event in self.of(request_id)]


@pytest.fixture
def audit(tmp_path: Path, sqlite_pattern: Path) -> AuditConfig:
    """A store that was opened once, and has no runs yet: to make the tables takes longer."""
    shutil.copy(sqlite_pattern, tmp_path / "onehop.db")
    return AuditConfig(
        store=f"sqlite:///{tmp_path / 'onehop.db'}", journal=str(tmp_path / "journal")
    )


@pytest_asyncio.fixture(loop_scope="module")
async def store(audit: AuditConfig) -> AsyncIterator[Store]:
    opened = await open_store(audit)
    yield opened
    await opened.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def bus() -> AsyncIterator[EventBus]:
    opened = EventBus()
    yield opened
    await opened.aclose()


@pytest.fixture
def heard(bus: EventBus) -> Heard:
    listener = Heard()
    bus.subscribe(listener.events.append)
    return listener


@pytest_asyncio.fixture(loop_scope="module")
async def executor(
    sandbox: Sandbox, store: Store, bus: EventBus, audit: AuditConfig
) -> AsyncIterator[Executor]:
    async with Executor(sandbox, store=store, bus=bus, audit=audit) as opened:
        yield opened


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of these tests' own, which they may stop."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="module")
def mongo() -> Iterator[MongoServer]:
    """A MongoDB of these tests' own, which they may stop."""
    with MongoServer() as server:
        yield server
