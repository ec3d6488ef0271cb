"""The command ``onehop``, put together from the commands of this room.

What takes time to import is imported by the command that needs it, so that help is quick.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Final

import typer

from onehop._version import onehop_version
from onehop.cli._exits import ALL, STORE

_COMMANDS: Final = {
    "run": ("_run", "run", "ALL"),
    "batch": ("_batch", "batch", "BATCH_EXITS"),
    "doctor": ("_run", "doctor", "DOCTOR_EXITS"),
    "validate": ("_run", "validate", "VALIDATE_EXITS"),
    "stats": ("_history", "stats", "STORE"),
    "history": ("_history", "history", "STORE"),
    "show": ("_history", "show", "STORE"),
    "replay": ("_replay", "replay", "EXITS"),
    "audit": ("_history", "audit", ""),
    "store": ("_history", "store", ""),
    "serve": ("_serve", "serve", "SERVE_EXITS"),
    "agents": ("_serve", "agents", ""),
    "approvals": ("_approvals", "app", ""),
    "sessions": ("_sessions", "app", ""),
    "snippets": ("_snippets", "app", ""),
    "top": ("_live", "top", "TOP_EXITS"),
    "tail": ("_live", "tail", "TAIL_EXITS"),
    "mcp": ("_mcp", "app", ""),
    "tools": ("_tools", "app", ""),
    "config": ("_config", "app", ""),
}
"""In the order of the help: the module of each, its function, and what tells its exit codes; or a
group of commands, which tell their own."""
_SHARED: Final = {"ALL": ALL, "STORE": STORE}


def make_app(wanted: str | None = None) -> typer.Typer:
    """The command with the commands of this room; if one of them is ``wanted``, with that alone:
    to make them all takes longer than most of them."""
    app = typer.Typer(
        name="onehop",
        help="Run an agent's JavaScript or TypeScript in a jailed, disposable V8 process.",
        epilog=ALL,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # drawing the help with rich takes twice as long as all the rest
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in _needed(wanted):
        _add(app, name)
    return app


def _needed(wanted: str | None) -> Iterable[str]:
    if wanted == "--version":  # it is printed before any command is looked for
        return ()
    return (wanted,) if wanted in _COMMANDS else _COMMANDS


def _add(app: typer.Typer, name: str) -> None:
    module_name, part, exits = _COMMANDS[name]
    module = import_module(f"onehop.cli.{module_name}")
    made = getattr(module, part)
    if isinstance(made, typer.Typer):
        app.add_typer(made, name=name)
    else:
        app.command(name, epilog=_SHARED.get(exits) or getattr(module, exits))(made)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onehop {onehop_version()}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass
