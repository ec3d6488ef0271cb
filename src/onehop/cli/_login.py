"""``onehop tools login``: log in at an MCP server, for all runs of onehop of this user."""

from __future__ import annotations

import webbrowser
from typing import Annotated, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog
from onehop.cli._options import McpServers

EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "the tokens are kept",
        ExitCode.BAD_INPUT: "no server has that name, or the login failed",
    }
)


def login(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The server, as in [upstream.NAME].")],
    mcp_servers: McpServers = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the address in a browser.")
    ] = True,
) -> None:
    """Log in at an MCP server that asks for it by OAuth.

    The address to go to is printed. The browser that goes there must run on this machine, since it
    comes back to a port of it. The tokens are kept for this user, and refreshed when they end.
    """

    def command() -> ExitCode:
        import asyncio

        asyncio.run(_login(name, mcp_servers, browser))
        typer.echo(f"onehop: logged in at {name}", err=True)
        return ExitCode.SUCCESS

    exit_with(command)


async def _login(name: str, mcp_servers: str | None, browser: bool) -> None:
    from onehop.upstreams import login_url
    from onehop.upstreams._login import log_in
    from onehop.upstreams._tokens import TokenFile, tokens_path

    def show(address: str) -> None:
        typer.echo(f"onehop: go to {address}", err=True)
        if browser:
            webbrowser.open(address)

    await log_in(login_url(name, mcp_servers), TokenFile(tokens_path()), show)
