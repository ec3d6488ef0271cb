"""The source line with its caret, for lines of every kind."""

from __future__ import annotations

import pytest

from onehop.source import excerpt

pytestmark = pytest.mark.unit


def caret_under(picture: str | None) -> str:
    """The character above the caret, when every character is one wide."""
    assert picture is not None
    source, below = picture.split("\n")
    at = below.index("^")
    return source[at : at + 1]


def test_the_caret_stands_below_the_column() -> None:
    code = "let a = 1;\n\nlet b = = 2;"
    assert excerpt(code, 3, 9) == " 3 | let b = = 2;\n   |         ^"


def test_the_gutter_is_as_wide_as_the_line_number() -> None:
    assert excerpt("\n" * 99 + "x", 100, 1) == " 100 | x\n     | ^"


def test_tabs_are_kept_so_that_the_caret_aligns() -> None:
    assert excerpt("\tif (x)\ty", 1, 9) == " 1 | \tif (x)\ty\n   | \t      \t^"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029"])
def test_every_line_end_of_javascript_counts(end: str) -> None:
    assert excerpt(f"a{end}b{end}c", 2, 1) == " 2 | b\n   | ^"


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x85"])
def test_other_separators_end_no_line(char: str) -> None:
    assert excerpt(f"a{char}b", 2, 1) is None


@pytest.mark.parametrize("column", [1, 30, 61, 500, 950, 1000, 1001])
def test_a_long_line_is_cut_around_the_column(column: int) -> None:
    code = "".join(chr(97 + at % 26) for at in range(1000))
    picture = excerpt(code, 1, column)
    assert picture is not None
    assert max(map(len, picture.split("\n"))) <= 110
    assert caret_under(picture) == code[column - 1 : column]
    assert picture.split("\n")[0].endswith("…") == (column < 960)


def test_columns_count_utf16_units_and_wide_characters_take_two_cells() -> None:
    assert excerpt("'😀' + x", 1, 8) == " 1 | '😀' + x\n   |        ^"
    assert excerpt("'日本' + x", 1, 8) == " 1 | '日本' + x\n   |          ^"
    assert excerpt("'e\u0301' + x", 1, 8) == " 1 | 'e\u0301' + x\n   |       ^"


def test_a_column_beyond_the_line_points_behind_it() -> None:
    assert excerpt("f(", 1, 99) == " 1 | f(\n   |   ^"


def test_without_a_column_there_is_no_caret() -> None:
    assert excerpt("a\nb", 2, None) == " 2 | b"


@pytest.mark.parametrize("line", [None, 0, -1, 3])
def test_a_line_that_does_not_exist_has_no_excerpt(line: int | None) -> None:
    assert excerpt("a\nb", line, 1) is None


def test_what_could_steer_a_terminal_is_replaced() -> None:
    picture = excerpt("x\x1b[31m\u202ey", 1, 1)
    assert picture == " 1 | x\ufffd[31m\ufffdy\n   | ^"


def test_an_empty_text_has_one_empty_line() -> None:
    assert excerpt("", 1, 1) == " 1 | \n   | ^"
