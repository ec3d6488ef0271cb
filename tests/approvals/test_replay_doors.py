"""Replay from the command line, over HTTP and as a test: the same answers, and no tool."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from onehop import SyncAgentClient
from onehop.errors import ExecutionNotFoundError, PermissionDeniedError
from tests import copies
from tests.copies import ONEHOP
from tests.server.served import Served, run

SHOP = '''
from onehop import tool

@tool(effect="read")
def find(name: str) -> str:
    """Find somebody."""
    return f"{name} is here"
'''
CODE = "return [await tools.find({ name: 'ada' }), Math.random(), Date.now()]"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that keeps what every run is answered."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    key = "a key of at least so many letters"
    settings = {"ONEHOP_RECORDING": "all", "ONEHOP_RECORDING_KEY": key, "ONEHOP_POOL_SIZE": "1"}
    with Served(folder, "--tools", str(folder / "shop.py"), **settings) as server:
        with server.client(server.key("ada")) as ada:
            assert run(ada, CODE, **{"X-Request-Id": "r1"}).json()["success"]
        yield server


def onehop(shop: Served, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*ONEHOP, *words]
    return copies.run(
        command, env=shop.environment, capture_output=True, text=True, timeout=100, check=False
    )


def test_an_admin_has_a_run_replayed_and_nobody_else_does(shop: Served) -> None:
    root, eve = shop.key("root", "admin"), shop.key("eve")
    with SyncAgentClient(api_key=root, server_url=shop.url) as admin:
        replay = admin.replay("r1")
        assert (replay.same, replay.difference, replay.calls) == (True, None, 1)
        assert replay.result.output[0] == "ada is here"
        with pytest.raises(ExecutionNotFoundError):
            admin.replay("nothing")
    with (
        SyncAgentClient(api_key=eve, server_url=shop.url) as agent,
        pytest.raises(PermissionDeniedError),
    ):
        agent.replay("r1")
    with httpx2.Client(base_url=shop.url) as stranger:
        assert stranger.post("/api/v1/executions/r1/replay").status_code == 401


@pytest.mark.thorough
@pytest.mark.timeout(240)
def test_the_command_line_replays_a_run_and_writes_a_test_of_it(
    shop: Served, tmp_path: Path
) -> None:
    done = onehop(shop, "replay", "r1")
    told = "same: 1 call of a tool had its recorded answer and was not made\n"
    assert (done.returncode, done.stdout) == (0, told)
    assert onehop(shop, "replay", "nothing").returncode == 2
    file = tmp_path / "test_r1.py"
    assert onehop(shop, "replay", "r1", "--as-test", str(file)).returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert onehop(shop, "replay", "r1", "--as-test", str(file)).returncode == 2  # it is there
    (tmp_path / "test_other.py").write_text(file.read_text().replace("ada", "eve"))
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rpf", str(tmp_path)]
    tried = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert tried.returncode == 1, tried.stdout
    assert "PASSED test_r1.py::" in tried.stdout
    assert "FAILED test_other.py::" in tried.stdout
    assert "1 failed, 1 passed" in tried.stdout
    assert "at step 1 it was: a call of find" in tried.stdout
