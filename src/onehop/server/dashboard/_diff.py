"""Two texts, line by line; pure, and bounded."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import Final, Literal

_LINES: Final = 400
"""Lines of each text that are compared: the time for it grows faster than they do."""
_LENGTH: Final = 2_000
_AROUND: Final = 3
"""Lines that are alike and are shown beside those that are not."""


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line: in both texts, in the first only, in the second only; or where lines are left
    out."""

    kind: Literal["same", "out", "in", "gap"]
    text: str


def diff(before: str, after: str) -> list[DiffLine]:
    """What changes from one text to the other."""
    old, new = _split(before), _split(after)
    rows = list[DiffLine]()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            rows.extend(_alike(old[i1:i2], first=i1 == 0, last=i2 == len(old)))
            continue
        rows.extend(DiffLine("out", line) for line in old[i1:i2])
        rows.extend(DiffLine("in", line) for line in new[j1:j2])
    return rows


def side_by_side(lines: list[DiffLine]) -> list[tuple[DiffLine | None, DiffLine | None]]:
    """The same with both texts beside each other; None where only the other has a line."""
    rows = list[tuple[DiffLine | None, DiffLine | None]]()
    for kind, group in groupby(lines, key=lambda line: line.kind in ("out", "in")):
        found = list(group)
        if not kind:
            rows.extend((line, line) for line in found)
            continue
        left = [line for line in found if line.kind == "out"]
        right = [line for line in found if line.kind == "in"]
        rows.extend(zip_longest(left, right))
    return rows


def _alike(lines: list[str], *, first: bool, last: bool) -> list[DiffLine]:
    head = [] if first else lines[:_AROUND]
    tail = [] if last else lines[len(head) :][-_AROUND:]
    left_out = len(lines) - len(head) - len(tail)
    gap = [DiffLine("gap", f"{left_out} equal lines")] if left_out > 0 else []
    same = [[DiffLine("same", line) for line in part] for part in (head, tail)]
    return [*same[0], *gap, *same[1]]


def _split(text: str) -> list[str]:
    if not text:
        return []
    rows = [row[:_LENGTH] for row in text[: _LINES * _LENGTH].split("\n")]
    return rows[:_LINES]
