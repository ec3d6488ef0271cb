"""Changes of a text, and the way back from the changed text to the one that was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onehop.source._lines import index_in_line, line_at, position


@dataclass(frozen=True, slots=True)
class Edit:
    """Put ``text`` in place of the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A text before and after some edits, which are in its order and do not overlap."""

    before: str
    after: str
    edits: tuple[Edit, ...]

    def original_position(self, line: int, column: int) -> tuple[int, int]:
        """Where in ``before`` a position in ``after`` is; 1-based, in UTF-16."""
        found = line_at(self.after, line)
        if found is None:
            return line, column
        index = found[1] + index_in_line(found[0], column)
        rest = column - position(self.after, index)[1]  # the second half of a character, or beyond
        original, stands = self._original_index(index)
        at, where = position(self.before, original)
        return at, where + (rest if stands else 0)

    def _original_index(self, index: int) -> tuple[int, bool]:
        """An index of ``before``, and whether a character was written there."""
        shift = 0
        for edit in self.edits:
            start = edit.start + shift
            if index < start:
                break
            if index < start + len(edit.text):
                same = len(edit.text) == edit.end - edit.start
                return edit.start + (index - start if same else 0), same
            shift += len(edit.text) - (edit.end - edit.start)
        return index - shift, True


def edited(code: str, edits: Iterable[Edit]) -> Change:
    """Make the edits."""
    ordered = tuple(sorted(edits, key=lambda edit: (edit.start, edit.end)))
    parts: list[str] = []
    at = 0
    for edit in ordered:
        parts += code[at : edit.start], edit.text
        at = edit.end
    return Change(code, "".join([*parts, code[at:]]), ordered)


def original_position(changes: Sequence[Change], line: int, column: int) -> tuple[int, int]:
    """Back through all changes; the last one is undone first."""
    for change in reversed(changes):
        line, column = change.original_position(line, column)
    return line, column
