"""What is kept of a tool's answers, and what is shown of them; plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedType:
    """What a store keeps of the answers of one tool."""

    namespace: str
    """Of the server that the tool belongs to; empty for a tool without one."""
    tool: str
    """The tool's path."""
    fingerprint: str
    """Of the tool's input schema: another tool of this path begins anew."""
    shape: str
    """JSON text, as ``shape_to_text`` writes it."""
    count: int
    """Answers that were looked at."""
    observed_at: int
    """When the last of them came, in ms since the epoch."""
    revision: int = 0
    """How often it was kept; the store counts."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What declarations show of it: a hint, and not a promise."""

    schema: Mapping[str, Any]
    count: int
    day: str
    """Of the last answer, ``2026-11-29``."""
