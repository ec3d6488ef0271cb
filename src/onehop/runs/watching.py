"""Who watches a run: they hear as each stage of it begins and ends. Most runs nobody watches.

Watchers are found by context, so that nothing between two stages has to know of them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self

Stage = Literal[
    "execution",  # one call of the tool, from the door to its result
    "validation",  # repairing and judging the code
    "queue",  # waiting for a worker
    "run",  # the worker's work
    "tool",  # one call of a tool by the code
    "upstream",  # one request to an MCP server, inside a tool's call
    "request",  # one request to an API of an OpenAPI document, inside a tool's call
    "store",  # writing to the journal, while the run waits
    "delivery",  # a batch of records on its way to the database, in the background
]
"""What a run is made of; docs/how-to/traces.md shows how they lie in each other."""

_log = logging.getLogger(__name__)


class Watch(Protocol):
    """Of one stage that goes on."""

    def end(self, facts: Mapping[str, Any], error: BaseException | None) -> None:
        """It is over. ``facts`` are all that is known of it; ``error`` is what it raised."""


class Watcher(Protocol):
    """Hears of every stage of the runs that it watches. It must be quick.

    What it raises is its own: it is logged, once for each kind of watcher, stage and error, and
    the run goes on as if nobody watched.
    """

    def begin(self, stage: Stage, facts: Mapping[str, Any]) -> Watch | None:
        """A stage begins; None if its end is of no interest. Called in the task that works."""


_watchers: ContextVar[Sequence[Watcher]] = ContextVar("onehop.watchers", default=())


def is_watched() -> bool:
    """Whether anybody watches what happens here."""
    return bool(_watchers.get())


class watched_by:  # noqa: N801 - used like a function; a generator would cost each run three times as much
    """Have ``watchers`` hear of the stages within, instead of those around."""

    __slots__ = ("_token", "_within")

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._within = watchers
        self._token: Token[Sequence[Watcher]] | None = None

    def __enter__(self) -> None:
        self._token = _watchers.set(self._within)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _watchers.reset(self._token)


class Noted:
    """One stage, entered and left; ``note`` adds what is known by then."""

    __slots__ = ("_facts", "_stage", "_watchers", "_watches")

    def __init__(self, watchers: Sequence[Watcher], stage: Stage, facts: dict[str, Any]) -> None:
        self._watchers = watchers
        self._stage = stage
        self._facts = facts
        self._watches: list[tuple[str, Watch]] = []

    def note(self, **facts: Any) -> None:
        """Add facts, which the watchers hear of at the end."""
        self._facts.update(facts)

    def __enter__(self) -> Self:
        for watcher in self._watchers:
            try:
                watch = watcher.begin(self._stage, self._facts)
            except Exception as error:  # a watcher's mistake is its own
                _complain(_name(watcher), self._stage, type(error).__name__)
            else:
                if watch is not None:
                    self._watches.append((_name(watcher), watch))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name, watch in reversed(self._watches):
            try:
                watch.end(self._facts, exc)
            except Exception as error:
                _complain(name, self._stage, type(error).__name__)


def _name(watcher: Watcher) -> str:
    return type(watcher).__qualname__


@lru_cache(maxsize=256)
def _complain(kind: str, name: Stage, error: str) -> None:
    """Cached, so that a watcher that fails in every run fills no log."""
    _log.exception("the watcher %s fails at the stage %r (%s); said once", kind, name, error)


class _Unwatched:
    """A stage that nobody watches."""

    __slots__ = ()

    def note(self, **_facts: Any) -> None:
        """Nobody wants to know."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


_UNWATCHED: Final = _Unwatched()


def stage(name: Stage, **facts: Any) -> Noted | _Unwatched:
    """Enter a stage: ``with stage("queue") as noted: …; noted.note(…)``.

    ``facts`` are what is known at its beginning. Where nobody watches, this costs 0.2 µs.
    """
    watchers = _watchers.get()
    return Noted(watchers, name, facts) if watchers else _UNWATCHED
