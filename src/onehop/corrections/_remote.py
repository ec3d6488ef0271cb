"""A program repaired by an analysis process, and the answer read by the host."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from onehop.analysis import AnalysisLostError, Analyst, BlockingAnalyst
from onehop.config import CorrectionConfig
from onehop.corrections._code import CorrectedCode
from onehop.corrections._edits import Change, edited
from onehop.types import Language


async def corrected(
    analyst: Analyst, agent_id: str, code: str, language: Language, config: CorrectionConfig
) -> CorrectedCode:
    """``correct_code``, by the process that ``analyst`` has for this agent. What is too much for
    the process stays as it is. Raises SandboxUnavailableError."""
    if not config.enabled:
        return CorrectedCode(code, [])
    try:
        answer = await analyst.ask(agent_id, "correct", _arguments(code, language, config))
        return _read(code, answer)
    except (AnalysisLostError, ValueError):
        return CorrectedCode(code, [])


def corrected_blocking(
    analyst: BlockingAnalyst, code: str, language: Language, config: CorrectionConfig
) -> CorrectedCode:
    """``corrected``, for whoever has no event loop; blocks meanwhile."""
    if not config.enabled:
        return CorrectedCode(code, [])
    try:
        return _read(code, analyst.ask("correct", _arguments(code, language, config)))
    except (AnalysisLostError, ValueError):
        return CorrectedCode(code, [])


def _arguments(code: str, language: Language, config: CorrectionConfig) -> dict[str, Any]:
    return {"code": code, "language": language, "config": config.model_dump()}


def _read(code: str, answer: Any) -> CorrectedCode:
    """Of its form, and its edits really lead from ``code`` to the new text; else ValueError."""
    told = _adapter().validate_python(answer)
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


def _in_order(change: Change) -> bool:
    """Whether the edits lie in the text, one behind the other."""
    places = [0, *(at for edit in change.edits for at in (edit.start, edit.end))]
    return places == sorted(places) and places[-1] <= len(change.before)


@cache
def _adapter() -> TypeAdapter[CorrectedCode]:
    return TypeAdapter(CorrectedCode)
