"""A program repaired by an analysis process, and the answer read by the host."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from onehop.analysis import AnalysisLostError, BlockingAnalyst
from onehop.config import CorrectionConfig
from onehop.corrections._corrected import CorrectedCode, unexamined
from onehop.corrections._edits import Change, edited
from onehop.types import Correction, Language

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_MOST: Final = 100
"""Changes of one text."""
_MOST_TEXT: Final = 4_000
"""Characters of the report of one change."""


_UNCHANGED: Final[dict[str, Any]] = {
    "corrections": [],
    "changes": [],
    "missing": None,
    "contradiction": None,
}
"""What an analysis process answers about a program that needs no repair, beside its code."""


def corrected_blocking(
    analyst: BlockingAnalyst, code: str, language: Language, config: CorrectionConfig
) -> CorrectedCode:
    """``correct_code``, by an analysis process; blocks meanwhile. What is too much for the process
    stays as it is. Raises SandboxUnavailableError."""
    if not config.enabled:
        return CorrectedCode(code, [])
    try:
        return read_corrected(code, analyst.ask("correct", _arguments(code, language, config)))
    except (AnalysisLostError, ValueError, KeyError, TypeError):
        return unexamined(code)


def _arguments(code: str, language: Language, config: CorrectionConfig) -> dict[str, Any]:
    return {"code": code, "language": language, "config": config.model_dump()}


def read_corrected(code: str, answer: Any) -> CorrectedCode:
    """Of its form, and its edits really lead from ``code`` to the new text; else ValueError."""
    if answer == {**_UNCHANGED, "code": code}:  # nearly always: to learn to read more takes 20 ms
        return CorrectedCode(code, [])
    if len(answer["changes"]) > _MOST or len(answer["corrections"]) > _MOST:
        raise ValueError("there are more changes than any call is given")
    told = _adapter().validate_python(answer)
    if len(told.missing or "") > _MOST_TEXT or any(map(_is_long, told.corrections)):
        raise ValueError("the words are longer than any of ours")
    text = code
    for change in told.changes:
        if change.before != text or not _in_order(change):
            raise ValueError("the edits do not fit the text")
        text = edited(text, change.edits).after
        if change.after != text:
            raise ValueError("the edits do not give the text")
    if told.code != text:
        raise ValueError("the edits do not give the code")
    return told


def _is_long(correction: Correction) -> bool:
    return len(repr(correction)) > _MOST_TEXT


def _in_order(change: Change) -> bool:
    """Whether the edits lie in the text, one behind the other."""
    places = [0, *(at for edit in change.edits for at in (edit.start, edit.end))]
    return places == sorted(places) and places[-1] <= len(change.before)


@cache
def _adapter() -> TypeAdapter[CorrectedCode]:
    from pydantic import TypeAdapter  # for few programs

    return TypeAdapter(CorrectedCode)
