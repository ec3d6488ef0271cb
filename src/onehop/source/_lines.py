"""Lines and columns as JavaScript counts them.

A line ends at LF, CRLF, CR, U+2028 or U+2029; a column is 1-based and counts UTF-16 code units.
"""

from __future__ import annotations

import re

_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")


def utf16_length(text: str) -> int:
    """How many UTF-16 code units ``text`` takes."""
    return len(text) if text.isascii() else sum(1 + (char > "\uffff") for char in text)


def lines(code: str) -> list[str]:
    """The lines without their ends; at least one, also for an empty text."""
    return _LINE_END.split(code)


def line_at(code: str, line: int) -> tuple[str, int] | None:
    """The text of a 1-based line and the index where it starts; None if there is no such line."""
    number, start = 1, 0
    for end in _LINE_END.finditer(code):
        if number == line:
            return code[start : end.start()], start
        number, start = number + 1, end.end()
    return (code[start:], start) if number == line else None


def position(code: str, index: int) -> tuple[int, int]:
    """The line and column of the character at ``index``."""
    line, start = 1, 0
    for end in _LINE_END.finditer(code, 0, index):
        line, start = line + 1, end.end()
    return line, utf16_length(code[start:index]) + 1


def index_in_line(text: str, column: int) -> int:
    """The index in a line's text at a UTF-16 column; the text's length if the column is beyond."""
    if text.isascii():
        return max(0, min(column - 1, len(text)))
    units = 0
    for index, char in enumerate(text):
        units += 1 + (char > "\uffff")
        if units >= column:
            return index
    return len(text)


def index_at(code: str, line: int, column: int) -> int | None:
    """The index of a position; None if the text has no such line."""
    found = line_at(code, line)
    return None if found is None else found[1] + index_in_line(found[0], column)
