"""A syntax error explained by an analysis process, and the answer read by the host."""

from __future__ import annotations

from functools import cache
from typing import Final

from pydantic import TypeAdapter, ValidationError

from onehop.analysis import AnalysisLostError, Analyst
from onehop.errors import SandboxUnavailableError
from onehop.source._diagnose import Diagnosis
from onehop.types import Language

_MOST_TEXT: Final = 4_000
_MOST_PLACE: Final = 1 << 30


async def explained(
    analyst: Analyst, agent_id: str, code: str, language: Language, engine: Diagnosis
) -> Diagnosis:
    """``diagnose``, by the process that ``analyst`` has for this agent, of what the engine said.

    The engine's own words stand where no process can be had, or the text is too much for it.
    """
    said = {"message": engine.message, "line": engine.line, "column": engine.column}
    arguments = {"code": code, "language": language, **said}
    try:
        found = _adapter().validate_python(await analyst.ask(agent_id, "diagnose", arguments))
        return found if _is_likely(found) else engine
    except (AnalysisLostError, SandboxUnavailableError, ValidationError):
        return engine


def _is_likely(found: Diagnosis) -> bool:
    places = [place for place in (found.line, found.column) if place is not None]
    return len(found.message) <= _MOST_TEXT and all(0 < place <= _MOST_PLACE for place in places)


@cache
def _adapter() -> TypeAdapter[Diagnosis]:
    return TypeAdapter(Diagnosis)
