"""``onehop config``: which settings are in force, whether they can be used, and their schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import FILES, ExitCode, epilog

if TYPE_CHECKING:
    from onehop.cli._settings import Options, Problem, Setting

app = typer.Typer(
    help="Show, check and describe the settings.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_CHECK_EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "every setting can be used",
        ExitCode.FAILED: "there is a problem; each is printed with its place",
        ExitCode.UNAVAILABLE: "onehop failed",
    }
)
_MASK: Final = "***"


@app.command(epilog=FILES)
def show(
    host: Annotated[str | None, typer.Option(help="As given to onehop serve.")] = None,
    port: Annotated[int | None, typer.Option(help="As given to onehop serve.")] = None,
    no_auth: Annotated[bool, typer.Option("--no-auth", help="As given to onehop serve.")] = False,
    tls_cert: Annotated[str | None, typer.Option(help="As given to onehop serve.")] = None,
    tls_key: Annotated[str | None, typer.Option(help="As given to onehop serve.")] = None,
    log_format: Annotated[str | None, typer.Option(help="As given to onehop serve.")] = None,
    memory: Annotated[int | None, typer.Option(help="As given to onehop run.")] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only settings that are not at their default.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show each setting, its value, and where the value comes from.

    An option goes before the environment, the environment before the settings file (onehop.toml in
    this folder, or the file that ONEHOP_CONFIG names), and the file before the default. Secrets are
    masked.
    """
    given = {
        ("server", "host"): ("--host", host),
        ("server", "port"): ("--port", port),
        ("server", "auth"): ("--no-auth", False if no_auth else None),
        ("server", "tls_cert"): ("--tls-cert", tls_cert),
        ("server", "tls_key"): ("--tls-key", tls_key),
        ("server", "log_format"): ("--log-format", log_format),
        ("sandbox", "memory_limit"): ("--memory", memory),
    }
    options = {setting: told for setting, told in given.items() if told[1] is not None}
    exit_with(lambda: _show(options, changed, as_json))


@app.command(epilog=_CHECK_EXITS)
def check(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="A settings file; otherwise the one in use."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Find every problem in the settings.

    The settings file and the environment are checked, and whether the files that they name can be
    read. Each problem is printed with its place.
    """
    exit_with(lambda: _check(file, as_json), warn=False)  # a variable that is unknown is a problem


@app.command(epilog=FILES)
def schema() -> None:
    """Print a JSON Schema of onehop.toml for editors.

    Try: onehop config schema > onehop.schema.json
    """

    def command() -> ExitCode:
        from onehop.cli import _schema

        _print(_schema.schema(), indent=2)
        return ExitCode.SUCCESS

    exit_with(command)


def _show(options: Options, changed: bool, as_json: bool) -> ExitCode:
    import os

    from onehop.cli._settings import judge

    judged = judge(os.environ, options)
    if judged.problems:
        _complain(judged.problems)
        return ExitCode.BAD_INPUT
    shown = [each for each in judged.settings if not changed or each.source != "default"]
    if as_json:
        _print([_wire(each) for each in shown])
    else:
        _print_settings(shown)
    return ExitCode.SUCCESS


def _check(file: str | None, as_json: bool) -> ExitCode:
    from onehop.cli._setting_files import missing_files
    from onehop.cli._settings import judge, named

    with named(file) as environ:
        judged = judge(environ)
        missing = list(missing_files(environ, judged.settings))
    problems = [*judged.problems, *missing, *judged.unknown]
    if as_json:
        _print([{"place": each.place, "message": each.message} for each in problems])
    elif problems:
        _complain(problems)
    else:
        _say("Every setting can be used.")
    return ExitCode.FAILED if problems else ExitCode.SUCCESS


def _print_settings(shown: list[Setting]) -> None:
    from onehop.cli._table import Column, print_table

    # Values may be long: in any other place they would push what follows far to the right.
    columns = [Column("setting", whole=True), Column("from"), Column("value", wraps=True)]
    rows = [(f"{each.section.table}.{each.name}", _origin(each), _text(each)) for each in shown]
    print_table(columns, rows)


def _origin(setting: Setting) -> str:
    return f"{setting.source} {setting.place}".rstrip()


def _text(setting: Setting) -> str:
    value = _public(setting)
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items()) or "none"
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _wire(setting: Setting) -> dict[str, Any]:
    from onehop.config import env_name

    return {
        "section": setting.section.table,
        "setting": setting.name,
        "environment": env_name(setting.section.model_fields[setting.name]),
        "value": _public(setting),
        "source": setting.source,
        "place": setting.place or None,
    }


def _public(setting: Setting) -> Any:
    """The value as it may be shown: passwords and keys are masked."""
    from pydantic import SecretStr

    from onehop.stores._urls import masked

    value = setting.value
    if isinstance(value, SecretStr):
        return _MASK
    if isinstance(value, str) and "://" in value:
        return masked(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def _complain(problems: list[Problem]) -> None:
    for each in problems:
        _say(f"{each.place}: {each.message}")


def _say(line: str) -> None:
    import sys

    from onehop.cli._output import write

    write(sys.stderr, f"{line}\n")


def _print(document: Any, indent: int | None = None) -> None:
    import sys

    from onehop.cli._output import to_json, write

    write(sys.stdout, to_json(document, indent=indent) + "\n")
