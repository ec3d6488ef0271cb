"""A place that a rule objects to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Hit:
    """Where, as a UTF-16 unit of the text, and what is wrong there."""

    unit: int
    message: str
    certain: bool = True
    """Whether each run fails for it. What may run is a warning, whatever the rule."""


def at(node: Node, message: str, *, certain: bool = True) -> Hit:
    """A hit at the start of ``node``."""
    return Hit(node.start_byte >> 1, message, certain)
