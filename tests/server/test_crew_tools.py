"""One server of two processes, with tools from a file, an MCP server and an API, and with people
who decide: what one process knows or pauses, the other one knows and goes on with."""

from __future__ import annotations

import os
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest

from tests.openapi.running import api_server
from tests.processes import children
from tests.server.test_replicas import Replica
from tests.servers import PostgresServer
from tests.upstreams.running import free_port, http_server
from tests.waiting import until

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(300)]

TOOLS = '''
import asyncio, os
from onehop import tool

def written(line: str) -> int:
    with open(os.environ["BOOK"], "a") as book:
        book.write(line + "\\n")
    return os.getpid()

@tool
def note(text: str) -> int:
    """Write something down; gives the process."""
    return written(f"note {text}")

@tool
async def linger(text: str) -> int:
    """Write something down, and take a while."""
    process = written(f"linger {text}")
    await asyncio.sleep(60)
    return process

@tool
def pay(to: str) -> int:
    """Pay somebody; gives the process."""
    return written(f"pay {to}")
'''
AGENTS = ("ada", "bob", "eve", "kim", "lea", "max")
PAYS = "return [await tools.note({ text: context.who }), await tools.pay({ to: context.who })]"


class Crew(Replica):
    """Two processes with tools of all kinds."""

    def __init__(self, folder: Path, store: str, mcp: str, api: str) -> None:
        (folder / "tools.py").write_text(TOOLS)
        (folder / "onehop.toml").write_text(
            f'[upstream.up]\nurl = "{mcp}"\nshared = true\n'
            f'[upstream.shop]\nopenapi = "{api}/openapi.json"\nprivate = true\n'
        )
        self.book = folder / "book"
        self.book.touch()
        settings = {
            "ONEHOP_STORE": store,
            "ONEHOP_CONFIG": str(folder / "onehop.toml"),
            "ONEHOP_TOOLS_ASK": "pay",
            "ONEHOP_TOOLS_APPROVALS": "true",
            "ONEHOP_TOOLS_HOLD": "300",
            "ONEHOP_TOOLS_TIMEOUT": "120000",
            "ONEHOP_RECORDING_KEY": "a key that both have",
            "BOOK": str(self.book),
        }
        super().__init__(folder, "--workers", "2", "--tools", str(folder / "tools.py"), **settings)

    @property
    def lines(self) -> Counter[str]:
        return Counter(self.book.read_text().splitlines())


@pytest.fixture(scope="module")
def crew(
    postgresql_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crew]:
    url = postgresql_server.create(f"crew_tools_{uuid.uuid4().hex}")
    with (
        http_server(free_port()) as mcp,
        api_server() as api,
        Crew(tmp_path_factory.mktemp("crew"), url, mcp, api) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def keys(crew: Crew) -> dict[str, str]:
    return {"root": crew.key("root", "admin"), "ann": crew.key("ann", "approver")}


def begin(crew: Crew, key: str, agent: str, code: str, name: str) -> dict[str, Any]:
    """What a run of this agent's is answered, over a connection of its own."""
    headers = {"X-Agent-Id": agent, "X-Request-Id": name}
    with crew.client(key, **headers) as client:
        body = {"code": code, "context": {"who": name}, "timeout": 20_000}
        return dict(client.post("/api/v1/execute", json=body).json())


def waiting(crew: Crew, key: str) -> list[dict[str, Any]]:
    with crew.client(key) as client:
        return list(client.get("/api/v1/approvals").json()["approvals"])


def approve(crew: Crew, key: str, asked: dict[str, Any]) -> None:
    body = {"runId": asked["runId"], "decisions": {asked["callId"]: {"action": "approve"}}}
    with crew.client(key) as client:
        assert client.post("/api/v1/approvals", json=body).status_code == 200


def test_a_decision_at_either_process_lets_each_run_go_on_once(
    crew: Crew, keys: dict[str, str]
) -> None:
    for agent in AGENTS:
        answer = begin(crew, keys["root"], agent, PAYS, agent)
        assert answer["status"] == "paused", answer
    asked = waiting(crew, keys["ann"])
    assert {each["agentId"] for each in asked} == set(AGENTS)
    for each in asked:
        approve(crew, keys["ann"], each)
    processes = set[int]()
    for agent in AGENTS:
        result = until(partial(_again, crew, keys["root"], agent, agent))
        assert result["success"], result
        processes |= set(result["output"])
    assert processes <= children(crew.pid)
    wanted = {f"{word} {agent}": 1 for word in ("note", "pay") for agent in AGENTS}
    assert crew.lines == Counter(wanted)


def test_a_tool_that_comes_at_an_upstream_is_known_to_both(
    crew: Crew, keys: dict[str, str]
) -> None:
    made = begin(crew, keys["root"], "ada", 'return tools.up.grow({ name: "tulip" })', "grow")
    assert made["success"], made
    code = "return ['tulip' in tools.up, (await tools.shop.list()).$http.status]"

    def known() -> bool:
        numbers = range(len(AGENTS))
        found = [begin(crew, keys["root"], AGENTS[n], code, uuid.uuid4().hex) for n in numbers]
        return all(each["output"] == [True, 200] for each in found)

    until(known, "every agent, whichever process it reaches, has the tool")


def test_runs_of_a_process_that_is_killed_end_in_a_true_state(
    crew: Crew, keys: dict[str, str]
) -> None:
    answer = begin(crew, keys["root"], "ada", PAYS, "waits")
    assert answer["status"] == "paused", answer
    slow = "return tools.linger({ text: context.who })"
    names = [f"slow-{agent}" for agent in AGENTS]
    calls = [
        Thread(target=_quietly, args=(crew, keys["root"], agent, slow, name))
        for agent, name in zip(AGENTS, names, strict=True)
    ]
    for call in calls:
        call.start()
    until(lambda: all(crew.lines[f"linger {name}"] for name in names), "all writes are sent")
    for process in children(crew.pid):
        os.kill(process, signal.SIGKILL)
    for call in calls:
        call.join()
    for agent, name in zip(AGENTS, names, strict=True):
        result = until(partial(_known, crew, keys["root"], agent, name))
        assert result["errorInfo"]["name"] == "Interrupted", result
        [sent] = result["toolCalls"]
        assert (sent["tool"], sent["outcome"]) == ("linger", "unknown")
        assert crew.lines[f"linger {name}"] == 1
    [asked] = until(lambda: waiting(crew, keys["ann"]))
    approve(crew, keys["ann"], asked)
    result = until(partial(_again, crew, keys["root"], "ada", "waits"))
    assert result["success"], result
    assert crew.lines["note waits"] == crew.lines["pay waits"] == 1


def _quietly(crew: Crew, key: str, agent: str, code: str, name: str) -> None:
    """Begin a run whose process is killed meanwhile."""
    with suppress(httpx2.HTTPError, ValueError):
        begin(crew, key, agent, code, name)


def _again(crew: Crew, key: str, agent: str, name: str) -> dict[str, Any] | None:
    """The result of a run that was paused, once it has ended."""
    return _ended(begin(crew, key, agent, PAYS, name))


def _known(crew: Crew, key: str, agent: str, name: str) -> dict[str, Any] | None:
    """The result that is on record."""
    with crew.client(key, **{"X-Agent-Id": agent}) as client:
        return _ended(client.get(f"/api/v1/executions/{name}?wait=1000").json())


def _ended(answer: dict[str, Any]) -> dict[str, Any] | None:
    return answer if answer.get("status") in ("completed", "failed") else None
