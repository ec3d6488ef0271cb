"""A fresh, empty store of each kind for every test."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from onehop.stores.base import Store
from tests.servers import MongoServer, PostgresServer
from tests.stores.raw import Raw, raw_access
from tests.stores.records import DATABASES, KINDS, Kind, unopened


def fresh_url(kind: Kind, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a database in which there is nothing yet."""
    if kind == "memory":
        return "memory:"
    if kind == "sqlite":
        return f"sqlite:///{folder / 'store.db'}"
    server: PostgresServer | MongoServer = request.getfixturevalue(f"{kind}_server")
    return server.create(f"test_{uuid.uuid4().hex}")


@pytest.fixture(params=KINDS)
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind."""
    return fresh_url(request.param, request, tmp_path)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind that a second process can open."""
    return fresh_url(request.param, request, tmp_path)


@pytest.fixture(params=["postgresql", "mongodb"])
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
