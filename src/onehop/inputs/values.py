"""Counts the values in JSON text, while it comes in, before anything builds them."""

from __future__ import annotations

from typing import Final

_STEP: Final = 256 * 1024
_MARKS: Final = (b",", b"[", b"{")
_ALL_MARKS: Final = b"".join(_MARKS)


class ValueCount:
    """How many values there are at most in the text so far: each follows one of these marks.

    It looks at whole chunks with functions written in C, and tells text in quotes from the rest, so
    that a long text with commas in it counts as one value.
    """

    def __init__(self) -> None:
        self.total = 1
        self._in_text = False
        self._held = b""

    def feed(self, chunk: bytes) -> None:
        """More of the text, cut anywhere."""
        text = self._held + chunk
        cut = len(text) - (len(text) - len(text.rstrip(b"\\"))) % 2  # no escape is cut in two
        self._held = text[cut:]
        parts = text[:cut].replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        outside = b"".join(parts[self._in_text :: 2])
        self._in_text ^= len(parts) % 2 == 0
        self.total += sum(map(outside.count, _MARKS))


def has_more_values(text: bytes, most: int) -> bool:
    """Whether a whole text has more than ``most``. Most texts have so few bytes, or so few marks in
    quotes or not, that nobody needs to tell these apart: that takes six times as long."""
    if len(text) < most:
        return False
    marks = len(text) - len(text.translate(None, _ALL_MARKS))
    return marks >= most and count_values(text) > most


def count_values(text: bytes) -> int:
    """The count of a whole text, in steps between which other threads may run."""
    count = ValueCount()
    for start in range(0, len(text), _STEP):
        count.feed(text[start : start + _STEP])
    return count.total
