"""Two servers on one store: what each does is there at the other."""

from __future__ import annotations

import os
import select
import signal
import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from onehop.config import ServerConfig
from onehop.errors import ConfigError
from onehop.server.serving import listen, listen_together
from tests import copies
from tests.copies import ONEHOP
from tests.processes import children
from tests.server.served import Served, run, streaming
from tests.servers import PostgresServer
from tests.waiting import until


class Replica(Served):
    """One of several servers on a store that has a server of its own."""

    patience = 120.0  # of several processes, which start at the same time

    @property
    def store(self) -> str:
        return str(self._environment["ONEHOP_STORE"])


Pair = tuple[Replica, Replica]


MONGODB = pytest.param("mongodb", marks=pytest.mark.thorough)
"""Two servers more, for what tests/stores tries with it in each run."""


@pytest.fixture(scope="module", params=["postgresql", MONGODB])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two servers, each with a journal of its own."""
    url = request.getfixturevalue(f"{request.param}_server").create(f"pair_{uuid.uuid4().hex}")
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    first, second = (Replica(folder, ONEHOP_STORE=url) for folder in folders)
    with first, second:
        yield first, second


@pytest.fixture(scope="module")
def key(pair: Pair) -> str:
    """The key of an agent of both."""
    return pair[0].key("ada")


@pytest.fixture
def clients(pair: Pair, key: str) -> Iterator[tuple[httpx2.Client, httpx2.Client]]:
    """The same agent at each server."""
    with pair[0].client(key) as first, pair[1].client(key) as second:
        yield first, second


Clients = tuple[httpx2.Client, httpx2.Client]


def test_a_request_id_that_both_get_at_the_same_moment_runs_once(clients: Clients) -> None:
    code = "await new Promise(r => setTimeout(r, 50)); return Math.random()"
    names = [uuid.uuid4().hex for _ in range(6)]
    with ThreadPoolExecutor(12) as pool:
        calls = [
            [pool.submit(run, client, code, **{"X-Request-Id": name}) for client in clients]
            for name in names
        ]
        answers = [[call.result().json()["output"] for call in pair] for pair in calls]
    assert all(one == two and isinstance(one, float) for one, two in answers)
    found = until(lambda: _history(clients[1], names), "all are recorded")
    assert sorted(found) == sorted(names)


def _history(client: httpx2.Client, names: list[str]) -> list[str] | None:
    """Those of ``names`` that ran, once for each run, when all are on record."""
    body = client.get("/api/v1/executions", params={"limit": 100}).json()
    found = [each["requestId"] for each in body["executions"] if each["requestId"] in names]
    return found if set(found) == set(names) else None


def test_a_repeat_at_the_other_server_gets_the_first_result(clients: Clients) -> None:
    name = {"X-Request-Id": uuid.uuid4().hex}
    first = run(clients[0], "return Math.random()", **name).json()
    again = run(clients[1], "return 'never'", **name).json()
    assert again["output"] == first["output"]


def test_both_servers_give_the_same_history_and_statistics(clients: Clients) -> None:
    for client in clients:
        run(client, "return 1")

    def agree() -> bool:
        told = [
            [client.get(f"/api/v1/{what}").json() for what in ("executions", "agents/ada/stats")]
            for client in clients
        ]
        return bool(told[0] == told[1] and told[0][1]["totalExecutions"] >= 2)

    until(agree, "the same answers")


def test_a_revoked_key_opens_neither_server(pair: Pair) -> None:
    key = pair[0].key("eve")
    with pair[0].client(key) as one, pair[1].client(key) as two:
        assert run(one, "return 1").status_code == run(two, "return 1").status_code == 200
        pair[0].revoke("eve")
        for client in (one, two):
            until(partial(_is_refused, client), "it is refused")


def _is_refused(client: httpx2.Client) -> bool:
    return run(client, "return 1").status_code == 401


def test_the_feed_of_each_server_shows_the_runs_of_both(clients: Clients) -> None:
    names = [uuid.uuid4().hex for _ in clients]
    with streaming(clients[0], "/api/v1/events") as heard:
        for client, name in zip(clients, names, strict=True):
            run(client, "return 1", **{"X-Request-Id": name})
        seen = _completed(heard, names)
    assert set(names) <= set(seen)
    assert len(seen) == len(set(seen))


def _completed(heard: Iterator[dict[str, Any]], names: list[str]) -> list[str]:
    """The runs that have completed, until all of ``names`` have."""
    seen = list[str]()
    for event in heard:
        if event["event"] == "code:execution:completed":
            seen.append(event["data"]["data"]["requestId"])
        if set(names) <= set(seen):
            return seen
    raise AssertionError("the feed ended")


def test_a_reader_resumes_at_the_other_server_and_misses_nothing(clients: Clients) -> None:
    names = [uuid.uuid4().hex for _ in range(4)]
    with streaming(clients[0], "/api/v1/events") as heard:
        run(clients[1], "return 1", **{"X-Request-Id": names[0]})
        run(clients[0], "return 1", **{"X-Request-Id": names[1]})
        last = next(
            event["id"]
            for event in heard
            if event["event"] == "code:execution:started"
            and event["data"]["data"]["requestId"] == names[1]
        )
    for client, name in zip(clients, names[2:], strict=True):
        run(client, "return 1", **{"X-Request-Id": name})
    for client in reversed(clients):
        headers = {"Last-Event-ID": last}
        with streaming(client, "/api/v1/events", headers=headers) as heard:
            assert set(names[1:]) <= set(_completed(heard, names[1:]))


def test_the_rate_of_an_agent_is_counted_at_both_servers(pair: Pair) -> None:
    key = pair[0].key("bob", max_rate=8)
    with pair[0].client(key) as one, pair[1].client(key) as two:
        assert [run(one, "return 1").status_code for _ in range(9)] == [200] * 8 + [429]
        # A few may start at the other before it hears of these, but not eight of its own.
        answers = [run(two, "return 1").status_code for _ in range(8)]
        assert answers[-1] == 429
        assert run(one, "return 1").status_code == 429


def test_a_store_that_is_not_shared_is_refused_for_several_processes(tmp_path: Path) -> None:
    command = [*ONEHOP, "serve", "--workers", "2"]
    environment = Served(tmp_path).environment
    done = copies.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "PostgreSQL or MongoDB" in done.stderr


def _start(folder: Path, port: int, *options: str, **environment: str) -> tuple[int, str]:
    done = copies.run(
        [*ONEHOP, "serve", "--port", str(port), *options],
        env=Served(folder, **environment).environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=Replica.patience,
    )
    return done.returncode, done.stderr


@pytest.mark.thorough
def test_a_port_where_a_server_of_several_processes_listens_is_refused_to_any_other(
    postgresql_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgresql_server.create(f"alone_{uuid.uuid4().hex}")
    with Replica(tmp_path, "--workers", "2", ONEHOP_STORE=url) as server:
        port = urlsplit(server.url).port
        assert port is not None
        for options in (("--workers", "2"), ()):
            code, said = _start(tmp_path, port, *options, ONEHOP_STORE=url)
            assert code == 2, said
            assert f"port: {port} on 127.0.0.1 is in use" in said
    with Replica(tmp_path, "--port", str(port), "--workers", "2", ONEHOP_STORE=url) as again:
        assert urlsplit(again.url).port == port  # a restart finds its port free


@pytest.mark.thorough
def test_a_port_where_one_process_serves_is_refused_to_several(
    postgresql_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgresql_server.create(f"single_{uuid.uuid4().hex}")
    with Replica(tmp_path, ONEHOP_STORE=url) as server:
        port = urlsplit(server.url).port
        assert port is not None
        code, said = _start(tmp_path, port, "--workers", "2", ONEHOP_STORE=url)
        assert code == 2, said
        assert f"port: {port} on 127.0.0.1 is in use" in said


def test_processes_that_listen_together_all_get_clients_and_let_nobody_else_in() -> None:
    settings = ServerConfig(port=0, auth=False)
    crews = listen_together(settings, 3)
    port = crews[0][0].getsockname()[1]
    same = settings.model_copy(update={"port": port})
    try:
        for attempt in (listen, lambda each: listen_together(each, 2)):
            with pytest.raises(ConfigError, match="is in use"):
                attempt(same)
        clients = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(120)]
        readable, _, _ = select.select([crew[0] for crew in crews], [], [], 10)
        assert len(readable) == 3
    finally:
        for one in (each for crew in crews for each in crew):
            one.close()
    for client in clients:
        client.close()


# --- one server of two processes


@pytest.fixture(scope="module")
def crew(
    postgresql_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replica]:
    url = postgresql_server.create(f"crew_{uuid.uuid4().hex}")
    folder = tmp_path_factory.mktemp("crew")
    with Replica(folder, "--workers", "2", ONEHOP_STORE=url) as server:
        yield server


@pytest.fixture(scope="module")
def root(crew: Replica) -> str:
    return crew.key("root", "admin")


@pytest.mark.thorough
def test_an_agent_finds_its_session_whichever_process_it_reaches(crew: Replica, root: str) -> None:
    for agent in ("ada", "bob", "eve", "kim"):
        answers = []
        for code in ("let n = 1", "n += 1", "return n"):
            with crew.client(root, **{"X-Agent-Id": agent}) as client:  # another connection
                body = {"code": code, "session": "s"}
                answers.append(client.post("/api/v1/execute", json=body).json())
        assert answers[-1]["output"] == 2, answers


@pytest.mark.thorough
def test_the_metrics_of_both_are_one_text(crew: Replica, root: str) -> None:
    with crew.client(root) as client:
        for agent in ("ada", "bob", "eve", "kim"):
            run(client, "return 1", **{"X-Agent-Id": agent})
        told = list(text_string_to_metric_families(client.get("/metrics").text))
        assert client.get("/readyz").json() == {"status": "ready"}
    names = [family.name for family in told]
    assert len(names) == len(set(names))
    [runs] = [family for family in told if family.name == "onehop_executions"]
    processes = {each.labels["process"] for each in runs.samples}
    assert processes == {"0", "1"}
    assert sum(each.value for each in runs.samples if each.name.endswith("_total")) >= 4


@pytest.mark.thorough
def test_a_process_that_dies_is_replaced_and_all_stop_together(crew: Replica, root: str) -> None:
    before = children(crew.pid)
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)
    crew.logged(lambda line: "another starts in" in line.get("message", ""))

    def answers() -> bool:
        with suppress(httpx2.TransportError), crew.client(root) as client:
            codes = [
                run(client, "return 1", **{"X-Agent-Id": agent}).status_code
                for agent in ("ada", "bob", "eve", "kim")
            ]
            return codes == [200] * 4
        return False  # the process that began to listen is not so far yet

    until(answers, "every agent is served again", Replica.patience)
    after = children(crew.pid)
    assert len(after) == 2
    assert after != before
    crew.tell(signal.SIGTERM)
    assert crew.ended() == 0
    assert not [pid for pid in after if Path(f"/proc/{pid}").exists()]
