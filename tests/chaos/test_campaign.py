"""No write is sent twice, none is lost, and every run ends in a true state, whatever is killed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.bank import Customer
from tests.chaos.campaign import Campaign
from tests.servers import MongoServer, PostgresServer

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
KILLS = 5


async def test_kills_on_sqlite_send_no_write_twice_and_lose_none(tmp_path: Path) -> None:
    with Customer(tmp_path) as subject:
        found = await Campaign([subject], random.Random(14)).run(KILLS)
    assert found.problems == []
    assert subject.strays == []
    assert found.completed


async def test_kills_of_two_servers_on_postgresql_send_no_write_twice_and_lose_none(
    tmp_path: Path, postgresql_server: PostgresServer
) -> None:
    url = postgresql_server.create("campaign")
    first, second = (tmp_path / name for name in ("first", "second"))
    first.mkdir()
    second.mkdir()
    ledger = str(first / "ledger")
    with Customer(first, store=url) as one, Customer(second, store=url, CHAOS_LEDGER=ledger) as two:
        found = await Campaign([one, two], random.Random(15)).run(KILLS)
    assert found.problems == []
    assert one.strays + two.strays == []
    assert found.completed


@pytest.mark.thorough
async def test_kills_on_mongodb_send_no_write_twice_and_lose_none(
    tmp_path: Path, mongodb_server: MongoServer
) -> None:
    with Customer(tmp_path, store=mongodb_server.create("campaign")) as subject:
        found = await Campaign([subject], random.Random(16)).run(KILLS)
    assert found.problems == []
    assert subject.strays == []
    assert found.completed
