"""A result as data: for the model in ``structuredContent``, the rest for programs in ``_meta``.

Many clients show the model ``structuredContent`` and drop the text, so that each field in it costs
tokens.
"""

from __future__ import annotations

from typing import Any, Final

from onehop.definition.told import Told
from onehop.types import ExecutionResult

PREFIX: Final = "onehop/"
"""Begins the names of what is ours in ``_meta``."""
_TOLD: Final = ("success", "output", "logs", "error", "warnings")
"""Fields of a result that ``structuredContent`` has whole."""
_ANY: Final[dict[str, Any]] = {
    "anyOf": [{"type": kind} for kind in ("object", "array", "string", "number", "boolean", "null")]
}
"""Every type of JSON: some clients take an empty schema for a mistake."""
_LINES: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string"}}

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["completed", "failed", "paused", "running"]},
        "output": _ANY,
        "outputTruncated": {"type": "boolean"},
        "logs": _LINES,
        "error": {"type": "string"},
        "warnings": _LINES,
        "corrections": _LINES,
        "artifacts": _LINES,
        "next": _LINES,
        "plan": _LINES,
    },
    "required": ["status"],
}
"""Of ``structuredContent``; newer servers may add fields. No more than types, for there are clients
that show it to the model with every turn."""


def to_data(told: Told) -> dict[str, Any]:
    """``structuredContent``: what the text says, without the fields that have nothing to say."""
    if told.running:
        return {"status": told.status, "next": [told.running]}
    if told.plan is not None:
        data: dict[str, Any] = {"status": "completed", "plan": [*told.plan]}
        warnings, advice = [*told.warnings, *told.findings], []
    elif told.success:
        data = {"status": "completed", "output": told.output}
        warnings, advice = [*told.warnings, *told.findings], [told.reading]
    else:
        data = {"status": "failed", "error": told.error}
        warnings, advice = [*told.warnings], [*told.findings, *told.hints]
    fields = {
        "outputTruncated": told.is_preview,
        "logs": [*told.logs],
        "warnings": warnings,
        "corrections": [*told.corrections],
        "artifacts": [*told.artifacts],
        "next": [*filter(None, advice)],
    }
    return data | {name: value for name, value in fields.items() if value}


def to_meta(result: ExecutionResult) -> dict[str, Any]:
    """``_meta``: the fields of a result that its data does not have, or has in fewer words."""
    # To turn a large output into data takes seconds, and it is not among them.
    wire = result.model_copy(update={"output": None}).to_dict()
    return {PREFIX + name: value for name, value in wire.items() if name not in _TOLD}
