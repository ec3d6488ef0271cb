"""What ``onehop mcp config`` prints is what each client reads."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from typer.testing import CliRunner, Result

from onehop.cli import app
from tests.mcp.doors import environment, run, text_of

URL = "http://localhost:3001/mcp"
JSON_CLIENTS = ["claude-desktop", "cursor", "vscode", "gemini"]


def config(*words: str) -> Result:
    """What the command prints."""
    return CliRunner().invoke(app, ["mcp", "config", *words])


def entry(client: str, *words: str) -> dict[str, Any]:
    """The server as a client's file has it."""
    done = config(client, *words)
    assert done.exit_code == 0, done.stderr
    servers = json.loads(done.stdout)["servers" if client == "vscode" else "mcpServers"]
    assert list(servers) == ["onehop"]
    found: dict[str, Any] = servers["onehop"]
    return found


async def answers(folder: Path, command: str, arguments: list[str]) -> None:
    """Start it as the client would, and run something."""
    started = StdioServerParameters(
        command=command, args=arguments, env=environment(folder), cwd=folder
    )
    async with Client(started) as client:
        assert text_of(await run(client, "return 1 + 1")) == "2"


@pytest.mark.sample(1)
@pytest.mark.parametrize("client", JSON_CLIENTS)
async def test_the_command_that_a_client_is_given_starts_onehop(
    tmp_path: Path, client: str
) -> None:
    found = entry(client, "--agent", "ada")
    assert Path(found["command"]).is_absolute()
    assert found["args"][-3:] == ["mcp", "--agent", "ada"]
    assert found.get("type") == ("stdio" if client == "vscode" else None)
    if client == "cursor":  # all start the same
        await answers(tmp_path, found["command"], found["args"])


@pytest.mark.thorough
async def test_the_command_for_claude_code_starts_onehop(tmp_path: Path) -> None:
    words = shlex.split(config("claude-code").stdout)
    separator = words.index("--")
    assert words[:separator] == ["claude", "mcp", "add", "--scope", "user", "onehop"]
    await answers(tmp_path, words[separator + 1], words[separator + 2 :])


def test_claude_code_is_given_a_url_and_a_key() -> None:
    printed = config("claude-code", "--url", URL).stdout
    assert printed == (
        f"claude mcp add --scope user --transport http onehop {URL} "
        '--header "Authorization: Bearer $AGENT_API_KEY"\n'
    )


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (
            "cursor",
            {"url": URL, "headers": {"Authorization": "Bearer ${env:AGENT_API_KEY}"}},
        ),
        (
            "vscode",
            {
                "type": "http",
                "url": URL,
                "headers": {"Authorization": "Bearer ${input:onehop-key}"},
            },
        ),
        (
            "gemini",
            {"httpUrl": URL, "headers": {"Authorization": "Bearer $AGENT_API_KEY"}},
        ),
        (
            "claude-desktop",
            {
                "command": "npx",
                "args": [
                    *("-y", "mcp-remote", URL),
                    *("--header", "Authorization:${ONEHOP_AUTHORIZATION}", "--allow-http"),
                ],
                "env": {"ONEHOP_AUTHORIZATION": "Bearer PASTE-YOUR-KEY"},
            },
        ),
    ],
)
def test_a_client_is_given_a_url_and_a_key(client: str, expected: dict[str, Any]) -> None:
    assert entry(client, "--url", URL) == expected


def test_vscode_asks_for_the_key() -> None:
    (question,) = json.loads(config("vscode", "--url", URL).stdout)["inputs"]
    assert (question["id"], question["password"]) == ("onehop-key", True)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["emacs"], "client"),
        (["cursor", "smoke"], "transport"),
        (["cursor", "--url", "localhost:3001"], "url"),
    ],
)
def test_what_it_does_not_know_is_told(words: list[str], field: str) -> None:
    done = config(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"onehop: {field}: got ")


@pytest.mark.sample(1)
@pytest.mark.parametrize("words", [["--help"], ["mcp", "--help"], ["mcp", "config", "cursor"]])
def test_the_sdk_is_not_imported_for_help(tmp_path: Path, words: list[str]) -> None:
    code = (
        "import sys, contextlib\n"
        "from onehop.cli import app\n"
        f"with contextlib.suppress(SystemExit): app({words!r})\n"
        "assert not {'mcp', 'mcp_types', 'starlette'} & sys.modules.keys()\n"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )
