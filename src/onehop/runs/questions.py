"""What the code of a run asks of its host, and who answers.

A worker brings the questions; a ``Desk`` answers those of one run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, Protocol

from onehop._data import data
from onehop.limits import MIB

MOST_ASKS: Final = 1000
"""Questions about tools in one run."""
MOST_SLEEPS: Final = 10_000
"""Timers of one run whose time the host keeps."""
MOST_STORED: Final = 10_000
"""Questions about what is stored, in one run."""
MOST_SHOWN: Final = 32
"""Files that one run may show, and"""
MOST_SHOWN_BYTES: Final = 16 * MIB
"""bytes of all of them. An honest guest keeps to both by itself."""
MOST_REPORTS: Final = 500
"""Of progress, in one run."""


@data(frozen=True, slots=True)
class Call:
    """The code calls a tool of the host's."""

    id: int
    namespace: str
    """Empty for a tool without one."""
    member: str
    arguments: str | None
    """JSON text as the guest gave it; None when it could not make any."""
    fault: str = ""
    """What was wrong then."""
    field: str | None = None
    """The dotted path to what was wrong."""


@data(frozen=True, slots=True)
class Ask:
    """The code asks about tools, or for the bytes of media that an answer has named."""

    id: int
    about: Literal["search", "describe", "list", "bytes", "once"]
    subject: str | None
    limit: int | None = None
    namespaces: tuple[str, ...] | None = None
    value: str | None = None
    """JSON that the code has made, and hears again when it is run again (``once``)."""


Moves = Literal["timers", "all"]
"""What of a run's time its host keeps: when timers are due, or its clock too."""


@data(frozen=True, slots=True)
class Sleep:
    """A timer of the code, in a run whose clock the host moves: it says when it is due."""

    id: int
    delay: float
    """ms."""


Question = Call | Ask | Sleep
"""What a desk answers."""


@data(frozen=True, slots=True)
class Shown:
    """A part of a file that the code shows; ``more`` parts of it follow."""

    kind: Literal["text", "bytes", "json"]
    """What the code gave."""
    type: str
    """As the code says, or empty."""
    title: str
    data: bytes
    more: bool


@data(frozen=True, slots=True)
class Headway:
    """How far the code says that it is: see ``types.Progress``."""

    fraction: float
    message: str = ""


@data(frozen=True, slots=True)
class Stored:
    """The code reads or changes what is kept with its session."""

    id: int
    op: Literal["get", "set", "delete", "keys"]
    key: str
    value: str
    """JSON text, to be set; else empty."""


Reply = Callable[[bytes | None, bytes | None], None]
"""Takes the JSON text of a value, or that of a ToolError instead; the first time counts."""


class Services(Protocol):
    """What a run hands to its host besides its value: one for each run."""

    def show(self, part: Shown) -> None:
        """Take a part of a file. Raises ValueError for more than a run may show."""

    def progress(self, report: Headway) -> None:
        """Take a report. Raises ValueError for more than a run may make."""

    def store(self, question: Stored, reply: Reply) -> None:
        """Answer now or later, by ``reply``, once; must not block. Raises ValueError when there is
        no session to keep anything with."""


class Desk(Protocol):
    """Where a run's questions about the host's tools are answered: one for each run."""

    @property
    def limits_json(self) -> str:
        """What the guest keeps to by itself: ``calls``, ``asks``, and ``arguments`` in bytes."""
        ...

    @property
    def most_calls(self) -> int:
        """In one run."""
        ...

    @property
    def most_arguments(self) -> int:
        """Bytes of JSON."""
        ...

    @property
    def now(self) -> float | None:
        """The time that the code sees from the answer on that is given now, in ms since 1970; None
        where the host does not move its clock."""
        ...

    def names(self) -> bytes:
        """JSON of the names that are granted."""
        ...

    @property
    def wait_seconds(self) -> float:
        """How long in all calls may be open."""
        ...

    def take(self, question: Question, reply: Reply) -> None:
        """Answer now or later, by ``reply``, once; must not block."""

    def run_out(self) -> None:
        """Calls have been open for as long as they may: end those that are."""
