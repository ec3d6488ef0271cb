"""Commands that the documents name exist, with the options that they are given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from onehop.cli import app
from tests.docs.test_documents import PAGES
from tests.users import ROOT

pytestmark = pytest.mark.unit

FENCED = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:onehop|scripts/)[^`]*)`")
CALL = re.compile(r"(?:^|\| )(onehop(?: .*)?|scripts/[\w-]+)")
ENDS = re.compile(r"[;<>#&]|\$\(|…| \|(?! onehop)")
COMMANDS: Any = typer.main.get_command(app)


def calls(page: Path) -> Iterator[str]:
    """Each call of onehop, and each script, in blocks and in backticks."""
    text = page.read_text("utf-8")
    for block in FENCED.findall(text):
        for line in block.splitlines():
            found = CALL.search(ENDS.split(line.removeprefix("$ "))[0])
            if found:
                yield found[1]
    for code in INLINE.findall(re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)):
        yield ENDS.split(code)[0]


def test_commands_that_a_document_names_exist() -> None:
    named = [(page, call) for page in PAGES for call in calls(page)]
    assert len(named) > len(PAGES)
    for page, call in named:
        check(shlex.split(call.replace("'", "").replace('"', "")), str(page))


def check(words: list[str], page: str = "") -> None:
    program, *rest = words
    if program != "onehop":
        assert (ROOT / program).exists() or not program.startswith("scripts/"), (page, program)
        return
    command = COMMANDS
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    unknown = rest and re.match(r"[a-z]", rest[0]) and hasattr(command, "commands")
    assert not unknown, (page, words)
    for word in rest:
        if re.fullmatch(r"--[a-z-]+", word):
            assert word in known | secondary(command), (page, words)


def secondary(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.secondary_opts}


def test_a_command_that_is_gone_is_found() -> None:
    with pytest.raises(AssertionError):
        check(["onehop", "run", "--fast"])
    with pytest.raises(AssertionError):
        check(["onehop", "agents", "promote", "ada"])
    with pytest.raises(AssertionError):
        check(["scripts/publish"])


def test_the_help_of_a_command_says_in_whole_what_each_of_its_commands_does() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    assert re.findall(r"^  \S+ +\S.*\.\.\.$", page, re.MULTILINE) == []
