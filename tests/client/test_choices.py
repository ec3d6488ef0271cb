"""Arguments that most calls leave out, through the client and HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from onehop.errors import InvalidRequestError
from tests.client.clients import Kind, connected
from tests.client.served import Served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One for the tests of this file."""
    async with Served(tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest_asyncio.fixture
async def client(server: Served, kind: Kind) -> AsyncIterator[Any]:
    """Ada's."""
    async with connected(kind, server_url=server.url, api_key=server.keys["ada"]) as opened:
        yield opened


async def test_seed_and_clock_fix_a_run(client: Any) -> None:
    code = "return [Math.random(), Date.now()]"
    first = await client.execute(code, seed=7, clock="2026-01-31T12:00:00Z")
    again = await client.call_tool(
        "code_execute", {"code": code, "seed": 7, "clock": 1_769_860_800_000}
    )
    assert first.output == again["output"]
    assert first.output[1] == 1_769_860_800_000
    record = await client.execution(first.request_id)
    assert (record.details["seed"], record.details["clock"]) == (7, 1_769_860_800_000)


async def test_a_seed_or_clock_that_is_not_one_is_refused_by_name(client: Any) -> None:
    for field, value in (("seed", -1), ("seed", 0.5), ("clock", "year 300000"), ("clock", 1e17)):
        with pytest.raises(InvalidRequestError, match=f"{field}: got"):
            await client.execute("return 1", **{field: value})
