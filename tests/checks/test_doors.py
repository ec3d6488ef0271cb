"""The check and the plan at all doors: HTTP, MCP, the client, the command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from onehop import AgentClient, Rule
from onehop.config import AuditConfig, ServerConfig
from onehop.errors import InvalidRequestError
from onehop.execution.compose import open_executor
from onehop.server.agents import Agents
from onehop.server.app import create_app
from tests import copies
from tests.checks.tools import CONFIG, TOOLS
from tests.copies import ONEHOP
from tests.mcp.doors import Service, environment, listening, over_http, run, text_of

BAD = "return await tools.crm.find_person({nam: 'a'})"
GOOD = "return (await tools.crm.find_person({name: 'a', limit: 1}))[0].name"
MAIL = "await tools.crm.send_mail({to: 1, text: 'a'})"
TOOLS_FILE = '''
from onehop import tool

@tool(effect="read")
def double(n: int) -> int:
    """Twice the number."""
    return 2 * n
'''


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Service]:
    store = f"sqlite:///{folder / 'onehop.db'}"
    audit = AuditConfig(store=store, journal=str(folder / "journal"))
    rules = [Rule("ask", "crm.send_mail")]
    async with open_executor(CONFIG, audit=audit, tools=TOOLS, rules=rules) as executor:
        agents = Agents(executor.store)
        keys = {"alice": (await agents.add("alice")).key}
        async with listening(create_app(executor, agents, ServerConfig(port=0))) as url:
            yield Service(url, keys)


async def test_over_http(tmp_path: Path) -> None:
    async with served(tmp_path) as service, httpx2.AsyncClient(timeout=60) as http:

        async def call(**body: object) -> httpx2.Response:
            url = f"{service.url}/api/v1/execute"
            return await http.post(url, json=body, headers=service.headers())

        refused = (await call(code=BAD)).json()
        assert refused["errorInfo"]["type"] == "validation"
        assert (refused["errorInfo"]["line"], refused["errorInfo"]["column"]) == (1, 37)
        assert refused["typecheck"] == {"verdict": "checked", "reason": None}
        assert refused["hints"][0].startswith("tools.crm.find_person(args: {name: string;")
        ran = (await call(code=GOOD)).json()
        assert (ran["output"], ran["typecheck"]["verdict"]) == ("a staff", "checked")
        free = (await call(code=BAD, typecheck="off")).json()
        assert free["errorInfo"]["type"] == "runtime"
        assert "typecheck" not in free
        planned = (await call(code=MAIL, plan=True)).json()
        (planned_call,) = planned["plan"]
        assert planned_call["tool"] == "crm.send_mail"
        assert (planned_call["action"], planned_call["rule"]) == ("ask", "ask crm.send_mail")
        assert planned_call["arguments"] == {"to": 1, "text": "a"}
        wrong = await call(code=GOOD, typecheck="always")
        assert wrong.status_code == 400
        assert wrong.json()["error"]["field"] == "typecheck"


@pytest.mark.thorough
async def test_over_mcp(tmp_path: Path) -> None:
    async with served(tmp_path) as service:
        at = Service(f"{service.url}/mcp", service.keys)
        async with over_http(at) as client:
            (tool, *_) = (await client.list_tools()).tools
            assert {"typecheck", "plan"} <= tool.input_schema["properties"].keys()
            refused = await run(client, BAD)
            assert "did you mean name?" in text_of(refused)
            assert "tools.crm.find_person(args: {name: string;" in text_of(refused)
            planned = await run(client, f"{MAIL}; {GOOD}", plan=True)
            assert planned.structured_content is not None
            assert planned.structured_content["plan"] == [
                'crm.send_mail({"to":1,"text":"a"}): line 1, write, asks first (ask crm.send_mail)',
                'crm.find_person({"name":"a","limit":1}): line 1, read',
            ]
            assert "nothing was executed" in text_of(planned)
            none = await run(client, "return 1", plan=True)
            assert "no calls of tools" in text_of(none)


@pytest.mark.thorough
async def test_by_the_client(tmp_path: Path) -> None:
    async with served(tmp_path) as service:
        options: Any = {"agent_id": "alice", "api_key": service.keys["alice"]}
        async with AgentClient(server_url=service.url, **options) as client:
            refused = await client.execute(BAD)
            assert refused.error_info is not None
            assert refused.error_info.type == "validation"
            planned = await client.execute(GOOD, plan=True)
            assert planned.plan is not None
            assert [call.tool for call in planned.plan] == ["crm.find_person"]
            strict = await client.execute("const n: number = 'a'", "typescript", typecheck="strict")
            assert "not assignable" in (strict.error or "")
            with pytest.raises(InvalidRequestError, match="typecheck"):
                await client.execute(GOOD, typecheck="loose")  # type: ignore[arg-type]


def cli(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "mine.py").write_text(TOOLS_FILE)
    return copies.run(
        [*ONEHOP, "run", "--tools", "mine.py", *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**environment(folder), "ONEHOP_CHECK_WAIT": "20000"},
        timeout=60,
    )


@pytest.mark.thorough
def test_on_the_command_line(tmp_path: Path) -> None:
    refused = cli(tmp_path, "return await tools.doubel({n: 2})")
    assert refused.returncode == 1
    assert "[typecheck]" in refused.stderr
    assert "double" in refused.stderr
    planned = cli(tmp_path, "--plan", "return await tools.double({n: 2})")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout == 'double({"n":2}): line 1, read\n'
    assert "nothing was executed" in planned.stderr
    told = json.loads(cli(tmp_path, "--json", "return await tools.double({n: 2})").stdout)
    assert (told["output"], told["typecheck"]["verdict"]) == (4, "checked")
    off = cli(tmp_path, "--typecheck", "off", "return await tools.double({})")
    assert "ToolError" in off.stderr
    wrong = cli(tmp_path, "--typecheck", "sometimes", "return 1")
    assert wrong.returncode == 2
    assert "typecheck" in wrong.stderr
