"""``onehop approvals``: which calls of tools wait for a person, and what is decided."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog

if TYPE_CHECKING:
    from onehop.runs.decisions import Approval, Decision
    from onehop.sandbox.approvals import Approvals

T = TypeVar("T")

app = typer.Typer(
    help="Decide about calls of tools that wait for a person.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_EXITS: Final = epilog(
    {
        ExitCode.FAILED: "another decision stands already, or you did not agree",
        ExitCode.BAD_INPUT: "bad usage, or no such call",
        ExitCode.UNAVAILABLE: "the store cannot be used",
    }
)
_JSON = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
_MOST: Final = 1000
"""Calls that are shown."""
_RUN = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run, as the list names it.")]
_CALLS = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CALL_ID",
        help="Its calls; otherwise all that wait now, which are shown first.",
        show_default=False,
    ),
]
_YES = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask on a terminal whether those are meant.")
]
_BY = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who decides; otherwise this machine's user.")
]


@app.command("list", epilog=_EXITS)
def list_(as_json: _JSON = False) -> None:
    """List the calls that wait, the oldest first."""

    async def work(approvals: Approvals) -> ExitCode:
        _print(await approvals.pending(limit=_MOST), as_json)
        return ExitCode.SUCCESS

    _with_approvals(work)


@app.command(epilog=_EXITS)
def show(run_id: _RUN, as_json: _JSON = False) -> None:
    """Show the calls of one run, with their arguments.

    Those that were decided are there too.
    """

    async def work(approvals: Approvals) -> ExitCode:
        found = await _of_run(approvals, run_id)
        if not found:
            return _complain(f"no call of the run {run_id!r:.80} is known")
        _print(found, as_json, whole=True)
        return ExitCode.SUCCESS

    _with_approvals(work)


@app.command(epilog=_EXITS)
def approve(
    run_id: _RUN,
    calls: _CALLS = None,
    yes: _YES = False,
    by: _BY = None,
    as_json: _JSON = False,
) -> None:
    """Let calls be made as they are.

    Without CALL_ID it shows the calls that wait, and decides those and no others.
    """
    from onehop.runs.decisions import Approve

    _decide(run_id, calls, Approve(), by, as_json, yes)


@app.command(epilog=_EXITS)
def deny(
    run_id: _RUN,
    calls: _CALLS = None,
    reason: Annotated[str, typer.Option(help="Why; the code gets it.")] = "",
    yes: _YES = False,
    by: _BY = None,
    as_json: _JSON = False,
) -> None:
    """Refuse calls.

    Without CALL_ID it shows the calls that wait, and decides those and no others.
    """
    from onehop.runs.decisions import Reject

    _decide(run_id, calls, Reject(reason), by, as_json, yes)


def _decide(
    run_id: str,
    calls: list[str] | None,
    decision: Decision,
    by: str | None,
    as_json: bool,
    yes: bool,
) -> None:
    async def settle(approvals: Approvals, chosen: list[str]) -> ExitCode:
        given = dict.fromkeys(chosen, decision)
        stand = await approvals.decide(run_id, given, by or getpass.getuser())
        _print(list(stand.values()), as_json)
        return _agreed(list(stand.values()), _VERBS[type(decision).__name__][1])

    def command() -> ExitCode:
        chosen = calls
        if not chosen:
            shown = asyncio.run(_open(lambda each: each.pending(run_id=run_id, limit=_MOST)))
            if not shown:
                of_run = asyncio.run(_open(lambda each: _of_run(each, run_id)))
                if not of_run:
                    return _complain(f"no call of the run {run_id!r:.80} is known")
                return _agreed(of_run, _VERBS[type(decision).__name__][1])
            _show(shown)
            if not (yes or _is_meant(_VERBS[type(decision).__name__][0], len(shown))):
                return ExitCode.FAILED
            chosen = [each.call_id for each in shown]
        return asyncio.run(_open(lambda each: settle(each, chosen)))

    _known(command)


_VERBS: Final = {"Approve": ("Approve", "approved"), "Reject": ("Deny", "denied")}
"""What is asked, and the state that is wanted."""


async def _of_run(approvals: Approvals, run_id: str) -> list[Approval]:
    return await approvals.store.approvals(run_id=run_id, limit=_MOST)


def _agreed(stand: list[Approval], wanted: str) -> ExitCode:
    """Whether what stands is what was ``wanted``; each other decision is named."""
    from onehop.cli._command import complain
    from onehop.cli._table import clean
    from onehop.cli._trail_pages import time_of

    others = [each for each in stand if each.status != wanted]
    for each in others:
        call = f"{clean(each.tool)} ({clean(each.call_id)})"
        if each.status in ("pending", "expired"):
            said = f"has expired at {time_of(each.expires_at, None)}: nobody decided"
        else:
            verb = "approved with other arguments" if each.status == "edited" else each.status
            at = time_of(each.decided_at, None)
            said = f"was {verb} by {clean(each.decided_by)} at {at} already, and that stands"
        complain(f"{call} {said}", ExitCode.FAILED)
    return ExitCode.FAILED if others else ExitCode.SUCCESS


def _show(waiting: list[Approval]) -> None:
    """Each call with all of its arguments, on standard error."""
    from onehop.cli._output import write
    from onehop.cli._table import clean

    for each in waiting:
        write(sys.stderr, f"{clean(each.call_id)}  {clean(each.tool)}  {clean(each.arguments)}\n")


def _is_meant(verb: str, count: int) -> bool:
    """What a person at a terminal answers; elsewhere nobody is asked."""
    from onehop.cli._output import write

    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    these = "this call" if count == 1 else f"these {count} calls"
    write(sys.stderr, f"{verb} {these}? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _with_approvals(work: Callable[[Approvals], Awaitable[ExitCode]]) -> None:
    _known(lambda: asyncio.run(_open(work)))


def _known(command: Callable[[], ExitCode]) -> None:
    def attempt() -> ExitCode:
        from onehop.errors import ApprovalNotFoundError

        try:
            return command()
        except ApprovalNotFoundError as error:
            return _complain(str(error))

    exit_with(attempt)


async def _open(work: Callable[[Approvals], Awaitable[T]]) -> T:
    from onehop.config import AuditConfig
    from onehop.errors import ConfigError
    from onehop.sandbox.approvals import Approvals
    from onehop.stores import open_store

    config = AuditConfig()
    if config.store == "memory:":
        raise ConfigError("store", "memory: is lost when this command ends: name a database")
    store = await open_store(config)
    try:
        return await work(Approvals(store))
    finally:
        await store.aclose()


def _print(found: list[Approval], as_json: bool, whole: bool = False) -> None:
    from onehop.cli._output import to_json, write
    from onehop.cli._table import Column, print_table

    if as_json:
        write(sys.stdout, to_json([_wire(each) for each in found]) + "\n")
        return
    if not found:
        write(sys.stderr, "Nothing waits.\n")
        return
    columns = [Column("run", whole=True), Column("call", whole=True), Column("agent")]
    columns += [Column("tool"), Column("state", whole=True), Column("until"), Column("by")]
    columns += [Column("arguments", wraps=whole)]
    print_table(columns, [_row(each) for each in found])


def _row(approval: Approval) -> tuple[Any, ...]:
    from onehop.cli._trail_pages import time_of

    names = approval.run_id, approval.call_id, approval.agent_id, approval.tool
    until = time_of(approval.expires_at, None) if approval.status == "pending" else ""
    return (*names, approval.status, until, approval.decided_by, approval.arguments)


def _wire(approval: Approval) -> dict[str, Any]:
    from pydantic.alias_generators import to_camel

    fields = {to_camel(name): value for name, value in asdict(approval).items()}
    return {**fields, "arguments": json.loads(approval.arguments)}


def _complain(words: str) -> ExitCode:
    from onehop.cli._output import write

    write(sys.stderr, f"onehop: {words}\n")
    return ExitCode.BAD_INPUT
