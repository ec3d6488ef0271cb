"""``onehop tools import``: the servers of another MCP client, as tables of ``onehop.toml``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog

if TYPE_CHECKING:
    from onehop.upstreams import Servers

EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "at least one server was taken",
        ExitCode.FAILED: "no server can be used",
        ExitCode.BAD_INPUT: "the file cannot be read, or has no servers",
    }
)


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A JSON file with mcpServers, or with servers.")
    ],
) -> None:
    """Print the MCP servers of another client, as tables.

    The tables are for onehop.toml. What is left out, and why, is printed on standard error. Secrets
    are not copied: a table names the environment variable that each is to be in.

    Try: onehop tools import ~/.cursor/mcp.json >> onehop.toml
    """
    exit_with(lambda: _import(file))


def _import(file: str) -> ExitCode:
    from onehop.upstreams import read_servers

    found = read_servers(file)
    _explain(found)
    typer.echo("\n".join(line for name in found.taken for line in _table(name, found.taken[name])))
    return ExitCode.SUCCESS if found.taken else ExitCode.FAILED


def _explain(found: Servers) -> None:
    for name, options in found.taken.items():
        _say(f"{name}: taken")
        for place, variable in _secrets(name, options):
            _say(f"{name}: its {place} is not copied: put it into the variable {variable}")
    for place, reason in found.left.items():
        _say(f"{place}: left out: {reason}")


def _table(name: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Lines of TOML. What is text, a list of texts or a table of texts is the same in JSON, but for
    how a table is written."""
    secret = dict(_secrets(name, options))
    yield f"[upstream.{json.dumps(name)}]"
    for key, value in options.items():
        if not isinstance(value, dict):
            yield f"{key} = {_toml(value)}"
            continue
        pairs = [
            f"{_toml(item)} = {_toml(_kept(text, secret.get(f'{key}.{item}')))}"
            for item, text in value.items()
        ]
        yield f"{key} = {{ {', '.join(pairs)} }}"
    yield ""


def _secrets(server: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The places of values that are secrets as a rule, and a variable for each."""
    from onehop.upstreams import is_secret_name

    for table, prefix in (("env", ""), ("headers", f"{server}_")):
        for name, text in options.get(table, {}).items():
            if is_secret_name(name) and "env:" not in text:
                yield f"{table}.{name}", _variable(prefix + name)


def _kept(text: str, variable: str | None) -> str:
    """The text, or a reference to where it is to be."""
    if variable is None:
        return text
    scheme, space, _ = text.partition(" ")
    is_scheme = scheme.lower() in ("bearer", "basic", "token") and space
    return f"{scheme} env:{variable}" if is_scheme else f"env:{variable}"


def _variable(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).upper()


def _toml(value: Any) -> str:
    """JSON of texts and lists is TOML too, but for one sign that TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _say(line: str) -> None:
    typer.echo(f"onehop: {line}", err=True)
