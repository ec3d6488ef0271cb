"""The snippets that one agent may call, as they were at one moment."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from onehop.errors import ConfigError, MissingExtraError, ToolError
from onehop.runs.saved import Snippet
from onehop.sandbox.snippets._bound import SPACE, SnippetBound
from onehop.tools import Bound, Catalogue, Policy, Threads

if TYPE_CHECKING:
    from onehop.tools import Discovery

Compile = Callable[[Snippet], Awaitable[str]]
"""The code of a snippet as JavaScript. Raises ToolError."""

_log = logging.getLogger(__name__)
_NEAREST: Final = 3
_LONGEST: Final = 80
_CHANGED: Final = "was changed since; a person must look at the snippet, and save it again"


class Granted(Protocol):
    """What a shelf needs of a run's grant."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def discovery(self) -> Discovery: ...


@dataclass(frozen=True, slots=True)
class Fit:
    """A tool that a snippet was saved with, as a run has it."""

    path: str
    saved: str
    """Its fingerprint then."""
    now: str | None
    """Its fingerprint now; None when the run may not call it."""
    fault: str
    """Why the snippet cannot be called because of it; empty when it can."""


class Shelf:
    """Snippets by name. Those of the agent itself hide those of the same name that are for all.

    ``fault`` says why nobody knows what there is.
    """

    def __init__(
        self, snippets: Iterable[Snippet], compile_: Compile, *, fault: str | None = None
    ) -> None:
        self.fault = fault
        self._snippets = {each.name: each for each in sorted(snippets, key=lambda s: s.agent_id)}
        self._compile = compile_

    def __bool__(self) -> bool:
        return bool(self._snippets) or self.fault is not None

    @cached_property
    def catalogue(self) -> Catalogue:
        """They as tools."""
        threads = Threads()
        made = [self._bound(each, threads) for each in self._snippets.values()]
        try:
            return Catalogue([each for each in made if each is not None], threads)
        except MissingExtraError as error:
            _log.warning("no snippet can be called: %s", error)
            return Catalogue([], threads)

    def _bound(self, snippet: Snippet, threads: Threads) -> SnippetBound | None:
        try:
            return SnippetBound(snippet, threads, self._compile)
        except (ConfigError, ValueError) as error:
            _log.warning("the snippet %s cannot be called: %s", snippet.name, error)
            return None

    def find(self, name: str) -> SnippetBound | None:
        """The snippet of exactly this name. Raises ToolError when nobody knows."""
        if self.fault is not None:
            words = f"the snippets are not known now: {self.fault}"
            raise ToolError("unavailable", words, f"{SPACE}.{name}"[:200], retryable=True)
        bound = self.catalogue.bound.get(f"{SPACE}.{name}")
        return bound if isinstance(bound, SnippetBound) else None

    def nearest(self, name: str) -> list[str]:
        """Names like one that is not there."""
        return get_close_matches(name[:_LONGEST], self._snippets, _NEAREST)

    def refusal(self, bound: Bound, grant: Granted) -> ToolError | None:
        """Why a run with this grant may not call a snippet: a tool that it was saved with is not
        there, was changed, or is not granted. None when it may."""
        if not isinstance(bound, SnippetBound):
            return None
        unfit = next((fit for fit in self.fits(bound, grant) if fit.fault), None)
        return None if unfit is None else _refused(bound, unfit)

    def fits(self, bound: SnippetBound, grant: Granted) -> Iterator[Fit]:
        """Each tool that it was saved with, as a run with this grant has it."""
        for path, fingerprint in bound.uses.items():
            found = self._tool(path, grant.catalogue)
            if found is None:
                yield Fit(path, fingerprint, None, "is not granted here, or is not there")
            elif grant.policy.is_always_denied(found):
                yield Fit(path, fingerprint, None, "is denied here by a rule")
            else:
                is_same = found.fingerprint == fingerprint
                yield Fit(path, fingerprint, found.fingerprint, "" if is_same else _CHANGED)

    def _tool(self, path: str, catalogue: Catalogue) -> Bound | None:
        if path.startswith(f"{SPACE}."):
            return self.find(path.removeprefix(f"{SPACE}."))
        return catalogue.bound.get(path)


def _refused(bound: SnippetBound, fit: Fit) -> ToolError:
    words = f"snippets.{bound.member} was saved with the tool {fit.path}, which {fit.fault}"
    return ToolError("denied" if fit.now is None else "unavailable", words, bound.path)


def effect_of(bound: SnippetBound, tools: Mapping[str, Bound]) -> str:
    """The gravest effect of the tools that it was saved with."""
    order = ("read", "write", "destructive")
    found = [tools[path].effect for path in bound.uses if path in tools]
    return max(found, key=order.index, default="read")
