"""``onehop mcp``: serve an MCP client over standard streams, or connect one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import FILES, ExitCode, epilog
from onehop.cli._options import McpServers, Tools

if TYPE_CHECKING:
    from onehop.cli._machine import Machine
    from onehop.cli._mcp_clients import Client, Server

_SERVE_EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "the client closed the streams",
        ExitCode.UNAVAILABLE: "the sandbox or the store cannot be used here",
    }
)
_INSTALL_EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "the client knows onehop, or did before",
        ExitCode.BAD_INPUT: "bad usage, or a file or command of the client that cannot be used",
        ExitCode.UNAVAILABLE: "onehop failed",
    }
)

app = typer.Typer(
    help="Serve MCP clients over standard input and output; connect them.",
    rich_markup_mode=None,
    epilog=_SERVE_EXITS,
)


def _complete(incomplete: str) -> list[str]:
    from onehop.cli._mcp_clients import CLIENTS

    return [name for name in CLIENTS if name.startswith(incomplete)]


_Client = Annotated[
    str,
    typer.Argument(
        metavar="CLIENT",
        help="claude-code, claude-desktop, cursor, vscode, codex, gemini, opencode, zed, windsurf, "
        "goose, copilot, cline, lm-studio, kiro or jetbrains.",
        autocompletion=_complete,
    ),
]
_Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The address of a running server: http://localhost:3001/mcp"),
]
_Agent = Annotated[
    str | None, typer.Option(help="The agent under whose name runs are recorded (stdio).")
]
_Wsl = Annotated[
    bool | None,
    typer.Option(
        "--wsl/--no-wsl",
        help="The client runs on Windows and starts onehop in WSL (by default if this is WSL and "
        "the client is Claude Desktop).",
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
def mcp(
    context: typer.Context,
    agent: Annotated[
        str | None, typer.Option(help="The agent under whose name runs are recorded.")
    ] = None,
    tools: Tools = None,
    mcp_servers: McpServers = None,
) -> None:
    """Serve one MCP client over standard input and output, until it closes them.

    A client starts this itself; see: onehop mcp install --help

    Runs are recorded as those of --agent, or of the agent whose key is in AGENT_API_KEY, or of
    "mcp". If the store does not know the key, a line on standard error says so, and runs are
    recorded as those of "mcp".
    """
    if context.invoked_subcommand is not None:
        return

    exit_with(lambda: _serve(agent, tools, mcp_servers))


def _serve(agent: str | None, files: list[str] | None, mcp_servers: str | None) -> ExitCode:
    import asyncio
    import logging
    import os
    import sys

    from onehop.cli._input import tools_config
    from onehop.server.mcp._stdio import serve_stdio

    if sys.stdin.isatty():
        _say("Waiting for an MCP client; see: onehop mcp install --help")
    logging.basicConfig(level=logging.WARNING, format="onehop: %(levelname)s %(message)s")
    tools = tools_config(files, mcp_servers)
    asyncio.run(serve_stdio(agent, os.environ.get("AGENT_API_KEY"), tools))
    return ExitCode.SUCCESS


@app.command(epilog=FILES)
def config(
    client: _Client,
    transport: Annotated[
        str, typer.Argument(help="stdio: the client starts onehop itself.", show_default=True)
    ] = "stdio",
    url: _Url = None,
    agent: _Agent = None,
    tools: Tools = None,
    wsl: _Wsl = None,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link that the client opens (cursor, lm-studio).")
    ] = False,
) -> None:
    """Print what to paste into a client so that it finds onehop.

    The text to paste goes to standard output, where to paste it to standard error.

    Try: onehop mcp config claude-code
    """
    exit_with(lambda: _show(client, transport, url, agent, tools, wsl, link))


@app.command(epilog=_INSTALL_EXITS)
def install(
    client: _Client,
    url: _Url = None,
    agent: _Agent = None,
    tools: Tools = None,
    wsl: _Wsl = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The client's file, if it is elsewhere.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")
    ] = False,
) -> None:
    """Add onehop to a client, so that it finds it at its next start.

    Claude Code and VS Code have commands for this, which are used. For other clients one entry of
    their file is added or replaced: everything else in it stays, and a copy of the old file is
    kept beside it. Doing it twice changes nothing.

    Try: onehop mcp install cursor --dry-run
    """
    exit_with(lambda: _install(client, url, agent, tools, wsl, file, dry_run))


def _show(
    name: str,
    transport: str,
    url: str | None,
    agent: str | None,
    tools: list[str] | None,
    wsl: bool | None,
    link: bool,
) -> ExitCode:
    from onehop.cli import _mcp_clients
    from onehop.errors import InvalidRequestError

    client = _known(name)
    if transport != "stdio":
        raise InvalidRequestError(
            "transport", repr(transport), "'stdio', or leave it out and use --url"
        )
    server = _server(_machine(name, wsl), url, agent, tools)
    if link and client.link is None:
        raise InvalidRequestError("--link", name, "cursor or lm-studio: others open no such link")
    if link and client.link:
        typer.echo(client.link(server))
        return ExitCode.SUCCESS
    _say(f"For {name}: {client.where}")
    if client.link:
        _say(f"Or open this link: {client.link(server)}")
    typer.echo(_mcp_clients.text(client, server))
    return ExitCode.SUCCESS


def _install(
    name: str,
    url: str | None,
    agent: str | None,
    tools: list[str] | None,
    wsl: bool | None,
    file: Path | None,
    dry_run: bool,
) -> ExitCode:
    from onehop.cli import _mcp_install
    from onehop.errors import InvalidRequestError

    client = _known(name)
    machine = _machine(name, wsl)
    server = _server(machine, url, agent, tools)
    if file is not None and client.line is not None:
        reason = f"nothing: {client.title} is set up by its own command"
        raise InvalidRequestError("--file", str(file), reason)
    steps = [] if file is not None else _mcp_install.commands(client, server)
    if steps:
        return _by_command(client, server, machine.path(client.places), steps, dry_run)
    return _by_file(client, server, file or machine.path(client.places), dry_run)


def _by_command(
    client: Client, server: Server, path: Path, steps: list[list[str]], dry_run: bool
) -> ExitCode:
    from onehop.cli import _mcp_install

    if _mcp_install.is_there(client, server, path):
        _say(f"{client.title} knows onehop already; nothing was changed.")
        return ExitCode.SUCCESS
    if dry_run:
        for step in steps:
            typer.echo(shlex.join(step))
        return ExitCode.SUCCESS
    _mcp_install.run(steps)
    _say(f"{client.title} knows onehop from its next start.")
    return ExitCode.SUCCESS


def _by_file(client: Client, server: Server, path: Path, dry_run: bool) -> ExitCode:
    from onehop.cli import _mcp_install
    from onehop.cli._mcp_clients import PASTE

    change = _mcp_install.plan(client, server, path)
    if not change.needed:
        _say(f"{client.title} knows onehop already; {path} was not changed.")
        return ExitCode.SUCCESS
    if dry_run:
        typer.echo(change.difference(), nl=False)
        return ExitCode.SUCCESS
    copy = change.make()
    _say(f"{client.title} knows onehop from its next start: {change.path}")
    if copy is not None:
        _say(f"The file as it was: {copy}")
    if PASTE in str(client.entry(server)):
        _say(f"Put the agent's key in that file in place of {PASTE}.")
    return ExitCode.SUCCESS


def _known(name: str) -> Client:
    from difflib import get_close_matches

    from onehop.cli._mcp_clients import CLIENTS
    from onehop.errors import InvalidRequestError

    if name not in CLIENTS:
        near = get_close_matches(name, CLIENTS, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InvalidRequestError("client", f"{name!r}{hint}", f"one of {', '.join(CLIENTS)}")
    return CLIENTS[name]


def _machine(name: str, wsl: bool | None) -> Machine:
    from onehop.cli import _machine as machines

    return machines.here(machines.in_wsl() and name == "claude-desktop" if wsl is None else wsl)


def _server(
    machine: Machine, url: str | None, agent: str | None, tools: list[str] | None
) -> Server:
    from onehop.cli._mcp_clients import Server
    from onehop.errors import InvalidRequestError

    if url is None:
        return Server(command=machine.command(agent, [*map(_file_of_tools, tools or ())]))
    if tools:
        raise InvalidRequestError(
            "--tools", tools[0], "left out beside --url: a server has tools of its own"
        )
    if not url.startswith(("http://", "https://")):
        raise InvalidRequestError("url", repr(url), "an http:// or https:// URL")
    return Server(url=url)


def _file_of_tools(name: str) -> Path:
    from onehop.errors import InvalidRequestError

    if not (path := Path(name)).is_file():
        raise InvalidRequestError("--tools", repr(name), "a Python file that exists")
    return path.resolve()


def _say(line: str) -> None:
    typer.echo(line, err=True)
