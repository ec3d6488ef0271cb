"""What an analysis process says of a run's text, asked for and read by the host: a syntax error in
better words, and what a session's call declares."""

from __future__ import annotations

import json
from functools import cache
from typing import Final

from pydantic import TypeAdapter, ValidationError

from onehop.analysis import AnalysisLostError, Analyst
from onehop.errors import SandboxUnavailableError
from onehop.source import MOST_NAMES, NOTHING, Diagnosis, Kept, has_to_be_read
from onehop.types import Language

_MOST_TEXT: Final = 4_000
_MOST_NAME: Final = 1_000
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


async def kept_by(analyst: Analyst | None, agent_id: str, code: str, language: Language) -> Kept:
    """``keep_declarations``, by the process that ``analyst`` has for this agent; of a text that is
    too much for it, nothing is kept."""
    if not has_to_be_read(code):
        return NOTHING
    if analyst is None:
        return Kept(is_read=False)
    try:
        answer = await analyst.ask(agent_id, "keep", {"code": code, "language": language})
        found = _kept_adapter().validate_python(answer)
    except (AnalysisLostError, SandboxUnavailableError, ValidationError):
        return Kept(is_read=False)
    sizes = len(found.edits), len(found.values), 100 * len(found.loops.found)
    is_fit = max(sizes) <= MOST_NAMES and _is_in_order(found, code)
    return found if is_fit else Kept(is_read=False)


def _is_in_order(kept: Kept, code: str) -> bool:
    """Whether no edit reaches into the next one, or beyond the end."""
    at = 0
    for start, gone, text in kept.edits:
        if start < at or gone < 0 or len(text) > _MOST_TEXT:
            return False
        at = start + gone
    names = [name for loop in kept.loops.found for name in loop.names]
    is_within = all(0 <= loop.start <= loop.end <= 2 * len(code) for loop in kept.loops.found)
    return at <= 2 * len(code) and is_within and all(map(_is_name, (*kept.names, *names)))


def _is_name(name: str) -> bool:
    return len(name) <= _MOST_NAME and name.replace("$", "a").isidentifier()


def kept_json(kept: Kept) -> str:
    """As the worker gets it."""
    return _nothing_json() if kept is NOTHING else _json(kept)


@cache
def _nothing_json() -> str:
    return _json(NOTHING)


def _json(kept: Kept) -> str:
    return json.dumps(
        {
            "edits": kept.edits,
            "values": kept.values,
            "lets": kept.lets,
            "consts": kept.consts,
            "variables": kept.variables,
            "functions": kept.functions,
            "fresh": kept.fresh,
            "strict": kept.is_strict,
            "read": kept.is_read,
        }
    )


@cache
def _kept_adapter() -> TypeAdapter[Kept]:
    return TypeAdapter(Kept)
