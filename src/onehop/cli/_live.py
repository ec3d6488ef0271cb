"""``onehop top`` and ``onehop tail``: look at a running server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog
from onehop.cli._options import ServerUrl

if TYPE_CHECKING:
    from onehop.client import AgentClient

_AWAY: Final = "the server cannot be reached, or does not accept the key"
TOP_EXITS: Final = epilog({ExitCode.SUCCESS: "ended with q", ExitCode.UNAVAILABLE: _AWAY})
TAIL_EXITS: Final = epilog(
    {ExitCode.SUCCESS: "as many events as asked for", ExitCode.UNAVAILABLE: _AWAY}
)

_JSON = Annotated[bool, typer.Option("--json", help="Print JSON, one document a line.")]


def top(
    url: ServerUrl = None,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Seconds between two looks.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print the state once, and end.")] = False,
    as_json: _JSON = False,
) -> None:
    """Show a server at work: its runs, agents and workers.

    The queue and the servers of tools are there too.

    The key of a viewer or an admin is taken from AGENT_API_KEY. Where there is no terminal, the
    state is printed once. q ends it, p pauses it.
    """

    def command() -> ExitCode:
        from onehop.cli import _top

        return asyncio.run(_top.watch(client_of(url), interval, once=once, as_json=as_json))

    exit_with(command)


def tail(
    url: ServerUrl = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent's events.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only events in this channel.")] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Only events of this type, such as code:execution:failed, or of several.",
            show_default=False,
        ),
    ] = None,
    tool: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Only calls of these tools: crm.*")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what failed, was denied or hit a limit.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many events.")] = None,
    utc: Annotated[
        bool, typer.Option("--utc", help="Show times in UTC instead of this machine's time zone.")
    ] = False,
    as_json: _JSON = False,
) -> None:
    """Print the events of a server as they happen, until interrupted.

    The key is taken from AGENT_API_KEY; an agent's key shows its own events. A lost connection is
    made again, and goes on after the last event.
    """

    def command() -> ExitCode:
        from onehop.cli import _tail

        wanted = _tail.Wanted(
            agent=agent, channel=channel, kinds=kinds or None, tool=tool, failed=failed, limit=limit
        )
        return asyncio.run(_tail.follow(client_of(url), wanted, utc=utc, as_json=as_json))

    exit_with(command)


def client_of(url: str | None) -> AgentClient:
    """A client of the server at ``url``, or of the one that the environment names. Raises
    ConfigError."""
    from onehop.client import AgentClient

    known: dict[str, Any] = {} if url is None else {"server_url": url}
    return AgentClient(**known)
