"""The page of the command line names every command, client, and exit code of the help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from onehop.cli import app
from onehop.cli._exits import ExitCode
from onehop.cli._mcp_clients import CLIENTS
from tests.users import ROOT

pytestmark = pytest.mark.unit

PAGE = (ROOT / "docs/how-to/use-the-command-line.md").read_text("utf-8")


def commands(group: Any, path: tuple[str, ...] = ("onehop",)) -> Iterator[str]:
    """Every command by its words; a group that does something itself is one too."""
    known = getattr(group, "commands", None)
    if known is None or (len(path) > 1 and group.invoke_without_command):
        yield " ".join(path)
    for name, each in (known or {}).items():
        yield from commands(each, (*path, name))


def test_every_command_is_in_the_table_and_no_other() -> None:
    told = re.findall(r"^\| `(onehop [a-z ]+)` \|", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(commands(get_command(app)))


def test_every_client_is_in_the_table_and_no_other() -> None:
    told = re.findall(r"^\| ([\w .]+) \| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert [name for _, name in told] == list(CLIENTS)
    for title, name in told:
        assert title in CLIENTS[name].title


def test_every_exit_code_is_in_the_table() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert told == set(ExitCode)


def test_every_option_that_the_page_uses_is_there() -> None:
    """In its blocks of commands."""
    words = {" ".join(path.split()[1:]): each for path, each in _options(get_command(app))}
    for line in re.findall(r"^onehop (\S.*?)(?:  +#.*)?$", PAGE, re.MULTILINE):
        name = max((each for each in words if line.startswith(each)), key=len)
        used = set(re.findall(r"(--[a-z-]+)", line))
        assert used <= words[name], line


def _options(group: Any, path: str = "onehop") -> Iterator[tuple[str, set[str]]]:
    yield path, {option for each in group.params for option in each.opts + each.secondary_opts}
    for name, each in getattr(group, "commands", {}).items():
        yield from _options(each, f"{path} {name}")
