"""``onehop sessions``: which sessions a server keeps, and their end."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog
from onehop.cli._options import ServerUrl

if TYPE_CHECKING:
    from onehop.client import AgentClient
    from onehop.types import SessionInfo

app = typer.Typer(
    help="List and end sessions: an agent its own, an admin all.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_EXITS: Final = epilog(
    {
        ExitCode.BAD_INPUT: "bad usage, or no such session",
        ExitCode.UNAVAILABLE: "the server cannot be reached, or does not accept the key",
    }
)
_JSON = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
_AGENT = Annotated[
    str | None, typer.Option(metavar="AGENT", help="Of this agent; only an admin may say.")
]


@app.command("list", epilog=_EXITS)
def list_(url: ServerUrl = None, agent: _AGENT = None, as_json: _JSON = False) -> None:
    """List sessions, with what their calls have declared.

    The key is taken from AGENT_API_KEY.
    """

    async def work(client: AgentClient) -> ExitCode:
        _print(await client.sessions(agent), as_json)
        return ExitCode.SUCCESS

    _with_client(url, work)


@app.command(epilog=_EXITS)
def end(
    session: Annotated[str, typer.Argument(metavar="NAME", help="The session.")],
    url: ServerUrl = None,
    agent: _AGENT = None,
) -> None:
    """End a session, with its variables and all that its store keeps.

    The key is taken from AGENT_API_KEY.
    """

    async def work(client: AgentClient) -> ExitCode:
        from onehop.cli._output import write

        if await client.end_session(session, agent):
            return ExitCode.SUCCESS
        write(
            sys.stderr, f"onehop: no session is called {session!r:.80} (see onehop sessions list)\n"
        )
        return ExitCode.BAD_INPUT

    _with_client(url, work)


def _with_client(url: str | None, work: Callable[[AgentClient], Awaitable[ExitCode]]) -> None:
    async def ask() -> ExitCode:
        from onehop.cli._live import client_of

        async with client_of(url) as client:
            return await work(client)

    def command() -> ExitCode:
        import asyncio

        return asyncio.run(ask())

    exit_with(command)


def _print(found: list[SessionInfo], as_json: bool) -> None:
    from onehop.cli._output import to_json, write
    from onehop.cli._table import Column, print_table

    if as_json:
        wire = [each.model_dump(by_alias=True) for each in found]
        write(sys.stdout, to_json(wire) + "\n")
    elif not found:
        write(sys.stderr, "No session is known.\n")
    else:
        columns = [Column("session", whole=True), Column("agent"), Column("state", whole=True)]
        columns += [Column("calls", number=True), Column("used", whole=True)]
        columns += [Column("names", wraps=True)]
        print_table(columns, [_row(each) for each in found])


def _row(info: SessionInfo) -> tuple[Any, ...]:
    from onehop.cli._trail_pages import time_of

    state = "running" if info.running else "live" if info.live else "begins anew"
    names = ", ".join(info.names)
    return (info.session, info.agent_id, state, info.calls, time_of(info.used_at, None), names)
