"""What to paste into each MCP client so that it finds onehop.

Imports nothing heavy: the command line prints it.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

KEY: Final = "AGENT_API_KEY"
"""The environment variable that clients take the key from, where they can."""
_NAME: Final = "onehop"


@dataclass(frozen=True, slots=True)
class Snippet:
    """What to paste, and where to."""

    text: str
    where: str


def snippet(client: str, url: str | None, agent: str | None) -> Snippet:
    """For a server at ``url``, or for one that the client starts itself. Raises KeyError."""
    return _CLIENTS[client](url, _command(agent))


def clients() -> list[str]:
    """The clients that are known, by name."""
    return list(_CLIENTS)


def _claude_code(url: str | None, command: Sequence[str]) -> Snippet:
    if url is None:
        words = ["claude", "mcp", "add", "--scope", "user", _NAME, "--", *command]
        text = shlex.join(words)
    else:
        # The header comes last: the option takes every word that follows it.
        words = ["claude", "mcp", "add", "--scope", "user", "--transport", "http", _NAME, url]
        text = f'{shlex.join(words)} --header "Authorization: Bearer ${KEY}"'
    return Snippet(text, "run it in a terminal")


def _claude_desktop(url: str | None, command: Sequence[str]) -> Snippet:
    where = (
        "claude_desktop_config.json (Settings, Developer, Edit Config); then restart Claude Desktop"
    )
    if url is None:
        return Snippet(_servers(_process(command)), where)
    # It starts processes only; mcp-remote is one that speaks to a URL. No blank in the argument:
    # on Windows it would be lost.
    words = ["npx", "-y", "mcp-remote", url, "--header", "Authorization:${ONEHOP_AUTHORIZATION}"]
    if url.startswith("http://"):
        words.append("--allow-http")
    entry = {**_process(words), "env": {"ONEHOP_AUTHORIZATION": "Bearer PASTE-YOUR-KEY"}}
    return Snippet(_servers(entry), f"{where}; needs Node.js")


def _cursor(url: str | None, command: Sequence[str]) -> Snippet:
    entry = _process(command) if url is None else _remote("url", url, f"${{env:{KEY}}}")
    return Snippet(_servers(entry), "~/.cursor/mcp.json, or .cursor/mcp.json in a project")


def _vscode(url: str | None, command: Sequence[str]) -> Snippet:
    where = ".vscode/mcp.json, or the file that 'MCP: Open User Configuration' opens"
    if url is None:
        entry = {"type": "stdio", **_process(command)}
        return Snippet(_json({"servers": {_NAME: entry}}), where)
    entry = {"type": "http", **_remote("url", url, "${input:onehop-key}")}
    ask = {
        "type": "promptString",
        "id": "onehop-key",
        "description": "onehop API key",
        "password": True,
    }
    return Snippet(_json({"inputs": [ask], "servers": {_NAME: entry}}), where)


def _gemini(url: str | None, command: Sequence[str]) -> Snippet:
    entry = _process(command) if url is None else _remote("httpUrl", url, f"${KEY}")
    return Snippet(
        _servers(entry), "~/.gemini/settings.json, or .gemini/settings.json in a project"
    )


_CLIENTS: Final[dict[str, Callable[[str | None, Sequence[str]], Snippet]]] = {
    "claude-code": _claude_code,
    "claude-desktop": _claude_desktop,
    "cursor": _cursor,
    "vscode": _vscode,
    "gemini": _gemini,
}


def _servers(entry: dict[str, Any]) -> str:
    return _json({"mcpServers": {_NAME: entry}})


def _process(command: Sequence[str]) -> dict[str, Any]:
    return {"command": command[0], "args": list(command[1:])}


def _remote(field: str, url: str, key: str) -> dict[str, Any]:
    return {field: url, "headers": {"Authorization": f"Bearer {key}"}}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _command(agent: str | None) -> list[str]:
    """How to start this very installation: programs with a window know no PATH of a shell."""
    script = shutil.which(str(Path(sys.executable).with_name("onehop")))
    program = [script] if script else [sys.executable, "-m", "onehop"]
    return [*program, "mcp", *(["--agent", agent] if agent else [])]
