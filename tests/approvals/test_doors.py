"""Who may see and decide what waits: over HTTP, by the client, and from the command line."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

import httpx2
import pytest

from onehop import Approve, Edit, InvalidRequestError, Reject, SyncAgentClient
from onehop.errors import ApprovalNotFoundError, PermissionDeniedError
from tests import copies
from tests.cli.terminal import Terminal
from tests.copies import ONEHOP
from tests.server.served import Served, run
from tests.waiting import until

SHOP = '''
from onehop import tool

@tool
def pay(to: str, amount: float) -> str:
    """Pay somebody."""
    return f"{to} has {amount:g} more"
'''
PAY = "return await tools.pay({ to: 'ada', amount: 6 }).catch((e) => [e.code, e.message])"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose one tool asks."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    settings = {"ONEHOP_TOOLS_ASK": "pay", "ONEHOP_TOOLS_APPROVALS": "true"}
    settings["ONEHOP_TOOLS_HOLD"] = "120000"  # commands may be slow
    with Served(folder, "--tools", str(folder / "shop.py"), **settings) as server:
        yield server


def client_of(shop: Served, name: str, role: str = "agent") -> httpx2.Client:
    return shop.client(shop.key(name, role))


@pytest.fixture(scope="module")
def ada(shop: Served) -> Iterator[httpx2.Client]:
    with client_of(shop, "ada") as client:
        client.timeout = httpx2.Timeout(150)
        yield client


@pytest.fixture(scope="module")
def ann(shop: Served) -> Iterator[httpx2.Client]:
    """Who may decide."""
    with client_of(shop, "ann", "approver") as client:
        yield client


class Running:
    """A run of ada's that waits for a person."""

    def __init__(self, ada: httpx2.Client, code: str = PAY) -> None:
        self.answer: dict[str, Any] = {}
        self._thread = threading.Thread(target=lambda: self._run(ada, code))
        self._thread.start()
        self.waiting = self._waits(ada)

    def _run(self, ada: httpx2.Client, code: str) -> None:
        self.answer = run(ada, code).json()

    @staticmethod
    def _waits(ada: httpx2.Client) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found: list[dict[str, Any]] = ada.get("/api/v1/approvals").json()["approvals"]
            if found:
                return found[0]
        raise AssertionError("nothing waits")

    def output(self) -> Any:
        self._thread.join(60)
        return self.answer["output"]


def decide(client: httpx2.Client, waiting: dict[str, Any], **decision: Any) -> httpx2.Response:
    body = {"runId": waiting["runId"], "decisions": {waiting["callId"]: decision}}
    return client.post("/api/v1/approvals", json=body)


def test_an_approver_sees_what_waits_and_decides(ada: httpx2.Client, ann: httpx2.Client) -> None:
    running = Running(ada)
    (seen,) = ann.get("/api/v1/approvals").json()["approvals"]
    assert seen == running.waiting
    assert (seen["tool"], seen["agentId"], seen["rule"]) == ("pay", "ada", "ask pay")
    assert seen["arguments"] == {"to": "ada", "amount": 6}
    wrong = decide(ann, seen, action="edit", arguments={"to": "bob"})
    assert wrong.status_code == 400
    told = "arguments.amount: got nothing; it must be a number"
    assert told in wrong.json()["error"]["message"]
    stands = decide(ann, seen, action="edit", arguments={"to": "bob", "amount": 2})
    assert stands.json()["decisions"]["call_1"]["status"] == "edited"
    again = decide(ann, seen, action="reject")
    assert again.json() == stands.json()
    assert running.output() == "bob has 2 more"


def test_of_two_people_who_decide_at_once_one_is_heard_and_both_are_told_the_same(
    shop: Served, ada: httpx2.Client, ann: httpx2.Client
) -> None:
    running = Running(ada)
    given = [{"action": "approve"}, {"action": "reject", "reason": "no"}] * 4
    with client_of(shop, "abe", "approver") as abe, ThreadPoolExecutor(8) as threads:
        clients = [(ann, abe)[number % 2] for number in range(8)]
        told = [
            threads.submit(decide, client, running.waiting, **each)
            for client, each in zip(clients, given, strict=True)
        ]
        stand = [each.result().json() for each in told]
    assert all(each == stand[0] for each in stand)
    stands = stand[0]["decisions"]["call_1"]
    assert stands["status"] in ("approved", "denied")
    paid = stands["status"] == "approved"
    assert running.output() == ("ada has 6 more" if paid else ["denied", "a person denied pay: no"])


def test_no_key_of_an_agent_decides(shop: Served, ada: httpx2.Client, ann: httpx2.Client) -> None:
    running = Running(ada)
    with client_of(shop, "eve") as eve, client_of(shop, "vic", "viewer") as viewer:
        assert eve.get("/api/v1/approvals").json() == {"approvals": []}
        assert eve.get("/api/v1/approvals?agentId=ada").status_code == 403
        assert len(viewer.get("/api/v1/approvals").json()["approvals"]) == 1
        for client in (ada, eve, viewer):
            assert decide(client, running.waiting, action="approve").status_code == 403
    with shop.client(shop.key("root", "admin"), **{"X-Agent-Id": "ada"}) as as_ada:
        assert decide(as_ada, running.waiting, action="approve").status_code == 403
    assert run(ann, "return 1").status_code == 403
    assert decide(ann, running.waiting, action="reject", reason="no").status_code == 200
    assert running.output() == ["denied", "a person denied pay: no"]


def test_what_does_not_wait_cannot_be_decided(ann: httpx2.Client) -> None:
    unknown = {"runId": "0" * 32, "callId": "call_1"}
    assert decide(ann, unknown, action="approve").status_code == 404
    assert decide(ann, unknown, action="maybe").status_code == 400
    assert ann.post("/api/v1/approvals", json={"runId": "x", "decisions": {}}).status_code == 400


def test_the_client_shows_and_decides(shop: Served, ada: httpx2.Client) -> None:
    key = shop.key("amy", "approver")
    running = Running(ada)
    with SyncAgentClient(server_url=shop.url, api_key=key) as client:
        (waiting,) = client.approvals()
        assert json.loads(waiting.arguments) == {"to": "ada", "amount": 6}
        with pytest.raises(InvalidRequestError):
            client.decide(waiting.run_id, {waiting.call_id: Edit({"to": 1})})
        with pytest.raises(ApprovalNotFoundError):
            client.decide(waiting.run_id, {"call_7": Approve()})
        stand = client.decide(waiting.run_id, {waiting.call_id: Approve()})
        assert (stand["call_1"].status, stand["call_1"].decided_by) == ("approved", "amy")
        assert running.output() == "ada has 6 more"
        assert client.approvals() == []
    own = ada.headers["authorization"].split()[1]
    with (
        SyncAgentClient(server_url=shop.url, api_key=own) as agent,
        pytest.raises(PermissionDeniedError),
    ):
        agent.decide(waiting.run_id, {"call_1": Reject()})


def approvals(shop: Served, *words: str) -> subprocess.CompletedProcess[str]:
    return copies.run(
        [*ONEHOP, "approvals", *words],
        env=shop.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_command_line_shows_and_decides(shop: Served, ada: httpx2.Client) -> None:
    command = partial(approvals, shop)
    running = Running(ada)
    run_id = running.waiting["runId"]
    (listed,) = json.loads(command("list", "--json").stdout)
    assert (listed["runId"], listed["arguments"]) == (run_id, {"to": "ada", "amount": 6})
    assert "pay" in command("list").stdout
    assert command("approve", "0" * 32).returncode == 2
    denied = command("deny", run_id, "--reason", "not today", "--by", "carl")
    assert denied.returncode == 0, denied.stderr
    assert 'call_1  pay  {"to": "ada", "amount": 6}' in denied.stderr
    assert running.output() == ["denied", "a person denied pay: not today"]
    late = command("approve", run_id, "call_1")
    assert (late.returncode, "denied" in late.stdout, "carl" in late.stdout) == (1, True, True)
    assert "denied" in command("show", run_id).stdout


def test_a_run_of_the_command_line_that_waits_says_how_to_decide_and_does_not_look_done(
    shop: Served,
) -> None:
    settings = {**shop.environment, "ONEHOP_TOOLS_HOLD": "100"}
    words = ("run", "-c", PAY, "--tools", str(shop.folder / "shop.py"))
    done = copies.run(
        [*ONEHOP, *words], env=settings, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"pay \(call_1\) waits for a person: onehop approvals approve \w", done.stderr)
    assert "paused: a person must decide about pay (call_1)" in done.stderr
    command = re.search(r"onehop (approvals approve [0-9a-f]{32})", done.stderr)
    shown = re.search(r"onehop (show [0-9a-f]{32})", done.stderr)
    assert command
    assert shown
    assert approvals(shop, *command[1].split()[1:]).returncode == 0
    until(lambda: "ada has 6 more" in _told(shop, *shown[1].split()), "the rest of the run")


def _told(shop: Served, *words: str) -> str:
    done = copies.run(
        [*ONEHOP, *words], env=shop.environment, capture_output=True, text=True, timeout=30
    )
    return str(done.stdout)


@pytest.mark.thorough
def test_the_command_line_says_what_was_decided_already(
    shop: Served, ada: httpx2.Client, ann: httpx2.Client
) -> None:
    running = Running(ada)
    run_id = running.waiting["runId"]
    listed = approvals(shop, "list").stdout
    day = datetime.fromtimestamp(running.waiting["expiresAt"] / 1000).date().isoformat()
    assert day in listed  # until when it waits, with the date
    decide(ann, running.waiting, action="reject")
    assert running.output()[0] == "denied"
    for call in ((), ("call_1",)):
        again = approvals(shop, "approve", run_id, *call)
        assert again.returncode == 1, again.stderr
        assert "pay (call_1) was denied by ann at 20" in again.stderr
    assert approvals(shop, "deny", run_id).returncode == 0
    unknown = approvals(shop, "approve", "0" * 32)
    assert unknown.returncode == 2
    assert "is known" in unknown.stderr


@pytest.mark.sample(1)
@pytest.mark.parametrize(("words", "keys"), [((), "y"), (("--yes",), "")])
def test_a_person_at_a_terminal_sees_the_calls_before_they_are_decided(
    shop: Served, ada: httpx2.Client, words: tuple[str, ...], keys: str
) -> None:
    running = Running(ada)
    command = ("approvals", "approve", running.waiting["runId"])
    with Terminal(*command, environment=shop.environment) as terminal:
        terminal.wait("Approve this call? [y/N]")
        assert 'call_1  pay  {"to": "ada", "amount": 6}' in terminal.text
        terminal.press("\r")  # no
        assert terminal.ended() == 1
    with Terminal(*command, *words, environment=shop.environment) as terminal:
        if keys:
            terminal.wait("[y/N]")
            terminal.press(f"{keys}\r")
        assert terminal.ended() == 0
        assert ("[y/N]" in terminal.text) == bool(keys)
        assert 'call_1  pay  {"to": "ada", "amount": 6}' in terminal.text
    assert running.output() == "ada has 6 more"


def test_a_call_that_comes_while_a_person_looks_is_not_decided_with_the_others(
    shop: Served, ada: httpx2.Client, ann: httpx2.Client
) -> None:
    pay = "const pay = (amount) => tools.pay({ to: 'ada', amount }).catch((e) => e.code);"
    running = Running(ada, f"{pay} return Promise.all([pay(1).then(() => pay(1000)), pay(2)])")
    run_id = running.waiting["runId"]
    waiting = partial(ada.get, "/api/v1/approvals")
    until(lambda: len(waiting().json()["approvals"]) == 2, "both calls")
    with Terminal("approvals", "approve", run_id, environment=shop.environment) as terminal:
        terminal.wait("Approve these 2 calls? [y/N]")
        decide(ann, running.waiting, action="approve")
        until(lambda: _ids(waiting()) == {"call_2", "call_3"}, "the call of 1000")
        terminal.press("y\r")
        assert terminal.ended() == 0
    assert _ids(waiting()) == {"call_3"}
    decide(ann, {"runId": run_id, "callId": "call_3"}, action="reject")
    assert running.output() == ["denied", "ada has 2 more"]


def _ids(answer: httpx2.Response) -> set[str]:
    return {each["callId"] for each in answer.json()["approvals"]}
