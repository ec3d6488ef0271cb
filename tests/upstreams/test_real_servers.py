"""Servers that others wrote, as they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from onehop import McpUpstream, Sandbox, SandboxConfig, Tools

pytestmark = pytest.mark.thorough  # test_upstreams.py has a server by the SDK that these use


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With three commits."""
    path = tmp_path_factory.mktemp("repository")
    author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    for number in range(3):
        commit = ["commit", "-q", "--allow-empty", "-m", f"change {number}"]
        subprocess.run(["git", "-C", str(path), *author, *commit], check=True)
    return path


@pytest.fixture(scope="module")
async def sandbox(repository: Path) -> AsyncIterator[Sandbox]:
    git = [sys.executable, "-m", "mcp_server_git", "--repository", str(repository)]
    time = [sys.executable, "-m", "mcp_server_time", "--local-timezone", "Europe/Berlin"]
    tools = Tools(
        git=McpUpstream(command=git, required=True), time=McpUpstream(command=time, required=True)
    )
    async with Sandbox(SandboxConfig(pool_size=1), tools=tools) as opened:
        yield opened


async def test_code_joins_what_two_servers_say(sandbox: Sandbox, repository: Path) -> None:
    code = """
    const [log, time] = await Promise.all([
      tools.git.git_log({repo_path: context.path, max_count: 2}),
      tools.time.convert_time(
        {source_timezone: "UTC", time: "12:00", target_timezone: "Asia/Tokyo"}),
    ]);
    return [log.match(/change \\d/g), time.target.datetime.slice(11, 16)];
    """
    result = await sandbox.execute(code, context={"path": str(repository)})
    assert result.success, result.error
    assert result.output == [["change 2", "change 1"], "21:00"]


async def test_an_error_of_a_server_can_be_caught(sandbox: Sandbox) -> None:
    code = """
    try { return await tools.time.get_current_time({timezone: "Moon/Sea"}) }
    catch (error) { return [error.code, error.message] }
    """
    result = await sandbox.execute(code)
    assert result.success, result.error
    code_, message = result.output
    assert code_ == "failed"
    assert "timezone" in message


async def test_what_a_server_says_of_its_tools_gives_their_effects(sandbox: Sandbox) -> None:
    effects = {path: bound.effect for path, bound in sandbox.toolbox.catalogue.bound.items()}
    assert effects["git.git_log"] == "read"
    assert effects["git.git_reset"] == "destructive"
