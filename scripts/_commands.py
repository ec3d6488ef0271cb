"""Print docs/reference/cli.md from the help of each command; scripts/docs puts it in place."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ["COLUMNS"] = os.environ["TERMINAL_WIDTH"] = "88"

import typer  # noqa: E402 - the width counts from here on
from typer.testing import CliRunner  # noqa: E402

from onehop.cli import app  # noqa: E402

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
