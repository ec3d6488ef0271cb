"""Checkers that others wrote: the MCP Inspector's command line and the conformance suite."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.mcp.doors import TOOL, Service, environment, over_http, run, service
from tests.users import ROOT

pytestmark = [pytest.mark.thorough, pytest.mark.asyncio(loop_scope="package")]

FOLDER = Path(sys.prefix) / "mcp-checkers"
MISSING = "the MCP Inspector and the conformance suite are not installed: scripts/mcp-checkers"
ROW = re.compile(r"^\| `([\w-]+)` \| ([^|]*) \| ([^|]*) \| (.*)\|$", re.MULTILINE)
VERSIONS = ("2025-11-25", "2026-07-28")

InspectorEra = Literal["legacy", "modern"]


@pytest.fixture(autouse=True, scope="module")
def installed() -> None:
    if not (FOLDER / "installed").exists():
        pytest.skip(MISSING)


async def check(folder: Path, *command: str, **env: str) -> tuple[int, str, str]:
    """Exit code and streams of a program of the checkers."""
    programs = FOLDER / "node_modules" / ".bin"
    running = await asyncio.create_subprocess_exec(
        str(programs / command[0]),
        *command[1:],
        cwd=folder,
        env={**env, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await running.communicate()
    assert running.returncode is not None
    return running.returncode, output.decode(), errors.decode()


# --- the Inspector ---


class Inspector:
    """The Inspector's command line at one door."""

    def __init__(self, folder: Path, served: Service, transport: str, era: InspectorEra) -> None:
        self._folder = folder
        self._era = era
        self._target, self._env = self._over_stdio(folder)
        if transport == "HTTP":
            header = f"Authorization: {served.headers()['Authorization']}"
            self._target = ["--transport", "http", "--server-url", served.url, "--header", header]

    @staticmethod
    def _over_stdio(folder: Path) -> tuple[list[str], dict[str, str]]:
        env = environment(folder)
        given = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        return [*given, "--", sys.executable, "-m", "onehop", "mcp"], env

    async def ask(self, method: str, *words: str) -> tuple[int, dict[str, Any], str]:
        """The exit code, what came back, and what the Inspector had to say about it."""
        era = ("--protocol-era", self._era, "--format", "json")
        request = ("--method", method, *words)
        command = ("mcp-inspector", "--cli", *era, *request, *self._target)
        code, output, errors = await check(self._folder, *command, **self._env)
        assert output, errors
        return code, json.loads(output), errors

    async def call(self, code: str) -> tuple[int, dict[str, Any]]:
        arguments = json.dumps({"code": code, "context": {"n": 41}})
        words = ("--tool-name", TOOL, "--tool-args-json", arguments)
        status, answer, _ = await self.ask("tools/call", *words)
        result: dict[str, Any] = answer["result"]
        return status, result


@pytest.fixture(params=["stdio", "HTTP"])
def transport(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(params=["legacy", "modern"])
def inspector(
    request: pytest.FixtureRequest, transport: str, tmp_path: Path, served: Service
) -> Inspector:
    return Inspector(tmp_path, served, transport, request.param)


async def test_the_inspector_finds_nothing_to_criticise(inspector: Inspector) -> None:
    code, answer, errors = await inspector.ask("tools/list", "--strict")
    assert code == 0, errors
    assert [tool["name"] for tool in answer["result"]["tools"]] == [TOOL, "code_wait"]
    assert not re.search(r"warning|[1-9]\d* error", errors, re.IGNORECASE), errors


async def test_the_inspector_calls_the_tool(inspector: Inspector) -> None:
    code, result = await inspector.call("return context.n + 1")
    assert (code, result["isError"]) == (0, False)
    assert result["structuredContent"]["output"] == 42
    assert result["content"][0]["text"] == "42"


async def test_the_inspector_sees_failing_code_as_a_tool_error(inspector: Inspector) -> None:
    code, result = await inspector.call("throw new TypeError('no')")
    assert code != 0
    assert result["isError"] is True
    assert result["content"][0]["text"].startswith("Error (runtime): TypeError: no")


async def test_the_inspector_lists_resources(inspector: Inspector) -> None:
    assert (await inspector.ask("resources/list"))[0] == 0
    _, answer, _ = await inspector.ask("resources/templates/list")
    templates = [each["uriTemplate"] for each in answer["result"]["resourceTemplates"]]
    assert [template.split("/")[2] for template in templates] == ["outputs", "artifacts"]


# --- the conformance suite ---


async def test_conformance_is_as_documented(tmp_path: Path) -> None:
    """The table of docs/contributing/mcp-conformance.md is what the suite finds, check by check."""
    found: dict[str, list[str]] = {}
    async with service(tmp_path, auth=False) as served:
        async with over_http(served) as client:  # so that there is a resource to read
            await run(client, "return 'x'.repeat(300_000)")
        for place, version in enumerate(VERSIONS):
            for scenario, share in await conform(tmp_path / version, served.url, version):
                found.setdefault(scenario, ["-", "-"])[place] = share
    page = (ROOT / "docs/contributing/mcp-conformance.md").read_text("utf-8")
    documented = {name: [old, new] for name, old, new, _ in ROW.findall(page)}
    assert documented == found, table(found)
    unexplained = [name for name, old, new, why in ROW.findall(page) if not (why or full(old, new))]
    assert unexplained == []


async def conform(folder: Path, url: str, version: str) -> list[tuple[str, str]]:
    """Each scenario of a version with how many of its checks passed."""
    folder.mkdir()
    words = ("--url", url, "--suite", "all", "--spec-version", version, "-o", str(folder))
    _code, output, errors = await check(folder, "conformance", "server", *words)
    shares = list(scenarios(folder))
    assert shares, output + errors
    return shares


def scenarios(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.rglob("checks.json")):
        name = re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\d-]+Z$", "", file.parent.name)
        states = [item["status"] for item in json.loads(file.read_text("utf-8"))]
        passed, failed = states.count("SUCCESS"), states.count("FAILURE")
        yield name, f"{passed} of {passed + failed}"


def full(*shares: str) -> bool:
    """Whether everything passed that was checked."""
    return all(share == "-" or len(set(share.split(" of "))) == 1 for share in shares)


def table(found: dict[str, list[str]]) -> str:
    """What the page should have."""
    return "\n".join(f"| `{name}` | {old} | {new} |  |" for name, (old, new) in found.items())
