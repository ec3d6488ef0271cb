"""Local references between the parts of a JSON Schema. What lies elsewhere is never fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

_STEPS: Final = 32
_CHARACTERS: Final = 1000
_LOOKS: Final = 20_000
"""Schemas that are looked at to find circles, in one document."""
MANY: Final = 1_000_000
"""Choices are not counted any further."""
_DEPTH: Final = 12
_DEFINITIONS: Final = frozenset(("$defs", "definitions", "schemas"))


class References:
    """The schemas that the pointers of one document lead to."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._choices: dict[int, int] = {}
        self._circular: dict[str, bool] = {}
        self._looks = _LOOKS

    def find(self, reference: object) -> Any:
        """The schema that ``reference`` names; True, which allows anything, where there is none."""
        if not isinstance(reference, str) or len(reference) > _CHARACTERS:
            return True
        if reference in ("#", ""):
            return self._root
        if not reference.startswith("#/"):
            return True
        return self._walk(steps_of(reference))

    def _walk(self, steps: list[str]) -> Any:
        place = self._root
        for step in steps[:_STEPS]:
            if isinstance(place, Mapping) and step in place:
                place = place[step]
            elif isinstance(place, list) and step.isdecimal() and int(step) < len(place):
                place = place[int(step)]
            else:
                return True
        return place if isinstance(place, Mapping | bool) else True

    def is_circular(self, reference: str) -> bool:
        """Whether it leads to itself with nothing in between, as in ``A = A | string``.

        Such a type says nothing, and TypeScript refuses it.
        """
        if reference not in self._circular:
            self._circular[reference] = self._returns(reference)
        return self._circular[reference]

    def _returns(self, reference: str) -> bool:
        seen: set[str] = set()
        ahead = [self.find(reference)]
        while ahead:
            for found in self._beside(ahead.pop()):
                if found == reference or self._looks <= 0:
                    return True
                if found not in seen:
                    seen.add(found)
                    ahead.append(self.find(found))
        return False

    def _beside(self, schema: Any) -> Iterator[str]:
        """References that apply to the same value as ``schema``, not to a part of it."""
        ahead = [schema]
        while ahead and self._looks > 0:
            self._looks -= 1
            if isinstance(found := ahead.pop(), Mapping):
                if isinstance(reference := found.get("$ref"), str):
                    yield reference
                for name in ("allOf", "anyOf", "oneOf"):
                    ahead += _list(found.get(name))

    def choices(self, schema: Any, depth: int = _DEPTH) -> int:
        """How many alternatives there are when all its unions are multiplied out."""
        if not isinstance(schema, Mapping):
            return 1
        if depth <= 0:
            return MANY
        if (known := self._choices.get(id(schema))) is None:
            self._choices[id(schema)] = 1  # while it is counted: a circle adds nothing
            known = self._choices[id(schema)] = min(MANY, self._count(schema, depth - 1))
        return known

    def _count(self, schema: Mapping[str, Any], depth: int) -> int:
        number = max(1, *(len(_list(schema.get(name))) for name in ("enum", "type")))
        for name in ("anyOf", "oneOf"):
            parts = _list(schema.get(name))
            number *= max(1, sum(self.choices(part, depth) for part in parts))
        for part in _list(schema.get("allOf")):
            number = min(MANY, number * self.choices(part, depth))
        if "$ref" in schema:
            number *= self.choices(self.find(schema["$ref"]), depth)
        return number


def name_of(reference: str, schema: Any, root: str) -> str:
    """What the type of ``schema`` may be called, as an identifier that begins with a capital."""
    steps = steps_of(reference)
    title = schema.get("title") if isinstance(schema, Mapping) else None
    if len(steps) > 1 and steps[-2] in _DEFINITIONS:
        return _identifier(steps[-1]) or root
    fallback = steps[-1] if steps else root
    return _identifier(title) or _identifier(fallback) or root


def steps_of(reference: str) -> list[str]:
    """The steps of a pointer, unescaped."""
    steps = reference.removeprefix("#").split("/")[1:]
    return [unquote(step).replace("~1", "/").replace("~0", "~") for step in steps]


def _identifier(text: object) -> str:
    if not isinstance(text, str):
        return ""
    words = re.findall(r"[A-Za-z0-9]+", text[:60])
    name = "".join(word[0].upper() + word[1:] for word in words)
    return f"Type{name}" if name[:1].isdecimal() else name


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
