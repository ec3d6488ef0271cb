"""A fresh, empty store of each kind for every test."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from onehop.stores.base import Store
from tests.servers import MongoServer, PostgresServer
from tests.stores.raw import Raw, raw_access
from tests.stores.records import DATABASES, KINDS, Kind, open_once, unopened


def fresh_url(kind: Kind, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a database in which there is nothing yet."""
    if kind == "memory":
        return "memory:"
    if kind == "sqlite":
        return f"sqlite:///{folder / 'store.db'}"
    server: PostgresServer | MongoServer = request.getfixturevalue(f"{kind}_server")
    return server.create(f"test_{uuid.uuid4().hex}")


def opened_url(kind: Kind, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a store that was opened once, and in which there are no runs yet: SQL has its
    tables already, as a copy."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_pattern"), folder / "store.db")
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgresql_server")
        pattern: str = request.getfixturevalue("postgresql_pattern")
        return server.copy(f"test_{uuid.uuid4().hex}", pattern)
    return fresh_url(kind, request, folder)


@pytest.fixture(scope="session")
def postgresql_pattern(postgresql_server: PostgresServer) -> str:
    """The name of a schema that a store has filled."""
    name = f"pattern_{uuid.uuid4().hex}"
    open_once(postgresql_server.create(name))
    return name


def one_of(kinds: Iterable[Kind], over: str) -> list[Any]:
    """Parameters: the default run takes one of them for each test, and not the same for all.

    SQLite for more of them than the others: it is what most have, and takes a fifth of the time of
    a server.
    """
    return [
        pytest.param(
            kind, marks=pytest.mark.sample(1, over=over, weight=3 if kind == "sqlite" else 1)
        )
        for kind in kinds
    ]


@pytest.fixture(params=one_of(KINDS, "any_url"))
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of each kind without runs; in the default run one of them for each test."""
    return opened_url(request.param, request, tmp_path)


@pytest.fixture(params=one_of(DATABASES, "database_url"))
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind that a second process can open."""
    return fresh_url(request.param, request, tmp_path)


@pytest.fixture(params=one_of(("postgresql", "mongodb"), "server_url"))
def server_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind that has a server."""
    return fresh_url(request.param, request, tmp_path)


@pytest_asyncio.fixture(loop_scope="module")
async def store(any_url: str) -> AsyncIterator[Store]:
    """The same, open."""
    opened = unopened(any_url)
    await opened.open()
    yield opened
    await opened.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def raw(any_url: str, store: Store) -> AsyncIterator[Raw]:
    """The same, as somebody sees it who goes round the store."""
    async with raw_access(any_url, store) as access:
        yield access
