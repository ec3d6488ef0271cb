"""``onehop snippets``: code of runs that agents may call by name."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from onehop.cli._command import complain, exit_with
from onehop.cli._exits import ExitCode, epilog

if TYPE_CHECKING:
    from onehop.runs.saved import Snippet
    from onehop.sandbox.snippets import Snippets

app = typer.Typer(
    help="Save the code of a run, for agents to call by name.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_EXITS: Final = epilog(
    {
        ExitCode.FAILED: "the run cannot become this snippet, or several snippets are meant",
        ExitCode.BAD_INPUT: "bad usage, no such run, or no such snippet",
        ExitCode.UNAVAILABLE: "the store cannot be used",
    }
)
_NAME = Annotated[str, typer.Argument(metavar="NAME", help="The snippet's name.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
_AGENT = Annotated[
    str | None,
    typer.Option(metavar="AGENT", help="Whose; an empty name is that of all agents."),
]
_Work = Callable[["Snippets"], Awaitable[ExitCode]]


@app.command(epilog=_EXITS)
def save(
    name: _NAME,
    request_id: Annotated[
        str, typer.Argument(metavar="REQUEST_ID", help="The run whose code it is.")
    ],
    agent: Annotated[
        str | None, typer.Option(metavar="AGENT", help="Whose run, if several have one.")
    ] = None,
    for_all: Annotated[
        bool, typer.Option("--for-all", help="All agents may call it, not the run's alone.")
    ] = False,
    description: Annotated[
        str | None, typer.Option(help="What it does; otherwise the description of the run.")
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON Schema of its input; otherwise that of the context of the run.",
        ),
    ] = None,
    code: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The code of the run, where its record does not have it whole."
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="As the next version of the snippet of this name.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who saves it; otherwise this machine's user."),
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Save the code of a run that succeeded, as snippets.NAME(input).

    Read the code first: agents will run it, with their own tools and rules.
    """

    async def work(snippets: Snippets) -> ExitCode:
        saved = await snippets.save(
            name,
            request_id,
            by=by or getpass.getuser(),
            agent_id=agent,
            for_all=for_all,
            description=description,
            input_schema=None if schema is None else _schema(schema),
            code=None if code is None else _text(code),
            replace=replace,
        )
        _print(saved, as_json)
        return ExitCode.SUCCESS

    _with_snippets(work)


@app.command("list", epilog=_EXITS)
def list_(agent: _AGENT = None, as_json: _JSON = False) -> None:
    """List the snippets, by agent and name."""

    async def work(snippets: Snippets) -> ExitCode:
        _print_all(await snippets.list(agent), as_json)
        return ExitCode.SUCCESS

    _with_snippets(work)


@app.command(epilog=_EXITS)
def show(name: _NAME, agent: _AGENT = None, as_json: _JSON = False) -> None:
    """Show one snippet: its code, input schema and tools."""

    async def work(snippets: Snippets) -> ExitCode:
        _print(await snippets.show(name, agent), as_json)
        return ExitCode.SUCCESS

    _with_snippets(work)


@app.command(epilog=_EXITS)
def remove(name: _NAME, agent: _AGENT = None) -> None:
    """Remove a snippet; runs that begin later cannot call it."""

    async def work(snippets: Snippets) -> ExitCode:
        await snippets.remove(name, agent)
        return ExitCode.SUCCESS

    _with_snippets(work)


def _with_snippets(work: _Work) -> None:
    def command() -> ExitCode:
        from onehop.errors import RunNotFoundError, SnippetNotFoundError, SnippetRefusedError

        try:
            return asyncio.run(_open(work))
        except (RunNotFoundError, SnippetNotFoundError) as error:
            return complain(error, ExitCode.BAD_INPUT)
        except SnippetRefusedError as error:
            return complain(error, ExitCode.FAILED)

    exit_with(command)


async def _open(work: _Work) -> ExitCode:
    from onehop.cli._trail import deliver
    from onehop.config import AuditConfig
    from onehop.errors import ConfigError
    from onehop.sandbox.snippets import Snippets
    from onehop.stores import open_store

    config = AuditConfig()
    if config.store == "memory:":
        raise ConfigError("store", "memory: is lost when this command ends: name a database")
    store = await open_store(config)
    try:
        await deliver(store, config)
        return await work(Snippets(store))
    finally:
        await store.aclose()


def _text(file: Path) -> str:
    from onehop.errors import InvalidRequestError

    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(str(file), "what cannot be read", str(error)[:200]) from None


def _schema(file: Path) -> dict[str, Any]:
    from onehop.errors import InvalidRequestError

    try:
        found: dict[str, Any] = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(str(file), "what is not JSON", str(error)[:200]) from None
    return found


def _print_all(found: list[Snippet], as_json: bool) -> None:
    from onehop.cli._output import to_json, write
    from onehop.cli._table import Column, print_table

    if as_json:
        write(sys.stdout, to_json([_wire(each) for each in found]) + "\n")
    elif not found:
        write(sys.stderr, "No snippet is saved (see onehop snippets save).\n")
    else:
        columns = [Column("snippet", whole=True), Column("version", number=True), Column("agent")]
        columns += [Column("saved", whole=True), Column("by"), Column("description", wraps=True)]
        print_table(columns, [_row(each) for each in found])


def _row(each: Snippet) -> tuple[Any, ...]:
    from onehop.cli._trail_pages import time_of

    agent, saved = each.agent_id or "all agents", time_of(each.saved_at, None)
    return each.name, each.version, agent, saved, each.saved_by, each.description


def _print(snippet: Snippet, as_json: bool) -> None:
    from onehop.cli._output import to_json, write
    from onehop.cli._table import clean

    wire = _wire(snippet)
    if as_json:
        write(sys.stdout, to_json(wire) + "\n")
        return
    lines = [
        f"snippets.{snippet.name}  version {snippet.version}, {snippet.language}, "
        f"for {snippet.agent_id or 'all agents'}",
        f"saved by {snippet.saved_by} from the run {snippet.request_id} of "
        f"{snippet.source_agent or 'no agent'}; code hash {snippet.code_hash}",
        snippet.description or "(no description)",
        f"input: {to_json(wire['inputSchema'])}",
        f"tools: {', '.join(wire['tools']) or 'none'}",
    ]
    text = "\n".join(map(clean, lines)) + "\n\n"
    write(sys.stdout, text + "\n".join(map(clean, snippet.code.split("\n"))) + "\n")


def _wire(snippet: Snippet) -> dict[str, Any]:
    from onehop.sandbox.snippets import info_of

    return info_of(snippet).model_dump(by_alias=True)
