"""``onehop tools login`` and ``logout``: at an MCP server, for all runs of onehop of this user."""

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
    from onehop.upstreams import login_at
    from onehop.upstreams._login import REGISTERED, log_in
    from onehop.upstreams._tokens import TokenFile, tokens_path

    def show(address: str) -> None:
        typer.echo(f"onehop: go to {address}", err=True)
        if browser:
            webbrowser.open(address)

    url, client = login_at(name, mcp_servers)
    await log_in(url, TokenFile(tokens_path()), show, client or REGISTERED)


LOGOUT_EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "nobody is logged in there any more",
        ExitCode.BAD_INPUT: "no server has that name",
    }
)
_WORDS: Final = {
    "nobody": "nobody was logged in at {name}",
    "ended": "logged out at {name}, which has ended the login",
    "kept": "logged out at {name}; the server did not end the login: its token ends by itself",
}


def logout(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The server, as in [upstream.NAME].")],
    mcp_servers: McpServers = None,
) -> None:
    """Forget the login at an MCP server, and ask the server to end it."""

    def command() -> ExitCode:
        import asyncio

        typer.echo(f"onehop: {asyncio.run(_logout(name, mcp_servers))}", err=True)
        return ExitCode.SUCCESS

    exit_with(command)


async def _logout(name: str, mcp_servers: str | None) -> str:
    from onehop.upstreams import login_at
    from onehop.upstreams._login import REGISTERED, log_out
    from onehop.upstreams._tokens import TokenFile, tokens_path

    url, client = login_at(name, mcp_servers)
    done = await log_out(url, TokenFile(tokens_path()), client or REGISTERED)
    return _WORDS[done].format(name=name)
