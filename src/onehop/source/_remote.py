"""A syntax error explained by an analysis process, and the answer read by the host."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter, ValidationError

from onehop.analysis import AnalysisLostError, Analyst
from onehop.errors import SandboxUnavailableError
from onehop.source._diagnose import Diagnosis
from onehop.types import Language


async def explained(
    analyst: Analyst, agent_id: str, code: str, language: Language, engine: Diagnosis
) -> Diagnosis:
    """``diagnose``, by the process that ``analyst`` has for this agent, of what the engine said.

    The engine's own words stand where no process can be had, or the text is too much for it.
    """
    said = {"message": engine.message, "line": engine.line, "column": engine.column}
    arguments = {"code": code, "language": language, **said}
    try:
        return _adapter().validate_python(await analyst.ask(agent_id, "diagnose", arguments))
    except (AnalysisLostError, SandboxUnavailableError, ValidationError):
        return engine


@cache
def _adapter() -> TypeAdapter[Diagnosis]:
    return TypeAdapter(Diagnosis)
