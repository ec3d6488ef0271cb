"""``onehop mcp``: serve an MCP client over standard streams, or show how to connect one."""

from __future__ import annotations

from typing import Annotated

import typer

from onehop.cli._exits import ExitCode

app = typer.Typer(
    help="Serve MCP clients over standard input and output; show how to connect them.",
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def mcp(
    context: typer.Context,
    agent: Annotated[
        str | None, typer.Option(help="The agent under whose name runs are recorded.")
    ] = None,
) -> None:
    """Serve one MCP client over standard input and output, until it closes them.

    A client starts this itself; see: onehop mcp config --help

    Runs are recorded as those of --agent, or of the agent whose key AGENT_API_KEY is, or of "mcp".
    A key that the store does not know gives a warning on standard error, and stops nothing.
    """
    if context.invoked_subcommand is not None:
        return

    from onehop.cli import _exit_with

    _exit_with(lambda: _serve(agent))


def _serve(agent: str | None) -> ExitCode:
    import asyncio
    import logging
    import os
    import sys

    from onehop.server.mcp._stdio import serve_stdio

    if sys.stdin.isatty():
        typer.echo("Waiting for an MCP client; see: onehop mcp config --help", err=True)
    logging.basicConfig(level=logging.WARNING, format="onehop: %(levelname)s %(message)s")
    asyncio.run(serve_stdio(agent, os.environ.get("AGENT_API_KEY")))
    return ExitCode.SUCCESS


@app.command()
def config(
    client: Annotated[
        str, typer.Argument(help="claude-code, claude-desktop, cursor, vscode or gemini.")
    ],
    transport: Annotated[
        str, typer.Argument(help="stdio: the client starts onehop itself.", show_default=True)
    ] = "stdio",
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Of a server that runs: http://localhost:3001/mcp"),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(help="The agent under whose name runs are recorded (stdio).")
    ] = None,
) -> None:
    """Print what to paste into a client so that it finds onehop.

    The text to paste goes to standard output, where to paste it to standard error.

    Try: onehop mcp config claude-code
    """
    from onehop.cli import _exit_with

    _exit_with(lambda: _show(client, transport, url, agent))


def _show(client: str, transport: str, url: str | None, agent: str | None) -> ExitCode:
    from onehop.cli import _mcp_clients as known
    from onehop.errors import InvalidRequestError

    if client not in known.clients():
        raise InvalidRequestError("client", repr(client), f"one of {', '.join(known.clients())}")
    if transport != "stdio":
        raise InvalidRequestError(
            "transport", repr(transport), "'stdio', or leave it and use --url"
        )
    if url is not None and not url.startswith(("http://", "https://")):
        raise InvalidRequestError("url", repr(url), "an http:// or https:// URL")
    found = known.snippet(client, url, agent)
    typer.echo(f"For {client}: {found.where}", err=True)
    typer.echo(found.text)
    return ExitCode.SUCCESS
