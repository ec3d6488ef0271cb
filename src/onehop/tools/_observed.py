"""A tool whose answers have been looked at, as discovery shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from onehop.tools._declared import Declared

if TYPE_CHECKING:
    from onehop.tools.observed import Observed

_EMPTY: Final = frozenset(("title", "description", "$schema"))
"""Keywords that say nothing of a value."""


def says_nothing(schema: Mapping[str, Any] | None) -> bool:
    """Whether a tool declares no answer, or no more than that it is any object."""
    if schema is None:
        return True
    said = {name: value for name, value in schema.items() if name not in _EMPTY}
    if said.pop("additionalProperties", True) not in (True, {}):
        return False
    return said in ({}, {"type": "object"}) or said == {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class AsObserved:
    """``tool`` with the observed type of its answer, and a note that says so."""

    tool: Declared
    observed: Observed

    @property
    def path(self) -> str:
        return self.tool.path

    @property
    def namespace(self) -> str:
        return self.tool.namespace

    @property
    def member(self) -> str:
        return self.tool.member

    @property
    def description(self) -> str:
        return self.tool.description

    @property
    def input_schema(self) -> Mapping[str, Any] | None:
        return self.tool.input_schema

    @property
    def output_schema(self) -> Mapping[str, Any] | None:
        return self.observed.schema

    @property
    def has_http(self) -> bool:
        return self.tool.has_http

    @property
    def answer_note(self) -> str:
        count, day = self.observed.count, self.observed.day
        many = "1 answer" if count == 1 else f"{count} answers"
        return f"@observed in {many}, the last on {day}; other answers may differ"
