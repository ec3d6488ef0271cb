"""The code calls two MCP servers that others wrote, in one program: no turn in between.

pip install mcp-server-git mcp-server-time; python examples/mcp_servers.py
"""

import asyncio
import subprocess
import sys
import tempfile
from typing import Any

from onehop import McpUpstream, Sandbox, Tools

CODE = """
const zones = ["Asia/Tokyo", "Europe/Berlin"];
const [log, ...noons] = await Promise.all([
  tools.git.git_log({ repo_path: context.path, max_count: 3 }),
  ...zones.map((target_timezone) =>
    tools.time.convert_time({ source_timezone: "UTC", time: "12:00", target_timezone })),
]);
return {
  changes: log.match(/change \\d/g),
  noons: noons.map(({ target }) => `${target.timezone} ${target.datetime.slice(11, 16)}`),
};
"""


def repository(path: str) -> None:
    """With three commits."""
    git = ["git", "-C", path, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for number in range(3):
        message = f"change {number}"
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", message], check=True)


async def ask(path: str) -> Any:
    """What the code returns."""
    tools = Tools(
        git=McpUpstream(command=[sys.executable, "-m", "mcp_server_git", "--repository", path]),
        time=McpUpstream(command=[sys.executable, "-m", "mcp_server_time"]),
    )
    async with Sandbox(tools=tools) as sandbox:
        result = await sandbox.execute(CODE, context={"path": path})
    return result.output if result.success else result.error


with tempfile.TemporaryDirectory() as folder:
    repository(folder)
    print(asyncio.run(ask(folder)))
