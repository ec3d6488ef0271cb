"""Print docs/reference/cli.md from the help of each command, for scripts/docs."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ["COLUMNS"] = os.environ["TERMINAL_WIDTH"] = "88"

import typer
from typer.testing import CliRunner

from onehop.cli import app

_PAGE = """\
# The command line

Made by `scripts/docs` from the help of each command; do not edit.

Values go to standard output; console lines, warnings and errors go to standard error. Every command
prints this help with `--help`.

{commands}
"""


def main() -> None:
    """Print the page."""
    root = typer.main.get_command(app)
    print(_PAGE.format(commands="\n\n".join(_pages(root, []))), end="")


def _pages(command: object, path: list[str]) -> Iterator[str]:
    shown = CliRunner().invoke(app, [*path, "--help"], prog_name="onehop")
    text = "\n".join(line.rstrip() for line in shown.output.strip("\n").splitlines())
    yield f"## `{' '.join(['onehop', *path])}`\n\n```text\n{text}\n```"
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _pages(inner, [*path, name])


if __name__ == "__main__":
    main()
