"""The operations of a document: each a tool by its name, or skipped, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import unquote

from onehop.tools import Effect
from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._arguments import Arguments, arguments_of, schema_of
from onehop.upstreams.openapi._bodies import Body, read_body
from onehop.upstreams.openapi._document import Document
from onehop.upstreams.openapi._faults import DocumentError, SkippedError
from onehop.upstreams.openapi._options import OpenApiOptions
from onehop.upstreams.openapi._parameters import read_parameters
from onehop.upstreams.openapi._responses import accepted, output_of
from onehop.upstreams.openapi._security import Requirement, hidden, requirements
from onehop.upstreams.openapi._servers import is_elsewhere
from onehop.upstreams.openapi._types import Types

_EFFECTS: Final[dict[str, Effect]] = {
    "get": "read", "head": "read", "delete": "destructive", "post": "write", "put": "write",
    "patch": "write",
}  # fmt: skip
_NOT_TOOLS: Final = ("options", "trace", "query", "additionalOperations")
_LONGEST: Final = 128


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, ready to be called."""

    name: str
    method: str
    path: str
    description: str
    effect: Effect
    is_hint: bool
    """Whether the effect is only what its method says."""
    arguments: Arguments
    body: Body | None
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None
    accept: str
    security: tuple[Requirement, ...] | None


@dataclass(frozen=True, slots=True)
class _Place:
    """An operation in the document."""

    method: str
    path: str
    item: dict[str, Any]
    given: dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"[:300]


class Operations:
    """Of one document, as the options want them."""

    def __init__(self, document: Document, options: OpenApiOptions, base: str) -> None:
        """Raises DocumentError for too many."""
        self.skipped: dict[str, str] = {}
        """What cannot be a tool, and why; by the name, or by method and path."""
        self._document = document
        self._options = options
        self._base = base
        self._sent = Types(document, "in")
        self._answered = Types(document, "out")
        self._names: set[str] = set()
        self.made: list[Operation] = list(self._all())

    def _all(self) -> Iterator[Operation]:
        for place in self._places():
            try:
                name = self._name(place)
                if name is None:
                    continue
                made = self._read(name, place)
            except (SkippedError, RecursionError) as error:
                words = str(error) if isinstance(error, SkippedError) else "it has too many levels"
                self.skipped[place.label] = words
                continue
            self._names.add(name)
            if len(self._names) > _bounds.OPERATIONS:
                raise DocumentError(
                    f"it has more than {_bounds.OPERATIONS} operations: choose some with include"
                )
            yield made

    def _places(self) -> Iterator[_Place]:
        for path, given in self._document.data.get("paths", {}).items():
            try:
                item = self._document.object_at(given)
            except SkippedError as error:
                self.skipped[path[:300]] = str(error)
                continue
            if not path.startswith("/"):
                continue  # an extension
            for method, operation in item.items():
                if method in _NOT_TOOLS:
                    self.skipped[f"{method.upper()} {path}"[:300]] = (
                        "its method is not one of a tool"
                    )
                elif method in _EFFECTS and isinstance(operation, dict):
                    yield _Place(method, path, item, operation)
        if hooks := self._document.data.get("webhooks"):
            self.skipped["webhooks"] = f"{len(hooks)} calls that the server makes are not tools"

    def _name(self, place: _Place) -> str | None:
        """None for what nobody wants. Raises SkippedError."""
        names = [place.given.get("operationId"), _made_name(place)]
        usable = [name for name in names if _is_name(name)]
        name = next((one for one in usable if one not in self._names), None)
        if not self._is_wanted(usable, place):
            return None
        if name is None:
            raise SkippedError("its name is another operation's, or cannot be a tool's")
        return str(name)

    def _is_wanted(self, names: list[Any], place: _Place) -> bool:
        texts = [*names[:1], place.label]
        options = self._options
        return _matches(texts, options.include) and not _matches(texts, options.exclude)

    def _read(self, name: str, place: _Place) -> Operation:
        document, given = self._document, place.given
        _check_path(place.path)
        if is_elsewhere(document, [given, place.item], self._base):
            raise SkippedError("its server is another one than that of the document")
        listed = read_parameters(
            document, place.path, place.item.get("parameters"), given.get("parameters")
        )
        security = requirements(document, given)
        credentials = hidden(document)
        parameters = [one for one in listed if (one.place, one.name.lower()) not in credentials]
        body = read_body(document, given.get("requestBody"))
        arguments = arguments_of(parameters, body)
        effect = self._chosen_effect(name, place.label)
        return Operation(
            name,
            place.method.upper(),
            place.path,
            _words(given),
            effect or _EFFECTS[place.method],
            effect is None,
            arguments.without_schemas(),
            None if body is None else body.without_schemas(),
            schema_of(arguments, body, self._sent),
            self._output(name, given),
            accepted(document, given.get("responses")),
            security,
        )

    def _output(self, name: str, given: dict[str, Any]) -> Mapping[str, Any] | None:
        try:
            return output_of(self._document, given.get("responses"), self._answered)
        except SkippedError as error:
            self.skipped[f"{name} (the type of its answer)"] = str(error)
            return None

    def _chosen_effect(self, name: str, label: str) -> Effect | None:
        """By its name, else by the first glob."""
        effects = self._options.effects
        if name in effects:
            return effects[name]
        return next((e for glob, e in effects.items() if _matches([name, label], [glob])), None)


def _check_path(path: str) -> None:
    """Raises SkippedError for one that leads out of the API's address, however it is written."""
    plain = unquote(re.split("[?#]", path)[0]).replace("\\", "/")
    if any(step.partition(";")[0] in (".", "..") for step in plain.split("/")):
        raise SkippedError("its path has a step . or .., which leads to another path")


def _made_name(place: _Place) -> str:
    """The method and the words of the path: GET /repos/{owner} is ``get_repos_owner``."""
    words = re.findall(r"[A-Za-z0-9]+", place.path)
    return "_".join([place.method, *words])[:_LONGEST]


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= _LONGEST
        and not name.startswith("$")
        and name == name.strip()
        and name.isprintable()
    )


def _matches(texts: list[Any], globs: Any) -> bool:
    return any(fnmatchcase(text, glob) for text in texts for glob in globs)


def _words(given: dict[str, Any]) -> str:
    parts = [given.get(key) for key in ("summary", "description")]
    words = "\n\n".join(dict.fromkeys(part.strip() for part in parts if isinstance(part, str)))
    if given.get("deprecated") is True:
        words = f"Deprecated. {words}"
    return words.strip()[: _bounds.DESCRIPTION]
