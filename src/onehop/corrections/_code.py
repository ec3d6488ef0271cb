"""Repairs of the code of one call, and the way back to the text that the caller wrote."""

from __future__ import annotations

from dataclasses import dataclass

from onehop.config import CorrectionConfig
from onehop.corrections._completion import Completion, complete
from onehop.corrections._fence import find_fence, without_fence
from onehop.corrections._report import correction, shorten
from onehop.source._lines import position, utf16_length
from onehop.types import Correction, Language


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text that the caller did not write, at its place in the corrected code."""

    line: int
    column: int
    length: int
    """UTF-16 code units."""


@dataclass(frozen=True, slots=True)
class CorrectedCode:
    """Code as it was meant, and what was changed."""

    code: str
    corrections: list[Correction]
    insertions: tuple[Insertion, ...] = ()
    """In the order of the text; all else stands on the line and column where it was written."""

    def original_position(self, line: int, column: int) -> tuple[int, int]:
        """Where in the caller's text a position of the corrected code is; 1-based, in UTF-16."""
        shift = sum(
            min(inserted.length, column - inserted.column)
            for inserted in self.insertions
            if inserted.line == line and inserted.column < column
        )
        return line, column - shift


def correct_code(code: str, language: Language, config: CorrectionConfig) -> CorrectedCode:
    """Repair a program; one that returns at its top level is not touched but for a fence.

    At most ``config.max_retries`` rounds. Code that does not parse, or is too long to parse
    quickly, keeps everything but its fence.
    """
    rounds = config.max_retries if config.enabled else 0
    made = list[Correction]()
    fence = find_fence(code) if rounds else None
    if fence is not None:
        opening = code[slice(*fence.opening)]
        made.append(correction("fence", "code", shorten(opening), ""))
        code = without_fence(code, fence)
    completion = complete(code, language) if rounds > len(made) else None
    if completion is None:
        return CorrectedCode(code, made)
    return _completed(code, completion, made)


def _completed(code: str, completion: Completion, made: list[Correction]) -> CorrectedCode:
    start, end = completion.start, completion.end
    head = code[:start] + completion.before
    body = head + code[start:end]
    text = body + completion.after + code[end:]
    shown = shorten(code[start:end])
    repair = correction(
        completion.kind, "code", shown, completion.before + shown + completion.after
    )
    places = ((start, completion.before), (len(body), completion.after))
    insertions = (
        Insertion(*position(text, index), utf16_length(inserted))
        for index, inserted in places
        if inserted
    )
    return CorrectedCode(text, [*made, repair], tuple(insertions))
