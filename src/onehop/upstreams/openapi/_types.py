"""The named types of a document: each is converted once, and shared by all schemas that have it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import unquote

from onehop.tools import CheckedSchema
from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._conversion import Converted, Way, converted
from onehop.upstreams.openapi._document import Document
from onehop.upstreams.openapi._faults import SkippedError

_ODD: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Types:
    """Schemas of what goes one way."""

    def __init__(self, document: Document, way: Way) -> None:
        self._document = document
        self._way = way
        self._parts = _bounds.PARTS_IN if way == "in" else _bounds.PARTS_OUT
        self._most = _bounds.TYPES_IN if way == "in" else _bounds.TYPES_OUT
        self._references: dict[str, str] = {}  # by name
        self._names: dict[str, str] = {}  # by reference
        self._made: dict[str, Converted] = {}
        self._faults: dict[str, str] = {}
        self._sound: set[str] = set()
        self._sets: dict[frozenset[str], dict[str, Any]] = {}
        self._left = _bounds.TYPES

    def read(self, schema: Any) -> Converted:
        """One schema. Raises SkippedError."""
        return converted(schema, self._way, self._name, self._parts)

    def complete(self, schema: dict[str, Any], names: Iterable[str]) -> CheckedSchema:
        """``schema`` with all types that it refers to. Raises SkippedError."""
        wanted = frozenset(names)
        if not wanted:
            return CheckedSchema(schema)
        if wanted not in self._sets:
            self._sets[wanted] = self._collected(wanted)
        return CheckedSchema({**schema, "$defs": self._sets[wanted]})

    def _collected(self, names: frozenset[str]) -> dict[str, Any]:
        """The nearest types first; what lies beyond the last of them may be anything."""
        most = self._most if self._left > 0 else _bounds.TYPES_FEW
        found: dict[str, Any] = {}
        pending = deque(sorted(names))
        while pending:
            name = pending.popleft()
            if name in found:
                continue
            if len(found) >= most:
                found[name] = True
                continue
            made = self._type(name)
            found[name] = made.schema
            pending += sorted(made.names - found.keys())
        self._left -= len(found)
        return found

    def _type(self, name: str) -> Converted:
        """Raises SkippedError, each time that it is asked for."""
        if name in self._sound:
            return self._made[name]
        if name in self._faults:
            raise SkippedError(self._faults[name])
        try:
            made = self._convert(name)
            self._check_ends(name)
        except SkippedError as error:
            self._faults[name] = str(error)
            raise
        return made

    def _convert(self, name: str) -> Converted:
        if name not in self._made:
            schema = self._document.target(self._references[name])
            if not isinstance(schema, dict | bool):
                raise SkippedError(f"$ref {self._references[name][:120]!r} is not a schema")
            try:
                self._made[name] = self.read(schema)
            except RecursionError:
                raise SkippedError(f"the type {name[:80]} has too many levels") from None
        return self._made[name]

    def _check_ends(self, name: str) -> None:
        """A type that is itself, with nothing in between, could never be checked."""
        open_: dict[str, Iterator[str]] = {}
        stack = [name]
        while stack:
            current = stack[-1]
            if current not in open_:
                open_[current] = iter(sorted(self._convert(current).in_place - self._sound))
            following = next(open_[current], None)
            if following is None:
                self._sound.add(stack.pop())
            elif following in open_ and following not in self._sound:
                raise SkippedError(f"the type {following[:80]} refers to itself without end")
            elif following not in self._sound:
                stack.append(following)

    def _name(self, reference: str) -> str:
        if reference not in self._names:
            if not reference.startswith("#/"):
                self._document.target(reference)  # says why not
                raise SkippedError(f"$ref {reference[:120]!r} is not a path in the document")
            wanted = _ODD.sub("_", unquote(reference).rpartition("/")[2])[:80] or "Type"
            name, number = wanted, 1
            while name in self._references:
                number += 1
                name = f"{wanted}{number}"
            self._names[reference], self._references[name] = name, reference
        return self._names[reference]
