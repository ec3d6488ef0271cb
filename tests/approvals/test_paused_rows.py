"""A run that waits for people is a row of the history at every door, and the ledger of one whose
server was killed says which writes nobody knows of."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from onehop import Approve, SyncAgentClient
from tests import copies
from tests.copies import ONEHOP
from tests.dashboard.visiting import Visitor
from tests.server.served import Served, run
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)

SHOP = '''
import asyncio
import os
from pathlib import Path
from onehop import tool

@tool(effect="read")
def find(name: str) -> str:
    """Find somebody."""
    return f"{name} is here"

@tool
async def note(text: str) -> int:
    """Write something down."""
    Path(os.environ["BOOK"]).open("a").write(text)
    if text == "hang":
        await asyncio.sleep(600)
    return 1

@tool
def pay(to: str) -> str:
    """Pay somebody."""
    return f"{to} has more"
'''
CODE = """
await tools.find({ name: "ada" });
await tools.note({ text: "well" });
return tools.TOOL(ARGUMENTS);
"""
PAY = CODE.replace("TOOL", "pay").replace("ARGUMENTS", "{ to: 'ada' }")
HANG = CODE.replace("TOOL", "note").replace("ARGUMENTS", "{ text: 'hang' }")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Served]:
    """A server that keeps every run, and holds none for long."""
    (tmp_path / "shop.py").write_text(SHOP)
    settings = {
        "ONEHOP_TOOLS_ASK": "pay",
        "ONEHOP_TOOLS_APPROVALS": "true",
        "ONEHOP_TOOLS_HOLD": "100",
        "ONEHOP_RECORDING": "all",
        "ONEHOP_RECORDING_KEY": "a key of at least so many letters",
        "ONEHOP_POOL_SIZE": "1",
        "BOOK": str(tmp_path / "book"),
    }
    with Served(tmp_path, "--tools", str(tmp_path / "shop.py"), **settings) as server:
        yield server


def onehop(shop: Served, *words: str) -> str:
    command = [*ONEHOP, *words]
    done = copies.run(
        command, env=shop.environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def rows_of(client: httpx2.Client, **query: Any) -> list[tuple[str, list[str]]]:
    found = client.get("/api/v1/executions", params=query).json()["paused"]
    return [(row["requestId"], [call["tool"] for call in row["waitsFor"]]) for row in found]


def test_a_paused_run_is_a_row_at_every_door_until_it_ends(shop: Served) -> None:
    keys = {"ada": shop.key("ada"), "eve": shop.key("eve"), "ann": shop.key("ann", "approver")}
    with shop.client(keys["ada"]) as ada, shop.client(keys["eve"]) as eve:
        paused = run(ada, PAY, **{"X-Request-Id": "r1"}).json()
        assert paused["status"] == "paused"
        assert rows_of(ada) == [("r1", ["pay"])]
        assert rows_of(eve) == rows_of(ada, success=False) == rows_of(ada, offset=1) == []
        missing = ada.get("/api/v1/executions/r1")
        assert missing.status_code == 404
        assert "it waits for people to decide about pay (call_3)" in missing.text
        assert eve.get("/api/v1/executions/r1").text.count("pay") == 0

        with SyncAgentClient(server_url=shop.url, api_key=keys["ann"]) as client:
            (row,) = client.paused()
            assert (row.request_id, row.agent_id, row.status) == ("r1", "ada", "paused")
            (call,) = row.waits_for
            assert (call.tool, call.effect, call.rule) == ("pay", "write", "ask pay")
            assert row.executed_at <= row.since == call.since < call.expires_at
            assert client.pause_stats("ada").paused == 1
            assert client.stats("ada").total_executions == 0

            listed = " ".join(onehop(shop, "history").split())
            assert "paused" in listed
            assert "pay (call_3), since" in listed
            assert "paused" not in onehop(shop, "history", "--failed")
            (entry,) = json.loads(onehop(shop, "history", "--json"))
            assert (entry["status"], entry["runId"]) == ("paused", row.run_id)
            shown = " ".join(onehop(shop, "show", "r1").split())
            assert "waits for pay (call_3), since" in shown
            assert "call_2 note write applied" in shown
            assert "call_3 pay write not applied" in shown
            assert "1 run paused now, 0 resumed" in onehop(shop, "stats")

            person = Visitor(shop.url)
            person.log_in(shop.key("vic", "viewer"))
            page = person.get("/dashboard/executions").text
            person.close()
            assert "Runs that wait for people" in page
            assert ">r1<" in page

            client.decide(row.run_id, {call.call_id: Approve()})
            until(lambda: client.history(agent_id="ada"), "the record")
            assert client.paused() == []
            stats = client.pause_stats()
            assert (stats.paused, stats.resumed) == (0, 1)
        assert "paused" not in onehop(shop, "history")


def test_the_ledger_of_a_killed_server_says_which_writes_nobody_knows_of(shop: Served) -> None:
    with ThreadPoolExecutor(1) as pool, shop.client(shop.key("ada")) as ada:

        def call() -> None:
            with suppress(httpx2.HTTPError):
                run(ada, HANG, **{"X-Request-Id": "r1"})

        pool.submit(call)
        book = Path(shop.environment["BOOK"])
        until(lambda: book.exists() and "hang" in book.read_text(), "the write")
        shop.tell(signal.SIGKILL)
        shop.ended()
    shown = " ".join(onehop(shop, "show", "r1").split())
    assert "the onehop process ended before this run did" in shown
    assert "call_2 note write applied" in shown
    assert "call_3 note write unknown" in shown
    ledger = json.loads(onehop(shop, "show", "r1", "--json"))["ledger"]
    assert [(line["tool"], line["state"]) for line in ledger] == [
        ("find", "read"),
        ("note", "applied"),
        ("note", "unknown"),
    ]
