"""What came of the repair of a program. The repairs themselves are made in another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from onehop.corrections._edits import Change, original_position
from onehop.types import Correction, ExecutionResult, Language

NOTHING: Final = "nothing was returned: end the code with `return` and the value that you want"
UNSEEN: Final = (
    "the output is null, and the code is too long or too tangled to be searched for the reason: "
    "end it with `return` and the value that you want, and pass large data in `context`"
)


@dataclass(frozen=True, slots=True)
class CorrectedCode:
    """Code as it was meant, and what was changed."""

    code: str
    corrections: list[Correction]
    changes: tuple[Change, ...] = ()
    """One after the other, from the caller's text to ``code``."""
    missing: str | None = None
    """The warning if it runs and gives nothing: why, as far as its text tells."""
    contradiction: tuple[Language, Language] | None = None
    """The language of the call, and the other one that was named around the program."""

    def original_position(self, line: int, column: int) -> tuple[int, int]:
        """Where in the caller's text a position of the corrected code is; 1-based, in UTF-16."""
        return original_position(self.changes, line, column)


def unexamined(code: str) -> CorrectedCode:
    """A program that was too much to be looked at, and stays as it is."""
    return CorrectedCode(code, [], missing=UNSEEN)


def unreturned(corrected: CorrectedCode, result: ExecutionResult) -> str | None:
    """What to say of a run that succeeded and gave nothing; printing alone is a use too."""
    if not result.success or result.output is not None:
        return None
    return None if corrected.missing == NOTHING and result.logs else corrected.missing
