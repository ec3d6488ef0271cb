"""People save, show and remove snippets through every door, and agents call them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from onehop import SyncAgentClient
from onehop.errors import (
    ExecutionNotFoundError,
    InvalidRequestError,
    PermissionDeniedError,
    SnippetNotFoundError,
    SnippetRefusedError,
)
from tests.server.served import Served, run

SHOP = '''
from onehop import tool

@tool(effect="read")
def find(name: str) -> str:
    """Find somebody."""
    return f"{name} is here"
'''
CODE = "const found = await tools.find({ name: context.name });\nreturn found.length"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    with Served(folder, "--tools", str(folder / "shop.py"), ONEHOP_POOL_SIZE="1") as server:
        yield server


def onehop(shop: Served, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onehop", *words]
    return subprocess.run(
        command, env=shop.environment, capture_output=True, text=True, timeout=100, check=False
    )


def called(shop: Served, agent: str, code: str, request_id: str) -> dict[str, Any]:
    with shop.client(key_of(shop, agent)) as client:
        answer = run(client, code, **{"X-Request-Id": request_id})
        return dict(answer.json())


KEYS: dict[str, str] = {}


def key_of(shop: Served, agent: str, role: str = "agent") -> str:
    """An agent's key, made when it is first asked for."""
    if agent not in KEYS:
        KEYS[agent] = shop.key(agent, role)
    return KEYS[agent]


def test_an_admin_saves_by_the_client_and_an_agent_calls(shop: Served) -> None:
    code = CODE.replace("context.name", '"ada"')
    assert called(shop, "ada", code, "r1")["success"]
    with SyncAgentClient(api_key=shop.key("root", "admin"), server_url=shop.url) as admin:
        saved = admin.save_snippet("length_of", "r1", description="How long it is.")
        assert (saved.agent_id, saved.version, saved.saved_by) == ("ada", 1, "root")
        assert saved.code == code
        assert list(saved.tools) == ["find"]
        assert admin.snippets() == admin.snippets("ada") == [saved]
        assert admin.snippets("") == []
        assert admin.snippet("length_of") == saved
        assert admin.save_snippet("length_of", "r1", description="How long it is.") == saved
        with pytest.raises(SnippetRefusedError, match="there already"):
            admin.save_snippet("length_of", "r1", description="Another.")
        for name in ("then", "a.b", "__proto__", "\N{PILE OF POO}"):
            with pytest.raises(InvalidRequestError) as refused:
                admin.save_snippet(name, "r1")
            assert refused.value.field == "name"
        with pytest.raises(ExecutionNotFoundError):
            admin.save_snippet("other", "nothing")
        with pytest.raises(SnippetNotFoundError):
            admin.snippet("other")
        call = "return snippets.length_of({})"
        assert called(shop, "ada", call, "r2")["output"] == len("ada is here")
        assert "no snippet is called length_of" in called(shop, "bob", call, "r3")["error"]
        with shop.client(key_of(shop, "ada")) as client:
            answer = client.get("/api/v1/tools", params={"query": "how long", "detail": "schema"})
            paths = [each["path"] for each in answer.json()["tools"]]
            assert "$snippets.length_of" in paths
        assert admin.remove_snippet("length_of") == saved
        with pytest.raises(SnippetNotFoundError):
            admin.remove_snippet("length_of")
        assert "no snippet is called" in called(shop, "ada", call, "r4")["error"]


@pytest.mark.sample(1)
@pytest.mark.parametrize("role", ["agent", "viewer", "approver"])
def test_no_other_key_saves_or_removes_and_no_agent_sees_them(shop: Served, role: str) -> None:
    assert called(shop, "eve", "return 1", f"of-{role}")["success"]
    with SyncAgentClient(api_key=shop.key(f"admin-{role}", "admin"), server_url=shop.url) as admin:
        admin.save_snippet(f"seen_by_{role}", f"of-{role}")
    with SyncAgentClient(api_key=shop.key(f"a-{role}", role), server_url=shop.url) as client:
        with pytest.raises(PermissionDeniedError):
            client.save_snippet("mine", f"of-{role}")
        if role == "agent":
            with pytest.raises(PermissionDeniedError):
                client.snippets()
            with pytest.raises(PermissionDeniedError):
                client.snippet(f"seen_by_{role}")
        else:
            assert client.snippet(f"seen_by_{role}") in client.snippets()
        with pytest.raises(PermissionDeniedError):
            client.remove_snippet("mine")
    with httpx2.Client(base_url=shop.url) as stranger:
        body = {"name": "mine", "requestId": f"of-{role}"}
        assert stranger.post("/api/v1/snippets", json=body).status_code == 401


@pytest.mark.timeout(240)
def test_the_command_line_saves_for_all_and_shows_what_it_has(shop: Served, tmp_path: Path) -> None:
    code = CODE.replace("context.name", '"bob"')
    assert called(shop, "ada", code, "cli-1")["success"]
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}}))
    done = onehop(shop, "snippets", "save", "of_bob", "cli-1", "--for-all", "--by", "ann",
                  "--schema", str(schema), "--description", "Bob's length.", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    saved = json.loads(done.stdout)
    assert (saved["agentId"], saved["savedBy"], saved["requestId"]) == ("", "ann", "cli-1")
    assert saved["inputSchema"]["properties"] == {"n": {"type": "integer"}}
    read = onehop(shop, "show", "cli-1").stdout  # before a person saves it
    assert all(f"  {line}\n" in read for line in code.splitlines())
    listed = onehop(shop, "snippets", "list")
    assert "of_bob" in listed.stdout
    assert "all agents" in listed.stdout
    shown = onehop(shop, "snippets", "show", "of_bob")
    assert code in shown.stdout
    assert "tools: find" in shown.stdout
    refused = onehop(shop, "snippets", "save", "of_bob", "cli-1", "--for-all")
    assert refused.returncode == 1
    assert "(--replace)" in refused.stderr
    named = onehop(shop, "snippets", "save", "then", "cli-1")
    assert (named.returncode, named.stdout) == (2, "")
    assert "JavaScript asks every object for this one" in named.stderr
    files = ("--tools", str(shop.folder / "shop.py"))
    found = onehop(shop, "tools", "search", "length of bob", *files)
    assert "snippets.of_bob(args?: {n?: number}): Promise<unknown>  [read]" in found.stdout
    ran = onehop(shop, "run", *files, "return snippets.of_bob({n: 1})")
    assert ran.stdout == f"{len('bob is here')}\n", ran.stderr
    without = onehop(shop, "run", "return snippets.of_bob({})")
    assert without.returncode == 1
    assert "find, which is not granted here, or is not there" in without.stderr
    assert onehop(shop, "snippets", "remove", "of_bob").returncode == 0
    gone = onehop(shop, "snippets", "show", "of_bob")
    assert gone.returncode == 2
    assert "no snippet is called 'of_bob'" in gone.stderr
