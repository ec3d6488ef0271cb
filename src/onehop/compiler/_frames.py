"""Fields of answers, which were made from an agent's text: hostile until checked."""

from __future__ import annotations

from typing import Any

from onehop.inputs.gc import Body, read_json

_MOST_LINES = 1 << 30


class AnswerError(Exception):
    """An honest process never says this."""


def frame_of(body: Body, number: int) -> dict[str, Any]:
    """The answer to question ``number``. Raises AnswerError."""
    frame = _object(body)
    if frame.get("id") != number or isinstance(frame["id"], bool):
        raise AnswerError("an answer to another question")
    return frame


def _object(body: Body) -> dict[str, Any]:
    try:
        frame = read_json(body)
    except ValueError as error:
        raise AnswerError(f"an answer that is not JSON: {str(error)[:80]}") from None
    if not isinstance(frame, dict):
        raise AnswerError("an answer that is not an object")
    return frame


def text_of(frame: dict[str, Any], name: str) -> str:
    value = frame.get(name)
    if not isinstance(value, str):
        raise AnswerError(f"an answer with a wrong or missing field {name!r}")
    return value


def place_of(frame: dict[str, Any], name: str) -> int | None:
    value = frame.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _MOST_LINES:
        raise AnswerError(f"an answer with an impossible number in {name!r}")
    return value
