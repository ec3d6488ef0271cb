"""Sessions at the command line: of a run of its own, and of a server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import copies
from tests.copies import ONEHOP
from tests.server.served import Served

COUNT = "const n = (await store.get('n') ?? 0) + 1; await store.set('n', n); return n"


def onehop(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [*ONEHOP, *words]
    return copies.run(
        command, capture_output=True, text=True, env={**os.environ, **env}, check=False
    )


def test_what_a_session_stores_is_there_in_the_next_run(tmp_path: Path) -> None:
    env = {
        "ONEHOP_STORE": f"sqlite:///{tmp_path / 'onehop.db'}",
        "ONEHOP_JOURNAL": str(tmp_path / "journal"),
    }
    assert onehop("run", "--session", "one", COUNT, **env).stdout == "1\n"
    again = onehop("run", "--session", "one", COUNT, **env)
    assert again.stdout == "2\n"
    assert (
        "It has lost n and what was set on globalThis; what store keeps is still there"
        in again.stderr
    )
    assert onehop("run", "--session", "two", COUNT, **env).stdout == "1\n"
    refused = onehop("run", "--session", "one", "--no-record", COUNT, **env)
    assert refused.returncode == 2
    assert "what a session stores is kept with the history" in refused.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.mark.thorough
def test_its_owner_and_an_admin_list_and_end_a_session(server: Served) -> None:
    ada, eve, root = (server.key(*who) for who in (("ada",), ("eve",), ("root", "admin")))
    with server.client(ada) as client:
        body = {"code": "let a = 1; function b() {}", "session": "mine"}
        assert client.post("/api/v1/execute", json=body).json()["success"]

    def sessions(key: str, *words: str) -> subprocess.CompletedProcess[str]:
        return onehop("sessions", *words, "--url", server.url, AGENT_API_KEY=key)

    (seen,) = json.loads(sessions(ada, "list", "--json").stdout)
    assert (seen["agentId"], seen["session"], seen["names"]) == ("ada", "mine", ["a", "b"])
    assert "mine" in sessions(root, "list", "--agent", "ada").stdout
    assert sessions(eve, "list").stderr == "No session is known.\n"
    assert "sees its own sessions only" in sessions(eve, "list", "--agent", "ada").stderr
    assert sessions(eve, "end", "mine").returncode == 2
    assert sessions(eve, "end", "mine", "--agent", "ada").returncode == 3
    assert sessions(root, "end", "mine", "--agent", "ada").returncode == 0
    assert sessions(ada, "list", "--json").stdout == "[]\n"
