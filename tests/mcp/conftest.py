"""A server behind HTTP, and the SDK's client at every door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import get_args

import pytest
import pytest_asyncio
from mcp.client import Client

from tests.copies import also_for_asyncio
from tests.mcp.doors import Era, Service, held, over_http, process, service

DOORS = [f"{transport}, {era}" for transport in ("stdio", "HTTP") for era in get_args(Era)]


@pytest.fixture(scope="package", autouse=True)
def copied() -> Iterator[None]:
    """Most starts of ``onehop mcp`` are not what a test is about."""
    with also_for_asyncio():
        yield


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One server for the tests of this folder."""
    async with held(service(tmp_path_factory.mktemp("served"))) as running:
        yield running


ONE_DOOR = pytest.mark.sample(1, over="client")


@pytest_asyncio.fixture(
    scope="package",
    loop_scope="package",
    params=[pytest.param(door, marks=ONE_DOOR) for door in DOORS],
)
async def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, served: Service
) -> AsyncIterator[Client]:
    """The SDK's client at each door, connected; in the default run one for each test."""
    transport, _, era = request.param.partition(", ")
    over_stdio = Client(process(tmp_path_factory.mktemp("stdio")), mode=era)
    async with held(over_http(served, era) if transport == "HTTP" else over_stdio) as connected:
        yield connected
