"""Servers that are killed while runs wait for people, and while they go on: nothing that changes
something is sent twice by itself, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from onehop.config import AuditConfig
from onehop.stores import open_store
from tests.server.served import Served, run
from tests.servers import MongoServer, PostgresServer
from tests.users import ROOT
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)  # servers start, and start again

SHOP = '''
import asyncio
import os
from pathlib import Path
from onehop import tool

BOOK = Path(os.environ["BOOK"])

def written(line: str) -> int:
    with BOOK.open("a") as book:
        book.write(line + "\\n")
    return len(BOOK.read_text().splitlines())

@tool(effect="read")
def find(name: str) -> str:
    """Find somebody."""
    return f"{name} is here"

@tool
def note(text: str) -> int:
    """Write something down."""
    return written(f"note {text}")

@tool(effect="destructive")
async def linger(text: str) -> None:
    """Write something down, and take a while."""
    written(f"linger {text}")
    await asyncio.sleep(20)

@tool
async def pay(to: str, amount: float, slow: float = 0) -> str:
    """Pay somebody."""
    written(f"pay {to}")
    await asyncio.sleep(slow)
    return f"{to} has {amount:g} more"
'''
DIES = """
import os, signal, sys
from pathlib import Path

if "serve" in sys.argv:
    from onehop.stores.sql import SqlStore

    died, ask = Path(os.environ["DIES_ONCE"]), SqlStore.add_approvals

    async def add_approvals(self, approvals):
        if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        await ask(self, approvals)

    SqlStore.add_approvals = add_approvals
"""
"""A ``sitecustomize``: the first server dies when it is about to keep what people are asked."""
CLOCK = """
import os, time

ahead, now, now_ns = int(os.environ.get("AHEAD", 0)), time.time, time.time_ns
time.time = lambda: now() + ahead
time.time_ns = lambda: now_ns() + ahead * 10**9
"""
"""A ``sitecustomize``: the time of day is ahead by so many seconds."""
CODE = """
const [who] = await Promise.all([tools.find({ name: "ada" }), tools.note({ text: TEXT })]);
const paid = await tools.pay({ to: TEXT, amount: 6, slow: SLOW })
  .catch((e) => [e.code, e.effect, e.message]);
return [who, paid, await tools.note({ text: "end " + TEXT })];
"""


def code(text: str, slow: float = 0) -> str:
    return CODE.replace("TEXT", json.dumps(text)).replace("SLOW", str(slow))


class Shop(Served):
    """A server whose tools write in a book, by which a test sees what was really done."""

    patience = 90.0  # it is started again on a busy machine

    def __init__(self, folder: Path, store: str | None = None, **more: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "shop.py").write_text(SHOP)
        self.book = folder / "book"
        self.given_store = store
        settings = {
            "ONEHOP_TOOLS_ASK": "pay",
            "ONEHOP_TOOLS_APPROVALS": "true",
            "ONEHOP_TOOLS_HOLD": "300",
            "ONEHOP_RECORDING_KEY": "a key that all servers have",
            "ONEHOP_POOL_SIZE": "1",
            "BOOK": str(self.book),
            **more,
        }
        super().__init__(folder, "--tools", str(folder / "shop.py"), **settings)

    @property
    def store(self) -> str:
        return self.given_store or super().store

    def kill(self) -> None:
        """As `kill -9` of the server and all that it has started."""
        self.tell(signal.SIGKILL)
        self.ended()
        until(lambda: self._silent)  # all that it has said is read

    def again(self) -> None:
        """Start it anew, after it was killed."""
        self.log.clear()
        self.raw.clear()
        self._silent = False
        self.start()

    def lines(self, word: str) -> int:
        if not self.book.exists():
            return 0
        return self.book.read_text().splitlines().count(word)


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.thorough)
"""What tests/stores tries with it in each run."""


@pytest.fixture(scope="module", params=["sqlite", POSTGRESQL])
def store(request: pytest.FixtureRequest) -> Any:
    """Makes the address of a new store."""
    if request.param == "sqlite":
        return lambda _name: None
    return request.getfixturevalue("postgresql_server").create


class People:
    """An agent and an approver, who find the server again when it was started anew."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._keys = {"ada": shop.key("ada"), "ann": shop.key("ann", "approver")}

    def _client(self, name: str) -> httpx2.Client:
        return self.shop.client(self._keys[name])

    def begin(self, name: str, text: str) -> dict[str, Any]:
        """What ada is answered."""
        with self._client("ada") as ada:
            return dict(run(ada, text, **{"X-Request-Id": name}).json())

    def waiting(self) -> list[dict[str, Any]]:
        """What ann sees."""
        with self._client("ann") as ann:
            return list(ann.get("/api/v1/approvals").json()["approvals"])

    def decide(self, asked: dict[str, Any], **decision: Any) -> None:
        """What ann decides."""
        body = {"runId": asked["runId"], "decisions": {asked["callId"]: decision}}
        with self._client("ann") as ann:
            assert ann.post("/api/v1/approvals", json=body).status_code == 200

    def result(self, name: str) -> dict[str, Any]:
        """The result for ada, when it is there."""
        with self._client("ada") as ada:
            return dict(ada.get(f"/api/v1/executions/{name}?wait=30000").json())


def test_a_server_that_is_killed_while_a_run_is_paused_goes_on_with_it(
    store: Any, tmp_path: Path
) -> None:
    with Shop(tmp_path, store("paused")) as shop:
        people = People(shop)
        answer = people.begin("r1", code("one"))
        assert answer["status"] == "paused", answer
        assert answer["approvals"][0]["arguments"] == {"to": "one", "amount": 6, "slow": 0}
        shop.kill()
        shop.again()
        (asked,) = people.waiting()
        people.decide(asked, action="approve")
        result = people.result("r1")
        assert result["output"] == ["ada is here", "one has 6 more", 3], result
        assert [shop.lines(f"{word} one") for word in ("note", "pay", "note end")] == [1, 1, 1]


@pytest.mark.thorough
def test_a_server_that_is_killed_while_a_worker_is_held_goes_on_with_the_run(
    store: Any, tmp_path: Path
) -> None:
    with Shop(tmp_path, store("held"), ONEHOP_TOOLS_HOLD="60000") as shop:
        people = People(shop)
        ada = threading.Thread(target=_quietly, args=(people, "r1", code("two")))
        ada.start()
        (asked,) = until(people.waiting)
        shop.kill()
        ada.join()
        shop.again()
        people.decide(asked, action="approve")
        result = people.result("r1")
        assert result["output"] == ["ada is here", "two has 6 more", 3], result
        assert [shop.lines(f"{word} two") for word in ("note", "pay", "note end")] == [1, 1, 1]


@pytest.mark.thorough
def test_a_server_that_is_killed_before_it_has_asked_anybody_goes_on_with_the_run(
    tmp_path: Path,
) -> None:
    """Between two writes: the run waits for people, and nobody has been asked."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(DIES)
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT / "src")])}
    with Shop(tmp_path, DIES_ONCE=str(tmp_path / "died"), **path) as shop:
        people = People(shop)
        _quietly(people, "r1", code("early"))
        assert (tmp_path / "died").exists()
        shop.kill()  # it is dead already
        shop.again()
        (asked,) = until(people.waiting)
        people.decide(asked, action="approve")
        result = people.result("r1")
        assert result["output"] == ["ada is here", "early has 6 more", 3], result
        assert [shop.lines(f"{word} early") for word in ("note", "pay", "note end")] == [1, 1, 1]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("days", "paid"),
    [
        pytest.param(-2, "clock has 6 more", id="put back"),
        pytest.param(2, ["expired", "none"], id="put ahead"),
    ],
)
def test_a_run_goes_on_after_the_clock_of_its_server_was_set_while_it_was_down(
    tmp_path: Path, days: int, paid: Any
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(CLOCK)
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT / "src")])}
    with Shop(tmp_path, ONEHOP_TOOLS_HOLD="60000", AHEAD="0", **path) as shop:
        people = People(shop)
        ada = threading.Thread(target=_quietly, args=(people, "r1", code("clock")))
        ada.start()
        (asked,) = until(people.waiting)
        shop.kill()
        ada.join()
        shop._environment["AHEAD"] = str(days * 86_400)
        shop.again()
        if days < 0:
            people.decide(asked, action="approve")
        result = people.result("r1")
        assert result["status"] == "completed", result
        told = result["output"][1]
        assert (told if isinstance(told, str) else told[:2]) == paid


def test_a_call_that_was_sent_when_the_server_was_killed_is_not_sent_again_by_itself(
    store: Any, tmp_path: Path
) -> None:
    with Shop(tmp_path, store("sent")) as shop:
        people = People(shop)
        assert people.begin("r1", code("three", 20))["status"] == "paused"
        people.decide(people.waiting()[0], action="approve")
        until(lambda: shop.lines("pay three"))
        shop.kill()
        shop.again()
        (asked,) = until(people.waiting)
        assert asked["callId"] == "call_3_again_1"
        assert "it may have been made already" in asked["rule"]
        assert shop.lines("pay three") == 1
        people.decide(asked, action="reject", reason="it was made, says the bank")
        result = people.result("r1")
        told = ["denied", "unknown", "a person denied pay: it was made, says the bank"]
        assert result["output"] == ["ada is here", told, 3], result
        assert [call["outcome"] for call in result["toolCalls"]] == ["ok", "ok", "unknown", "ok"]
        assert shop.lines("pay three") == 1


@pytest.mark.thorough
def test_a_run_that_is_cut_off_before_it_waits_names_the_writes_that_it_had_sent(
    store: Any, tmp_path: Path
) -> None:
    slowly = """
        await Promise.all([tools.find({ name: "ada" }), tools.note({ text: "cut" })]);
        await Promise.all([tools.linger({ text: "cut" }), tools.find({ name: "bob" })]);
    """
    with Shop(tmp_path, store("cut"), ONEHOP_TOOLS_TIMEOUT="60000") as shop:
        people = People(shop)
        ada = threading.Thread(target=_quietly, args=(people, "r1", slowly))
        ada.start()
        until(lambda: shop.lines("linger cut"))
        shop.kill()
        ada.join()
        shop.again()
        result = until(lambda: (found := people.result("r1")).get("error") and found)
        assert result["errorInfo"]["name"] == "Interrupted"
        facts = "tool", "effect", "outcome", "change"
        calls = {tuple(each[fact] for fact in facts) for each in result["toolCalls"]}
        sent = {("note", "write", "ok", "applied")}
        assert sent | {("linger", "destructive", "unknown", "unknown")} <= calls
        assert shop.lines("note cut") == shop.lines("linger cut") == 1


@pytest.mark.parametrize(
    "database",
    [PostgresServer, pytest.param(MongoServer, marks=pytest.mark.thorough)],
    ids=["postgresql", "mongodb"],
)
def test_a_server_whose_clock_is_ahead_takes_no_run_that_another_one_holds(
    database: Any, tmp_path: Path
) -> None:
    """By the clock of the database the lease of the run is not over, and its question lasts."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(CLOCK)
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT / "src")])}
    with database() as server:
        url = server.create("skewed")
        first = Shop(tmp_path / "a", url, ONEHOP_TOOLS_HOLD="60000")
        second = Shop(tmp_path / "b", url, AHEAD="120", **path)
        with first, second:
            people = People(first)
            ada = threading.Thread(target=_quietly, args=(people, "r1", code("skew")))
            ada.start()
            (asked,) = until(people.waiting, "a question", 90)
            time.sleep(3)  # the other one looks every second
            people.decide(asked, action="approve")
            ada.join()
            assert people.result("r1")["output"] == ["ada is here", "skew has 6 more", 3]
            assert _owners(url, "r1") == 1
            people.shop = second
            assert people.begin("r2", code("ahead"))["status"] == "paused"
            (asked,) = people.waiting()
            assert asked["expiresAt"] - time.time() * 1000 <= 86_400_000


def _owners(url: str, name: str) -> int:
    """How many servers have had a run, one after the other."""

    async def look() -> int:
        store = await open_store(AuditConfig(store=url))
        try:
            (kept,) = await store.kept_runs(request_id=name)
            return kept.fence
        finally:
            await store.aclose()

    return asyncio.run(look())


def _quietly(people: People, name: str, text: str) -> None:
    """Begin a run whose server is killed meanwhile."""
    with suppress(httpx2.HTTPError):
        people.begin(name, text)


@pytest.mark.thorough
def test_two_servers_on_one_database_go_on_with_each_run_once(
    postgresql_server: PostgresServer, tmp_path: Path
) -> None:
    """Each of many runs is paused by one of two servers; both look for what can go on."""
    url = postgresql_server.create("shared_runs")
    first, second = Shop(tmp_path / "a", url), Shop(tmp_path / "b", url, BOOK="")
    second._environment["BOOK"] = str(first.book)
    with first, second:
        people = People(first)
        other = People.__new__(People)
        other.shop, other._keys = second, people._keys
        names = [f"r{number}" for number in range(4)]
        for number, name in enumerate(names):
            who = (people, other)[number % 2]
            assert who.begin(name, code(name))["status"] == "paused"
        asked = people.waiting()
        assert len(asked) == 4
        with ThreadPoolExecutor(4) as threads:
            done = [
                threads.submit((people, other)[n % 2].decide, each, action="approve")
                for n, each in enumerate(asked)
            ]
            for each in done:
                each.result()
        results = [people.result(name) for name in names]
        assert all(result.get("success") for result in results), results
        for name in names:
            counts = [first.lines(f"{word} {name}") for word in ("note", "pay", "note end")]
            assert counts == [1, 1, 1]
