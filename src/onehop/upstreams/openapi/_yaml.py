"""YAML as plain data, by the rules of YAML 1.2 that OpenAPI names: its scalars are those of JSON.

The events of libyaml's parser become data at once: a tree of nodes takes ten times the memory. What
grows out of proportion is refused: an alias counts for all that it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from onehop._extras import needed_for
from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._faults import DocumentError

_PART: Final = "OpenAPI documents in YAML"
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,400}")
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")
_WORDS: Final = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_FIRST: Final = frozenset("+-.0123456789")
"""With what a number begins."""
_SHARED: Final = 100
"""Characters of the texts that are kept once, however often they come."""


def read_yaml(text: bytes) -> Any:
    """Raises DocumentError that says where the text is wrong."""
    with needed_for(_PART):
        import yaml
        from yaml.cyaml import CParser  # type: ignore[attr-defined]
    parser = CParser(text)
    try:
        return _Builder(parser.get_event, yaml).document()
    except yaml.YAMLError as error:
        raise DocumentError(f"it is not YAML: {_briefly(error)}") from None


def _briefly(error: Any) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return f"{str(problem or error)[:200]}{where}"


class _Builder:
    """Makes data of events."""

    def __init__(self, next_event: Callable[[], Any], yaml: Any) -> None:
        self._next = next_event
        self._yaml = yaml
        self._left = _bounds.VALUES
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._texts: dict[str, str] = {}

    def document(self) -> Any:
        """The first and only one."""
        yaml, made = self._yaml, None
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                if made is not None:
                    raise DocumentError("it has several documents in one file")
                made = self._value(self._next(), 0)
        return made

    def _value(self, event: Any, depth: int) -> Any:
        yaml = self._yaml
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor)
        left = self._left
        self._spend(1)
        if isinstance(event, yaml.ScalarEvent):
            made: Any = self._scalar(event)
        elif depth >= _bounds.LEVELS:
            raise DocumentError(f"it has more than {_bounds.LEVELS} levels")
        elif isinstance(event, yaml.MappingStartEvent):
            made = self._mapping(depth + 1)
        else:
            made = self._sequence(depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = (made, left - self._left)
        return made

    def _alias(self, name: str) -> Any:
        if name not in self._anchors:
            raise DocumentError(f"the alias *{name[:80]} stands for what contains it")
        made, size = self._anchors[name]
        self._spend(size)
        return made

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise DocumentError(f"it has more than {_bounds.VALUES} values")

    def _mapping(self, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: list[Any] = []
        while not isinstance(event := self._next(), self._yaml.MappingEndEvent):
            if not isinstance(event, self._yaml.ScalarEvent):
                raise DocumentError(f"a key is not a text (line {event.start_mark.line + 1})")
            value = self._value(self._next(), depth)
            if event.value == "<<" and event.implicit[0]:
                merged += value if isinstance(value, list) else [value]
            elif event.value in made:
                line = event.start_mark.line + 1
                raise DocumentError(f"the key {event.value[:80]!r} comes twice (line {line})")
            else:
                made[self._shared(event.value)] = value
        for other in merged:
            if isinstance(other, dict):
                self._spend(len(other))
                made = other | made
        return made

    def _sequence(self, depth: int) -> list[Any]:
        made = []
        while not isinstance(event := self._next(), self._yaml.SequenceEndEvent):
            made.append(self._value(event, depth))
        return made

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if event.implicit[0]:
            if text in _WORDS:
                return _WORDS[text]
            if text[0] in _FIRST:
                return _number(text)
        return self._shared(text)

    def _shared(self, text: str) -> str:
        return text if len(text) > _SHARED else self._texts.setdefault(text, text)


def _number(text: str) -> Any:
    """The text, if it is none."""
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
