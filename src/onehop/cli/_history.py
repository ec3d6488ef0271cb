"""The commands that ask the audit trail, and those that look after its store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, get_args

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import STORE, ExitCode, epilog

if TYPE_CHECKING:
    from onehop.cli._trail import Trail
    from onehop.types import ErrorType

_VERIFY_EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "the chain holds",
        ExitCode.FAILED: "a record was changed, removed or inserted",
        ExitCode.UNAVAILABLE: "the audit trail cannot be read",
    }
)
_JSON = Annotated[bool, typer.Option("--json", help="Print the answer as JSON; its times are UTC.")]
_UTC = Annotated[
    bool, typer.Option("--utc", help="Show times in UTC instead of this machine's time zone.")
]


def stats(
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="The agent; otherwise all of them.")
    ] = None,
    utc: _UTC = False,
    as_json: _JSON = False,
) -> None:
    """Show statistics of an agent's runs, or of all runs.

    They are counts, times, memory, languages, calls of tools, the latest failures and security
    issues.
    """
    _ask(lambda trail: trail.stats(agent, utc=utc, as_json=as_json))


def history(
    agent: Annotated[str | None, typer.Option(help="Only this agent's runs.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only runs in this channel.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that failed.")] = False,
    error_type: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="Only failures of this cause, such as timeout."),
    ] = None,
    tool: Annotated[
        str | None, typer.Option(metavar="TOOL", help="Only runs that called this tool.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    utc: _UTC = False,
    as_json: _JSON = False,
) -> None:
    """List the latest runs, the newest first."""

    cause = _cause(error_type)

    def question(trail: Trail) -> Awaitable[ExitCode]:
        from onehop.stores.base import HistoryQuery

        query = HistoryQuery(
            agent_id=agent,
            channel_id=channel,
            success=False if failed else None,
            error_type=cause,
            tool=tool,
            limit=limit,
        )
        return trail.history(query, utc=utc, as_json=as_json)

    _ask(question)


def _cause(given: str | None) -> ErrorType | None:
    """Raises typer.BadParameter."""
    from onehop.types import ErrorType

    causes: dict[str | None, ErrorType] = {cause: cause for cause in get_args(ErrorType)}
    if given is not None and given not in causes:
        allowed = ", ".join(map(str, causes))
        raise typer.BadParameter(f"{given!r} is not one of {allowed}", param_hint="'--error-type'")
    return causes.get(given)


def show(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="Which run.")],
    utc: _UTC = False,
    as_json: _JSON = False,
) -> None:
    """Show everything that is kept of one run."""
    _ask(lambda trail: trail.show(request_id, utc=utc, as_json=as_json))


audit = typer.Typer(
    help="Examine the audit trail itself.", no_args_is_help=True, rich_markup_mode=None
)


@audit.command(epilog=_VERIFY_EXITS)
def verify(
    expect: Annotated[
        str | None, typer.Option(metavar="HASH", help="The last hash that was noted elsewhere.")
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Check the chain of hashes of the records.

    A record that was changed, removed or inserted is named.
    """
    _ask(lambda trail: trail.verify(expect, as_json=as_json))


store = typer.Typer(
    help="Look after the store of the audit trail.", no_args_is_help=True, rich_markup_mode=None
)


@store.command(epilog=STORE)
def compact(as_json: _JSON = False) -> None:
    """Rewrite a SQLite store without the room that is not used.

    Deleted records have left that room.

    A store that this version of onehop made shrinks by itself. One from an older version does so
    once you have compacted it. The server may keep running: records wait in its journal.
    """
    _ask(lambda trail: trail.compact(as_json=as_json))


def _ask(question: Callable[[Trail], Awaitable[ExitCode]]) -> NoReturn:
    """Put a question to the audit trail that the settings name."""

    def command() -> ExitCode:
        from onehop.cli._trail import ask

        return ask(question)

    exit_with(command)
