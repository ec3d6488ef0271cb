"""The API does what its OpenAPI document says: schemathesis tries it, with all its checks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.sampling import some
from tests.server.served import PATIENCE, Served

EXAMPLES = os.environ.get("ONEHOP_SCHEMATHESIS_EXAMPLES", "5")
ENDLESS = ("events", "hand_in")
CHANGES = (
    "revoke_agent",
    "rotate_agent",
    "change_agent",
    "set_agent_rules",
    "agent_rules",
    "decide",
)
"""It would find its own agent in the list and revoke it, and try the rest without a key; and nobody
who speaks for an agent may decide."""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes a call as it is, so that what the document forbids is refused."""
    folder = tmp_path_factory.mktemp("tried")
    with Served(folder, AUTO_CORRECTION_ENABLED="false") as server:
        yield server


def schemathesis(server: Served, *options: str) -> str:
    """What it prints; it must find nothing."""
    key = server.key(f"admin-{uuid.uuid4().hex}", "admin")
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    command = [program, "run", f"{server.url}/openapi.json", "--checks", "all", "--seed", "1"]
    command += ["-n", EXAMPLES, "--no-color", *options]
    command += ["-H", f"Authorization: Bearer {key}", "-H", f"X-API-Key: {key}"]
    done = subprocess.run(
        command,
        cwd=server.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_answer_is_as_the_document_says(tried: Served) -> None:
    document = httpx2.get(f"{tried.url}/openapi.json", timeout=PATIENCE).json()
    calls = [call["operationId"] for path in document["paths"].values() for call in path.values()]
    assert len(calls) == 37
    asked = [name for name in calls if name not in (*ENDLESS, *CHANGES)]
    assert len(asked) == 29
    names = {"execute", *some(asked, 2)}
    printed = schemathesis(tried, *[w for name in names for w in ("--include-operation-id", name)])
    assert f"Operations:       {len(names)} selected / 37 total" in printed
    assert "Authentication failed" not in printed


@pytest.mark.thorough
def test_agents_change_as_the_document_says(tried: Served) -> None:
    names = ("add_agent", *CHANGES)
    printed = schemathesis(tried, *[w for name in names for w in ("--include-operation-id", name)])
    assert "Operations:       7 selected / 37 total" in printed


def test_the_server_made_no_mistake_meanwhile(tried: Served) -> None:
    wrong: list[Any] = [line for line in tried.log if line.get("status") == 500]
    assert not wrong
    assert not [line for line in tried.log if "exception" in line]
