"""Repairs of the code of one call, and the way back to the text that the caller wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from onehop.config import CorrectionConfig
from onehop.corrections._comments import respell_comments
from onehop.corrections._completion import complete
from onehop.corrections._corrected import CorrectedCode
from onehop.corrections._draft import Draft, Repair
from onehop.corrections._edits import Change, edited
from onehop.corrections._exports import without_exports
from onehop.corrections._fence import unfence
from onehop.corrections._keyword import with_function
from onehop.corrections._missing import what_is_missing
from onehop.corrections._misspelling import respell_words
from onehop.corrections._report import correction
from onehop.corrections._spelling import respell
from onehop.types import Correction, Language

_Step = Callable[[Draft], Repair | None]
_STEPS: Final[Sequence[_Step]] = (
    unfence,
    respell,
    respell_comments,
    respell_words,
    with_function,
    without_exports,
    complete,
)
"""Each finds one thing to repair; those on the text come before those on its meaning."""


def correct_code(
    code: str, language: Language, config: CorrectionConfig, *, keeps: bool = False
) -> CorrectedCode:
    """Repair a program; one that returns at its top level keeps what it does.

    At most ``config.max_retries`` repairs. ``keeps``: later calls see what it declares.
    """
    draft, made, changes = Draft(code, language, keeps=keeps), list[Correction](), list[Change]()
    steps, other = list(_STEPS), None
    while config.enabled:
        repair = _next(draft, steps)
        if repair is None or len(made) == config.max_retries:
            missing = what_is_missing(draft)
            return CorrectedCode(draft.code, made, tuple(changes), missing, other)
        if repair.language not in (None, language):
            other = (language, repair.language)
        changes.append(edited(draft.code, repair.edits))
        made.append(correction(repair.kind, "code", repair.before, repair.after))
        draft = draft.changed(repair.edits)
    return CorrectedCode(code, [])


def _next(draft: Draft, steps: list[_Step]) -> Repair | None:
    """What the first step finds that finds something; it is not asked again."""
    for step in steps:
        repair = step(draft)
        if repair is not None:
            steps.remove(step)
            return repair
    return None
