"""A program repaired by an analysis process, and the answer read by the host."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from onehop.analysis import AnalysisLostError, Analyst, BlockingAnalyst
from onehop.config import CorrectionConfig
from onehop.corrections._code import CorrectedCode
from onehop.types import Language


async def corrected(
    analyst: Analyst, agent_id: str, code: str, language: Language, config: CorrectionConfig
) -> CorrectedCode:
    """``correct_code``, by the process that ``analyst`` has for this agent. What is too much for
    the process stays as it is. Raises SandboxUnavailableError."""
    if not config.enabled:
        return CorrectedCode(code, [])
    try:
        return _read(await analyst.ask(agent_id, "correct", _arguments(code, language, config)))
    except (AnalysisLostError, ValidationError):
        return CorrectedCode(code, [])


def corrected_blocking(
    analyst: BlockingAnalyst, code: str, language: Language, config: CorrectionConfig
) -> CorrectedCode:
    """``corrected``, for whoever has no event loop; blocks meanwhile."""
    if not config.enabled:
        return CorrectedCode(code, [])
    try:
        return _read(analyst.ask("correct", _arguments(code, language, config)))
    except (AnalysisLostError, ValidationError):
        return CorrectedCode(code, [])


def _arguments(code: str, language: Language, config: CorrectionConfig) -> dict[str, Any]:
    return {"code": code, "language": language, "config": config.model_dump()}


def _read(answer: Any) -> CorrectedCode:
    """Of its form, or ValidationError."""
    return _adapter().validate_python(answer)


@cache
def _adapter() -> TypeAdapter[CorrectedCode]:
    return TypeAdapter(CorrectedCode)
