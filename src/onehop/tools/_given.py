"""How a function is called whose schema was given: by keyword if the schema names its parameters,
otherwise with one dict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from onehop.errors import ConfigError
from onehop.tools._context import is_context
from onehop.tools._signature import parameters_of

_BY_NAME: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class GivenSchema:
    """The same questions as of a Signature, for arguments that are passed on as they are."""

    def __init__(self, call: Callable[..., Any], schema: Mapping[str, Any]) -> None:
        parameters = _parameters(call)
        self.contexts = tuple(p.name for p in parameters if is_context(p.annotation))
        others = [p for p in parameters if not is_context(p.annotation)]
        self.names = _names(others, set(schema.get("properties", {})))

    def convert(self, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with, by position and by keyword."""
        return ([arguments], {}) if self.names is None else ([], dict(arguments))

    def unknown(self, arguments: dict[str, Any]) -> str | None:
        """An argument that the function does not take, though the schema lets it pass."""
        if not self.names:
            return None if self.names is None else next(iter(arguments), None)
        if "**" in self.names:
            return None
        return next((name for name in arguments if name not in self.names), None)


def _parameters(call: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return parameters_of(call)
    except ConfigError:  # a function that is written in C, for instance
        return [inspect.Parameter("arguments", inspect.Parameter.POSITIONAL_ONLY)]


def _names(parameters: list[inspect.Parameter], wanted: set[str]) -> frozenset[str] | None:
    """What may be given by keyword; None if the function takes one dict."""
    by_name = {p.name for p in parameters if p.kind in _BY_NAME}
    is_open = any(p.kind is p.VAR_KEYWORD for p in parameters)
    needed = {
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }
    if needed <= wanted and needed <= by_name and (is_open or wanted <= by_name):
        return frozenset(by_name | ({"**"} if is_open else set()))
    return None
