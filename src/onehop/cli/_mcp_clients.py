"""The MCP clients that onehop can be added to: what each calls a server, and where it keeps it.

One table; each entry names the page of the client's documentation that it was checked against, and
the day. Imports nothing heavy: the command line prints it.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

KEY: Final = "AGENT_API_KEY"
"""The environment variable that clients take the key from, where they can."""
NAME: Final = "onehop"
PASTE: Final = "PASTE-YOUR-KEY"
"""Stands for the key where a client takes none from the environment."""

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """What a client is to use: a command that it starts, or a URL."""

    command: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file is: ``~`` is the home folder, ``%APPDATA%`` one of Windows.

    Of several names the first that exists is used, else the first; of those of Windows, where a
    star stands for anything, the first whose folder exists, else the last.
    """

    linux: tuple[str, ...]
    macos: tuple[str, ...]
    windows: tuple[str, ...]

    @classmethod
    def home(cls, *names: str) -> Places:
        """The same names below the home folder on every system."""
        places = tuple(f"~/{name}" for name in names)
        return cls(places, places, (f"%USERPROFILE%/{names[0]}",))


@dataclass(frozen=True, slots=True)
class Client:
    """How one client gets to know a server."""

    title: str
    document: str
    """The page of its documentation, and the day it was compared with this entry."""
    where: str
    """Where a person pastes the text."""
    places: Places
    entry: Callable[[Server], Entry]
    keys: tuple[str, ...] = ("mcpServers",)
    """Where in the file servers are, from its top."""
    other_keys: tuple[str, ...] = ()
    """Where a newer version of the client keeps them; used in a file that has it already."""
    form: Literal["json", "toml", "yaml"] = "json"
    steps: Callable[[Server], list[list[str]]] = lambda _server: []
    """Its own commands, without a shell; the last one must succeed. Empty if it has none."""
    line: Callable[[Server], str] | None = None
    """What a person runs in a terminal, for a client that is not told by a file."""
    link: Callable[[Server], str] | None = None
    inputs: Callable[[Server], list[Entry]] | None = None
    """Questions that the client asks, kept beside the servers."""
    refuses: Callable[[Server], str | None] = lambda _server: None
    """Why the file cannot take a server of this kind; None if it can."""


def text(client: Client, server: Server) -> str:
    """What a person pastes: JSON, TOML, YAML, or a command."""
    if client.line is not None:
        return client.line(server)
    if client.form == "json":
        return json.dumps(document_of(client, server), indent=2, ensure_ascii=False)
    from onehop.cli.edits import toml, yaml

    dump = toml.dump if client.form == "toml" else yaml.dump
    return dump((*client.keys, NAME), client.entry(server))


def document_of(client: Client, server: Server) -> Entry:
    """A whole file that holds this server and nothing else."""
    nested: Entry = {NAME: client.entry(server)}
    for key in reversed(client.keys):
        nested = {key: nested}
    asked = client.inputs(server) if client.inputs else []
    return {"inputs": asked, **nested} if asked else nested


def _stdio(server: Server) -> Entry:
    return {"command": server.command[0], "args": list(server.command[1:])}


def _bearer(key: str) -> Entry:
    return {"Authorization": f"Bearer {key}"}


def _plain(field: str, key: str, **more: Any) -> Callable[[Server], Entry]:
    """A process as ``command`` and ``args``, a URL as ``field`` with the key in a header."""

    def entry(server: Server) -> Entry:
        if server.url is None:
            return _stdio(server)
        return {**more, field: server.url, "headers": _bearer(key)}

    return entry


# -- clients that need more than that


def _claude_code(server: Server) -> Entry:
    if server.url is None:
        return {"type": "stdio", **_stdio(server)}
    return {"type": "http", "url": server.url, "headers": _bearer(f"${{{KEY}}}")}


def _claude_code_steps(server: Server) -> list[list[str]]:
    """It refuses a name that it knows, so that the older entry has to go first."""
    return [["claude", "mcp", "remove", "--scope", "user", NAME], _claude_code_words(server)]


def _claude_code_words(server: Server) -> list[str]:
    add = ["claude", "mcp", "add", "--scope", "user"]
    if server.url is None:
        return [*add, NAME, "--", *server.command]
    # The header comes last: the option takes every word that follows it.
    header = f"Authorization: Bearer ${{{KEY}}}"  # Claude Code puts the variable in when it calls
    return [*add, "--transport", "http", NAME, server.url, "--header", header]


def _claude_code_line(server: Server) -> str:
    words = _claude_code_words(server)
    if server.url is None:
        return shlex.join(words)
    return f'{shlex.join(words[:-1])} "Authorization: Bearer ${KEY}"'


def _claude_desktop(server: Server) -> Entry:
    if server.url is None:
        return _stdio(server)
    # It starts processes only; mcp-remote is one that speaks to a URL. No blank in the argument:
    # on Windows it would be lost.
    words = ["-y", "mcp-remote", server.url, "--header", "Authorization:${ONEHOP_AUTHORIZATION}"]
    if server.url.startswith("http://"):
        words.append("--allow-http")
    env = {"ONEHOP_AUTHORIZATION": f"Bearer {PASTE}"}
    return {"command": "npx", "args": words, "env": env}


def _vscode(server: Server) -> Entry:
    if server.url is None:
        return {"type": "stdio", **_stdio(server)}
    return {"type": "http", "url": server.url, "headers": _bearer("${input:onehop-key}")}


def _vscode_inputs(server: Server) -> list[Entry]:
    question = {
        "type": "promptString",
        "id": "onehop-key",
        "description": "onehop API key",
        "password": True,
    }
    return [] if server.url is None else [question]


def _vscode_steps(server: Server) -> list[list[str]]:
    if server.url is not None:
        return []  # the command takes no question for the key
    return [["code", "--add-mcp", json.dumps({"name": NAME, **_vscode(server)})]]


def _codex(server: Server) -> Entry:
    if server.url is None:
        return _stdio(server)
    return {"url": server.url, "bearer_token_env_var": KEY}


def _opencode(server: Server) -> Entry:
    if server.url is None:
        return {"type": "local", "command": list(server.command)}
    return {"type": "remote", "url": server.url, "headers": _bearer(f"{{env:{KEY}}}")}


def _goose(server: Server) -> Entry:
    head: Entry = {"enabled": True, "name": NAME, "timeout": 300}
    if server.url is None:
        cmd, *args = server.command
        return {"type": "stdio", **head, "cmd": cmd, "args": args, "env_keys": [], "envs": {}}
    headers = _bearer(f"${{{KEY}}}")
    address = {"uri": server.url, "headers": headers, "env_keys": [KEY], "envs": {}}
    return {"type": "streamable_http", **head, **address}


def _copilot(server: Server) -> Entry:
    if server.url is None:
        return {"type": "local", **_stdio(server), "tools": ["*"]}
    headers = _bearer(f"${{{KEY}}}")
    return {"type": "http", "url": server.url, "headers": headers, "tools": ["*"]}


def _only_processes(server: Server) -> str | None:
    if server.url is None:
        return None
    return (
        "Junie's file takes only servers that it starts itself: leave --url out, or paste the text "
        "of 'onehop mcp config jetbrains --url …' into the settings of AI Assistant"
    )


def _link(start: str, entry: Callable[[Server], Entry]) -> Callable[[Server], str]:
    """A link that carries the entry as JSON in base64."""

    def link(server: Server) -> str:
        packed = base64.b64encode(json.dumps(entry(server)).encode()).decode()
        return f"{start}?name={NAME}&config={quote(packed, safe='')}"

    return link


_cursor = _plain("url", f"${{env:{KEY}}}")
_lm_studio = _plain("url", PASTE)

CLIENTS: Final[dict[str, Client]] = {
    "claude-code": Client(
        title="Claude Code",
        # Its own command is used: a running Claude Code writes the file too.
        document="Connect Claude Code to tools via MCP, code.claude.com/docs/en/mcp, 2026-11-29",
        where="run it in a terminal",
        places=Places.home(".claude.json"),
        entry=_claude_code,
        steps=_claude_code_steps,
        line=_claude_code_line,
    ),
    "claude-desktop": Client(
        title="Claude Desktop",
        document="Connect to local MCP servers, modelcontextprotocol.io/docs, 2026-11-29",
        where="claude_desktop_config.json (Settings, Developer, Edit Config); then restart "
        "Claude Desktop",
        places=Places(
            linux=("~/.config/Claude/claude_desktop_config.json",),
            macos=("~/Library/Application Support/Claude/claude_desktop_config.json",),
            windows=(
                # What a packaged app writes to %APPDATA% lands elsewhere; Claude Desktop is one.
                "%LOCALAPPDATA%/Claude-Data/[Cc]laude*/claude_desktop_config.json",
                "%LOCALAPPDATA%/Packages/Claude_*/LocalCache/Roaming/Claude/"
                "claude_desktop_config.json",
                "%APPDATA%/Claude/claude_desktop_config.json",
            ),
        ),
        entry=_claude_desktop,
    ),
    "cursor": Client(
        title="Cursor",
        document="MCP and MCP Install Links, cursor.com/docs/mcp, 2026-11-29",
        where="~/.cursor/mcp.json, or .cursor/mcp.json in a project",
        places=Places.home(".cursor/mcp.json"),
        entry=_cursor,
        link=_link("cursor://anysphere.cursor-deeplink/mcp/install", _cursor),
    ),
    "vscode": Client(
        title="VS Code",
        document="MCP configuration reference, code.visualstudio.com/docs/copilot/reference/"
        "mcp-configuration, 2026-11-29",
        where=".vscode/mcp.json, or the file that 'MCP: Open User Configuration' opens",
        places=Places(
            linux=("~/.config/Code/User/mcp.json",),
            macos=("~/Library/Application Support/Code/User/mcp.json",),
            windows=("%APPDATA%/Code/User/mcp.json",),
        ),
        entry=_vscode,
        keys=("servers",),
        steps=_vscode_steps,
        inputs=_vscode_inputs,
    ),
    "codex": Client(
        title="Codex",
        document="Model Context Protocol, developers.openai.com/codex/mcp, 2026-11-29",
        where="~/.codex/config.toml",
        places=Places.home(".codex/config.toml"),
        entry=_codex,
        keys=("mcp_servers",),
        form="toml",
    ),
    "gemini": Client(
        title="Gemini CLI",
        document="MCP servers with Gemini CLI, geminicli.com/docs/tools/mcp-server, 2026-11-29",
        where="~/.gemini/settings.json, or .gemini/settings.json in a project",
        places=Places.home(".gemini/settings.json"),
        entry=_plain("httpUrl", f"${KEY}"),
    ),
    "opencode": Client(
        title="OpenCode",
        # Version 2 documents mcp.servers and reads the form of version 1 as well.
        document="MCP servers and Migrate from V1, opencode.ai/docs, 2026-11-29",
        where="~/.config/opencode/opencode.jsonc, or opencode.json in a project",
        places=Places.home(".config/opencode/opencode.jsonc", ".config/opencode/opencode.json"),
        entry=_opencode,
        keys=("mcp",),
        other_keys=("mcp", "servers"),
    ),
    "zed": Client(
        title="Zed",
        document="Model Context Protocol, zed.dev/docs/ai/mcp, 2026-11-29",
        where="the settings file ('zed: open settings file')",
        places=Places(
            linux=("~/.config/zed/settings.json",),
            macos=("~/.config/zed/settings.json",),
            windows=("%APPDATA%/Zed/settings.json",),
        ),
        entry=_plain("url", PASTE),
        keys=("context_servers",),
    ),
    "windsurf": Client(
        title="Windsurf",
        document="Cascade MCP integration, docs.windsurf.com/windsurf/cascade/mcp, 2026-11-29",
        where="~/.codeium/windsurf/mcp_config.json; then refresh the list of MCP servers",
        places=Places.home(".codeium/windsurf/mcp_config.json"),
        entry=_plain("serverUrl", f"${{env:{KEY}}}"),
    ),
    "goose": Client(
        title="Goose",
        # Its links start only programs of a fixed list (npx, uvx, docker, …), so there is none.
        document="Configuration Files, goose-docs.ai/docs/guides/config-files, 2026-11-29",
        where="~/.config/goose/config.yaml",
        places=Places(
            linux=("~/.config/goose/config.yaml",),
            macos=("~/.config/goose/config.yaml",),
            windows=("%APPDATA%/Block/goose/config/config.yaml",),
        ),
        entry=_goose,
        keys=("extensions",),
        form="yaml",
    ),
    "copilot": Client(
        title="GitHub Copilot CLI",
        document="Adding MCP servers for GitHub Copilot CLI, docs.github.com/copilot, 2026-11-29",
        where="~/.copilot/mcp-config.json",
        places=Places.home(".copilot/mcp-config.json"),
        entry=_copilot,
    ),
    "cline": Client(
        title="Cline",
        document="MCP Overview, docs.cline.bot/mcp/mcp-overview, 2026-11-29",
        where="cline_mcp_settings.json (MCP Servers, Configure, Configure MCP Servers)",
        places=Places.home(".cline/data/settings/cline_mcp_settings.json"),
        entry=_plain("url", PASTE, type="streamableHttp"),
    ),
    "lm-studio": Client(
        title="LM Studio",
        document="Use MCP Servers and Add to LM Studio, lmstudio.ai/docs/app/mcp, 2026-11-29",
        where="mcp.json (Program, Install, Edit mcp.json)",
        places=Places.home(".lmstudio/mcp.json"),
        entry=_lm_studio,
        link=_link("lmstudio://add_mcp", _lm_studio),
    ),
    "kiro": Client(
        title="Kiro",
        document="MCP configuration, kiro.dev/docs/mcp/configuration, 2026-11-29",
        where="~/.kiro/settings/mcp.json, or .kiro/settings/mcp.json in a project",
        places=Places.home(".kiro/settings/mcp.json"),
        entry=_plain("url", f"${{{KEY}}}"),
    ),
    "jetbrains": Client(
        title="JetBrains AI Assistant and Junie",
        document="Model Context Protocol (MCP), jetbrains.com/help/ai-assistant/mcp.html and "
        "jetbrains.com/help/junie, 2026-11-29",
        where="Settings, Tools, AI Assistant, Model Context Protocol (MCP), Add; for Junie "
        "~/.junie/mcp/mcp.json",
        places=Places.home(".junie/mcp/mcp.json"),
        entry=_plain("url", PASTE),
        refuses=_only_processes,
    ),
}
"""Every client that is known, by name."""
