"""Cells of strangers in a table on a terminal: bounded, on their line, and nothing hidden."""

from __future__ import annotations

import io
import sys
import time

import pytest

from onehop.cli._table import Column, print_table


class Terminal(io.StringIO):
    """Standard output, as a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.unit
@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("unit", ["x ", "表\u202e\u200b", "\x1b[31m\0", "y", "\U000e0041"])
def test_a_cell_of_a_megabyte_neither_floods_nor_holds_a_terminal(
    unit: str, wraps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    began = time.process_time()
    print_table([Column("a"), Column("b", wraps=wraps)], [["1", unit * 1_000_000]])
    spent = time.process_time() - began
    text = terminal.getvalue()
    assert len(text) < 20_000
    assert text.count("\x1b") == 2  # of the heading, which is ours
    assert not {"\0", "\u202e", "\u200b", "\U000e0041"} & set(text)
    assert ("more characters" in " ".join(text.split())) or not wraps
    assert spent < 5


@pytest.mark.unit
def test_where_there_is_no_terminal_a_cell_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    print_table([Column("a")], [["x" * 30_000]])
    assert "x" * 30_000 in pipe.getvalue()
