"""Small plots of characters, for terminals that can show them; pure."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final, TextIO

_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def can_plot(stream: TextIO | None = None) -> bool:
    """Whether it is a terminal that shows such characters."""
    target = stream or sys.stdout
    unicode = (target.encoding or "").lower().replace("-", "") == "utf8"
    return target.isatty() and unicode and os.environ.get("TERM") not in (None, "", "dumb")


def spark(values: Sequence[float]) -> str:
    """One block for each value; a blank for zero. The highest value is the highest block."""
    most = max(values, default=0)
    return "".join(_block(value, most) for value in values)


def _block(value: float, most: float) -> str:
    if value <= 0 or most <= 0:
        return " "
    return _BLOCKS[min(int(value / most * len(_BLOCKS)), len(_BLOCKS) - 1)]


def bar(parts: Sequence[tuple[int, str]], whole: int, width: int) -> str:
    """A bar of ``width`` characters, that ``parts`` of ``whole`` fill with their own characters."""
    total = max(whole, sum(count for count, _ in parts), 1)
    cells = "".join(sign * round(count * width / total) for count, sign in parts)
    return cells[:width].ljust(width, "·")
