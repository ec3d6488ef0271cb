"""The command ``onehop``, put together from the commands of this room.

What takes time to import is imported by the command that needs it, so that help is quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

from onehop._version import onehop_version
from onehop.cli import (
    _approvals,
    _batch,
    _config,
    _history,
    _live,
    _mcp,
    _replay,
    _run,
    _serve,
    _sessions,
    _snippets,
    _tools,
)
from onehop.cli._exits import ALL, STORE

app = typer.Typer(
    name="onehop",
    help="Run an agent's JavaScript or TypeScript in a jailed, disposable V8 process.",
    epilog=ALL,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing the help with rich takes twice as long as all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(epilog=ALL)(_run.run)
app.command(epilog=_batch.BATCH_EXITS)(_batch.batch)
app.command(epilog=_run.DOCTOR_EXITS)(_run.doctor)
app.command(epilog=_run.VALIDATE_EXITS)(_run.validate)
app.command(epilog=STORE)(_history.stats)
app.command(epilog=STORE)(_history.history)
app.command(epilog=STORE)(_history.show)
app.command(epilog=_replay.EXITS)(_replay.replay)
app.add_typer(_history.audit, name="audit")
app.add_typer(_history.store, name="store")
app.command("serve", epilog=_serve.SERVE_EXITS)(_serve.serve)
app.add_typer(_serve.agents, name="agents")
app.add_typer(_approvals.app, name="approvals")
app.add_typer(_sessions.app, name="sessions")
app.add_typer(_snippets.app, name="snippets")
app.command("top", epilog=_live.TOP_EXITS)(_live.top)
app.command("tail", epilog=_live.TAIL_EXITS)(_live.tail)
app.add_typer(_mcp.app, name="mcp")
app.add_typer(_tools.app, name="tools")
app.add_typer(_config.app, name="config")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onehop {onehop_version()}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass
