"""The words of a docstring: what the tool does, its parameters, its result."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Words:
    """What a docstring says."""

    description: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    returns: str = ""


def words_of(function: Callable[..., Any]) -> Words:
    """In Google's, NumPy's, Sphinx's or Epydoc's style. Without docstring-parser, or where it
    cannot read it, the whole docstring is the description."""
    text = _docstring(function)
    if not text:
        return Words()
    try:
        return _parsed(text)
    except Exception:
        return Words(text)


def _docstring(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function) and not inspect.isclass(function):
        function = inspect.getattr_static(type(function), "__call__", function)
    return (inspect.getdoc(function) or "").strip()


def _parsed(text: str) -> Words:
    from docstring_parser import parse

    parsed = parse(text)
    parameters = {item.arg_name: (item.description or "").strip() for item in parsed.params}
    returns = parsed.returns.description if parsed.returns else None
    return Words((parsed.description or "").strip(), parameters, (returns or "").strip())
