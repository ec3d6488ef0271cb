"""Tables for people: as wide as the terminal at most, and plain text where there is none."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from onehop.cli._output import write
from onehop.types.shown.hidden import HIDDEN

if TYPE_CHECKING:
    from rich.text import Text

_GAP: Final = 2
"""Spaces between columns."""
_LONGEST: Final = 4_000
"""Characters of a cell on a terminal: more would flood it, and take seconds to lay out."""
_NO_TERMINAL: Final = 1 << 16
"""Width where nothing needs to be shortened."""


@dataclass(frozen=True, slots=True)
class Column:
    """How the cells below one heading are shown."""

    heading: str
    number: bool = False
    """Right-aligned, and always shown whole."""
    whole: bool = False
    """Never shortened either."""
    wraps: bool = False
    """Continues on the next line rather than be shortened."""
    optional: bool = False
    """Left out where there is not room for all."""


def clean(text: Any, most: int | None = None) -> str:
    """Anything as one line that steers no terminal, and of ``most`` characters at most."""
    whole = str(text)
    rest = 0 if most is None else len(whole) - most
    line = " ".join(whole[:most].splitlines())
    shown = HIDDEN.sub("\ufffd", line).replace("\t", " ")
    return f"{shown} … {rest:,} more characters" if rest > 0 else shown


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    """Print ``rows`` to standard output; None is an empty cell. On a terminal cells are shortened
    to its width, or where they wrap to a length, elsewhere they are whole."""
    width = terminal_width()
    most = None if width == _NO_TERMINAL else _LONGEST
    cells = [["" if cell is None else clean(cell, most) for cell in row] for row in rows]
    shown = _fitting(columns, cells, width)
    kept = [[row[index] for index in shown] for row in cells]
    heading, *lines = _lines([columns[index] for index in shown], kept, width)
    write(sys.stdout, f"{heading}\n", "bold")
    for line in lines:
        write(sys.stdout, f"{line}\n")


def terminal_width() -> int:
    """Of standard output, in characters; a very large number if it is not a terminal."""
    if not sys.stdout.isatty():
        return _NO_TERMINAL
    from rich.console import Console

    return Console(file=sys.stdout).width


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns to show: optional ones are left out, the last first, until all fit."""
    widths = [
        _width([column.heading, *(row[index] for row in rows)])
        for index, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    for index in reversed(range(len(columns))):
        needed = sum(widths[each] for each in shown) + _GAP * (len(shown) - 1)
        if columns[index].optional and needed > width:
            shown.remove(index)
    return shown


def _width(cells: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, cells))


def _lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Sequence[str]:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="")
    for column in columns:
        table.add_column(
            _cell(column, column.heading),
            justify="right" if column.number else "left",
            no_wrap=column.number or column.whole,
        )
    for row in rows:
        table.add_row(*map(_cell, columns, row))
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip(" ") for line in captured.get().removesuffix("\n").split("\n")]


def _cell(column: Column, text: str) -> Text:
    from rich.text import Text

    return Text(text, no_wrap=not column.wraps, overflow="fold" if column.wraps else "ellipsis")
