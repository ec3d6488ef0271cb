"""What discovery needs of a tool, and how code writes the way to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from onehop.tools._harmless import is_identifier, literal


class Declared(Protocol):
    """What is declared of a tool."""

    @property
    def path(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def member(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def input_schema(self) -> Mapping[str, Any] | None: ...
    @property
    def output_schema(self) -> Mapping[str, Any] | None: ...
    @property
    def has_http(self) -> bool:
        """Whether an answer that is an object or a list has ``$http``."""

    @property
    def answer_note(self) -> str:
        """Where the output schema comes from, if the tool does not declare it."""


def step_to(name: str) -> str:
    """How code goes on to a member of this name: ``.name`` or ``["name"]``."""
    return f".{name}" if is_identifier(name) else f"[{literal(name)}]"


def dotted(tool: Declared) -> str:
    """How the path is written after ``tools.``."""
    names = filter(None, (tool.namespace, tool.member))
    return "".join(map(step_to, names)).removeprefix(".")
