"""The lines of a source that a line of the compiled text comes from, by its source map."""

from __future__ import annotations

from collections.abc import Iterator

_DIGITS = {
    letter: value
    for value, letter in enumerate(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    )
}


def source_lines(mappings: str) -> list[set[int]]:
    """For each compiled line, from 0, the lines of the source that it was made of, from 1."""
    line, found = 0, []
    for row in mappings.split(";"):
        lines = set()
        for segment in filter(None, row.split(",")):
            numbers = list(_numbers(segment))
            if len(numbers) >= 4:
                line += numbers[2]
                lines.add(line + 1)
        found.append(lines)
    return found


def _numbers(segment: str) -> Iterator[int]:
    """Signed numbers of six-bit digits, the lowest first: five of value, one that more follow."""
    value = shift = 0
    for letter in segment:
        digit = _DIGITS[letter]
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0
