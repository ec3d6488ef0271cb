"""Who may call, and what two agents cannot do to each other."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import uuid

import httpx2
import pytest

from onehop.errors import (
    AgentChangedError,
    AgentExistsError,
    AgentNotFoundError,
    InvalidRequestError,
    StoreUnavailableError,
    UnauthorizedError,
)
from onehop.server.agents import Agents
from onehop.stores.base import AgentLimits, AgentRecord
from onehop.stores.memory import MemoryStore
from tests import copies
from tests.copies import ONEHOP
from tests.server.served import Served, run, streaming
from tests.server.test_api import error
from tests.waiting import PATIENCE, until

# --- credentials


def test_both_headers_carry_a_key(served: Served, ada: httpx2.Client) -> None:
    key = ada.headers["authorization"].split()[1]
    for headers in (
        {"Authorization": f"Bearer {key}"},
        {"authorization": f"bearer  {key}"},
        {"X-API-Key": key},
        {"X-API-Key": key, "Authorization": f"Bearer {key}"},
        {"X-API-Key": key, "Authorization": "Basic abc"},
        {"X-API-Key": key, "X-Agent-Id": "ada"},
    ):
        with served.client(**headers) as client:
            assert client.get("/api/v1/me").status_code == 200, headers


def test_a_wrong_key_opens_nothing(served: Served, ada: httpx2.Client) -> None:
    key = ada.headers["authorization"].split()[1]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    unknown = f"oh_{'0' * 16}_{'0' * 64}"
    for bad in ("", "x", wrong, unknown, key + "0", key.upper(), "oh__", "' OR 1=1 --"):
        with served.client(**{"X-API-Key": bad}) as client:
            response = client.get("/api/v1/me")
            error(response, 401, "unauthorized")
            assert response.headers["www-authenticate"].startswith("Bearer")
    with served.client() as nobody:
        error(nobody.get("/api/v1/me"), 401, "unauthorized")
        error(nobody.get(f"/api/v1/me?key={key}"), 401, "unauthorized")
        error(run(nobody, "return 1"), 401, "unauthorized")
        error(nobody.get("/api/v1/events"), 401, "unauthorized")


def test_two_different_keys_are_refused(
    served: Served, ada: httpx2.Client, bob: httpx2.Client
) -> None:
    one = ada.headers["authorization"]
    other = bob.headers["authorization"].split()[1]
    with served.client(**{"Authorization": one, "X-API-Key": other}) as client:
        error(client.get("/api/v1/me"), 400, "ambiguous_credentials")
    twice = [("X-API-Key", other), ("X-API-Key", one.split()[1])]
    error(httpx2.get(f"{served.url}/api/v1/me", headers=twice), 400, "ambiguous_credentials")
    names = [("X-API-Key", other), ("X-Agent-Id", "bob"), ("X-Agent-Id", "ada")]
    error(httpx2.get(f"{served.url}/api/v1/me", headers=names), 400, "ambiguous_credentials")


def test_an_agent_cannot_be_another(ada: httpx2.Client) -> None:
    error(run(ada, "return 1", **{"X-Agent-Id": "bob"}), 403, "forbidden")
    error(ada.get("/api/v1/me", headers={"X-Agent-Id": "bob"}), 403, "forbidden")


def test_a_revoked_key_opens_nothing_within_a_second(served: Served) -> None:
    with served.client(served.key("leaver")) as client:
        assert client.get("/api/v1/me").status_code == 200
        served.revoke("leaver")  # by another process
        since = time.monotonic()
        until(lambda: client.get("/api/v1/me").status_code == 401, "the key has stopped working")
        assert time.monotonic() - since < 1
        error(run(client, "return 1"), 401, "unauthorized")


# --- two agents


def test_an_admin_changes_what_an_agent_may_ask_for(served: Served) -> None:
    path = "/api/v1/agents/eager"
    with (
        served.client(served.key("eager", max_rate=100)) as agent,
        served.client(served.key("chief", "admin")) as chief,
    ):
        limits = {"maxRuns": None, "maxRate": 1, "maxBody": None}
        answer = chief.patch(path, json={"limits": {"maxRate": 1}, "was": {"maxRate": 100}})
        assert answer.json()["limits"] == limits
        assert run(agent, "return 1").status_code == 200
        error(run(agent, "return 1"), 429, "rate_limited")
        served.logged(lambda line: "chief has changed the limits of agent eager" in str(line))
        late = chief.patch(path, json={"limits": {"maxRate": 9}, "was": {"maxRate": 100}})
        error(late, 409, "changed")
        error(chief.patch(path, json={"limits": {"maxRate": 0}}), 400, "invalid_request")
        error(chief.patch(path, json={"limits": {"maxRite": 5}}), 400, "invalid_request")
        error(chief.patch(f"{path}-not", json={"limits": {}}), 404, "not_found")
        error(agent.patch(path, json={"limits": {"maxRate": None}}), 403, "forbidden")
        listed = {each["agentId"]: each for each in chief.get("/api/v1/agents").json()["agents"]}
        assert listed["eager"]["limits"] == limits


def test_agents_do_not_see_each_others_runs(ada: httpx2.Client, bob: httpx2.Client) -> None:
    secret = uuid.uuid4().hex
    response = run(ada, f"return ('{secret}' + ' ').repeat(200_000)")
    name, digest = response.headers["x-request-id"], response.json()["codeHash"]
    for part in ("", "/output", "/stream"):
        unknown = bob.get(f"/api/v1/executions/{uuid.uuid4().hex}{part}")
        found = error(bob.get(f"/api/v1/executions/{name}{part}"), 404, "not_found")
        assert found["message"] == unknown.json()["error"]["message"]
    assert bob.get(f"/api/v1/code/{digest}").json() == {"executions": []}
    run(bob, "return 'bobs own'")
    for address in (
        "executions",
        "trends",
        "analytics/slowest",
        "analytics/repeated-code",
        "agents/bob/stats",
        "agents/bob/failures",
    ):
        text = bob.get(f"/api/v1/{address}").text
        assert secret not in text, address
        assert '"ada"' not in text, address
    for address in (
        "executions?agentId=ada",
        "agents/ada/stats",
        "agents/ada/failures",
        "trends?agentId=ada",
        "analytics/slowest?agentId=ada",
        "events?agentId=ada",
    ):
        error(bob.get(f"/api/v1/{address}"), 403, "forbidden")


def test_agents_do_not_get_each_others_results_by_a_request_id(
    ada: httpx2.Client, bob: httpx2.Client
) -> None:
    name = uuid.uuid4().hex
    assert run(ada, "return 'adas'", **{"X-Request-Id": name}).json()["output"] == "adas"
    assert run(bob, "return 'bobs'", **{"X-Request-Id": name}).json()["output"] == "bobs"
    for who, output in ((ada, "adas"), (bob, "bobs")):
        assert who.get(f"/api/v1/executions/{name}").json()["output"] == output


def test_agents_do_not_watch_each_others_runs(ada: httpx2.Client, bob: httpx2.Client) -> None:
    name = uuid.uuid4().hex
    code = "console.log('a'); await new Promise(r => setTimeout(r, 400)); return 1"
    headers = {"Accept": "text/event-stream", "X-Request-Id": name}
    options = {"method": "POST", "json": {"code": code}, "headers": headers}
    with streaming(ada, "/api/v1/execute", **options) as own:
        next(own)
        error(bob.get(f"/api/v1/executions/{name}/stream"), 404, "not_found")
        assert run(bob, "return 2", **{"X-Request-Id": name}).json()["output"] == 2
        assert list(own)[-1]["data"]["success"] is True


def test_agents_do_not_hear_of_each_other(ada: httpx2.Client, bob: httpx2.Client) -> None:
    with streaming(bob, "/api/v1/events") as heard:
        run(ada, "return 1")
        run(bob, "return 2")
        seen = [next(heard) for _ in range(4)]
    assert {each["data"]["agentId"] for each in seen} == {"bob"}


# --- the service itself


class Away(MemoryStore):
    """A store that can go away."""

    away = False

    async def find_agent(self, key_id: str) -> AgentRecord | None:
        if self.away:
            raise StoreUnavailableError("memory:", "it is away")
        return await super().find_agent(key_id)


async def test_a_good_key_outlives_an_outage_for_a_while() -> None:
    now, store = [0.0], Away()
    agents = Agents(store, grace=60, clock=lambda: now[0])
    known = (await agents.add("known")).key
    stranger = (await agents.add("stranger")).key
    await agents.authenticate(known)
    store.away = True
    now[0] = 59
    assert (await agents.authenticate(known)).agent_id == "known"
    with pytest.raises(StoreUnavailableError):
        await agents.authenticate(stranger)
    now[0] = 61
    with pytest.raises(StoreUnavailableError):
        await agents.authenticate(known)


class Slow(MemoryStore):
    """A store that takes its time, or answers nothing, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def find_agent(self, key_id: str) -> AgentRecord | None:
        self.asked += 1
        await asyncio.sleep(0.15)
        await self.answers.wait()
        return await super().find_agent(key_id)


async def test_a_key_in_use_is_known_without_asking_when_it_is_used_again() -> None:
    store = Slow()
    agents = Agents(store)
    made = await agents.add("ada")
    await agents.authenticate(made.key)
    await asyncio.sleep(1.5)  # longer than an answer is believed
    store.answers.clear()
    async with asyncio.timeout(PATIENCE):
        assert (await agents.authenticate(made.key)).agent_id == "ada"
    store.answers.set()
    await Agents(store).revoke("ada")  # as another process would
    await asyncio.sleep(1)
    with pytest.raises(UnauthorizedError):
        await agents.authenticate(made.key)
    agents.rest()
    asked = store.asked
    await asyncio.sleep(1)
    assert store.asked - asked <= 1  # a question may have been on its way


async def test_a_change_counts_at_once_in_its_own_process() -> None:
    agents = Agents(MemoryStore())
    made = await agents.add("ada")
    await agents.authenticate(made.key)
    await agents.revoke("ada")
    with pytest.raises(UnauthorizedError):
        await agents.authenticate(made.key)


async def test_other_processes_heed_new_limits_within_a_second() -> None:
    store = MemoryStore()
    agents, others = Agents(store), Agents(store)
    made = await agents.add("ada", max_runs=5, max_body=10)
    await others.authenticate(made.key)
    changed = await agents.set_limits(
        "ada", {"max_runs": 2, "max_rate": 60, "max_body": None}, by="root"
    )
    assert changed.limits == AgentLimits(max_runs=2, max_rate=60)
    assert (await agents.authenticate(made.key)).limits == changed.limits
    await asyncio.sleep(1)
    assert (await others.authenticate(made.key)).limits == changed.limits
    others.rest()
    agents.rest()


async def test_limits_are_changed_by_one_at_a_time() -> None:
    agents = Agents(MemoryStore())
    await agents.add("ada", max_runs=5)
    with pytest.raises(AgentChangedError):
        await agents.set_limits("ada", {"max_runs": 2}, was=AgentLimits(max_runs=4), by="root")
    known = AgentLimits(max_runs=5)
    changed = await agents.set_limits("ada", {"max_runs": 2}, was=known, by="root")
    assert changed.max_runs == 2
    with pytest.raises(InvalidRequestError, match="max_runs"):
        await agents.set_limits("ada", {"max_runs": 0}, by="root")
    with pytest.raises(AgentNotFoundError):
        await agents.set_limits("bob", {"max_runs": 1}, by="root")


async def test_only_the_hash_of_a_key_is_kept() -> None:
    store = MemoryStore()
    made = await Agents(store).add("ada")
    secret = made.key.rpartition("_")[2]
    assert len(bytes.fromhex(secret)) == 32
    assert secret not in repr(vars(store)) + repr(made)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 129, "a/b", "ä", "a\n"])
async def test_an_agent_needs_a_plain_name(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="agent_id"):
        await Agents(MemoryStore()).add(name)


async def test_a_name_is_given_once() -> None:
    agents = Agents(MemoryStore())
    await agents.add("ada")
    with pytest.raises(AgentExistsError):
        await agents.add("ada")


# --- the command line


def command(served: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    return copies.run(
        [*ONEHOP, "agents", *arguments],
        env=served.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.thorough
def test_agents_are_kept_by_the_command_line(served: Served) -> None:
    made = command(served, "add", "carl", "--role", "viewer", "--max-runs", "3")
    assert made.returncode == 0, made.stderr
    with served.client(made.stdout.strip()) as client:
        assert client.get("/api/v1/me").json()["limits"]["maxRuns"] == 3
        again = command(served, "add", "carl")
        assert (again.returncode, again.stdout) == (2, "")
        assert "exists already" in again.stderr
        new = command(served, "rotate", "carl").stdout.strip()
        with served.client(new) as renewed:
            assert renewed.get("/api/v1/me").json()["role"] == "viewer"
            assert command(served, "revoke", "carl").returncode == 0
            until(lambda: renewed.get("/api/v1/me").status_code == 401, "the key is revoked")
    listed = command(served, "list").stdout
    assert "carl" in listed
    assert "revoked" in listed
    assert "oh_" not in listed
    unknown = command(served, "revoke", "carl")
    assert (unknown.returncode, unknown.stdout) == (2, "")


def test_the_command_line_shows_and_changes_limits(served: Served) -> None:
    served.key("dora", max_runs=7)
    assert command(served, "limits", "dora").stdout.split() == [
        *("max_runs", "7", "max_rate", "default", "max_body", "default")
    ]
    done = command(served, "limits", "dora", "--max-runs", "default", "--max-rate", "60", "--json")
    assert json.loads(done.stdout) == {"maxRuns": None, "maxRate": 60, "maxBody": None}
    assert json.loads(command(served, "limits", "dora", "--json").stdout)["maxRate"] == 60
    wrong = command(served, "limits", "dora", "--max-rate", "many")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert 'from 1 on, or "default"' in wrong.stderr
    assert command(served, "limits", "nobody", "--max-rate", "1").returncode == 2
