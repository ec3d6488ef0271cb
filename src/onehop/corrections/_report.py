"""How a correction is reported."""

from __future__ import annotations

from typing import Any

from onehop.types import Correction

_SHOWN = 60
"""Characters of code that a correction repeats."""


def correction(kind: str, field: str, before: Any, after: Any) -> Correction:
    """The report of one repair."""
    return Correction.model_validate({"kind": kind, "field": field, "from": before, "to": after})


def shorten(text: str) -> str:
    """The first line of a text, or as much of it as fits."""
    text = text.strip()
    line = text[: 4 * _SHOWN].splitlines()[0] if text else ""
    whole = len(line) <= _SHOWN and len(line) == len(text)
    return line if whole else f"{line[:_SHOWN].rstrip()}…"
