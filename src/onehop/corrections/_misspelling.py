"""Words of the language that are misspelt: `retrun 1` does not parse, and `return 1` does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from onehop.corrections._draft import Repair
from onehop.corrections._edits import Edit
from onehop.corrections._standing import types_of
from onehop.source._misspelt import meant_by

if TYPE_CHECKING:
    from onehop.corrections._draft import Draft

_WORD: Final = re.compile(r"(?<![\w$.#])[A-Za-z]{4,11}(?![\w$])(?!\s*:)")
_LONGEST: Final = 100_000
"""Characters; each word is looked up in the tree by a walk over what stands before it."""
_MOST: Final = 20


def respell_words(draft: Draft) -> Repair | None:
    """The program with its misspelt words as the language has them."""
    if len(draft.code) > _LONGEST:
        return None
    slips = [*_slips(draft.code)]
    if not 0 < len(slips) <= _MOST or not draft.broken:
        return None
    edits = _that_are_words(draft, tuple(slips))
    if not edits or draft.changed(edits).whole is None:
        return None
    first = edits[0]
    return Repair("keyword", edits, draft.code[first.start : first.end], first.text)


def _that_are_words(draft: Draft, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Those that stand where the language has a word of its own; the others are names or texts."""
    after = draft.changed(edits)
    if after.tree is None:
        return ()
    types = types_of(after.tree, after.code, edits)
    return tuple(edit for edit, kind in zip(edits, types, strict=True) if kind == edit.text)


def _slips(code: str) -> Iterator[Edit]:
    for found in _WORD.finditer(code):
        meant = meant_by(found.group())
        if meant is not None:
            yield Edit(found.start(), found.end(), meant)
