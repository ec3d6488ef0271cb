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


def at(node: Node, message: str) -> Hit:
    """A hit at the start of ``node``."""
    return Hit(node.start_byte >> 1, message)
