"""What the caller's process and the pool on a node say to each other.

Ray carries these as pickled objects. Both ends are processes of onehop: what a guest says was
bounded and parsed on its node before.
"""

from __future__ import annotations

from dataclasses import dataclass

from onehop import errors
from onehop.errors import OnehopError, Overloaded, SandboxUnavailableError
from onehop.limits import Limits
from onehop.requests import CheckedRequest
from onehop.runs.questions import Ask, Call, Desk, Headway, Shown
from onehop.types import ExecutionResult, LogEntry


@dataclass(frozen=True, slots=True)
class Terms:
    """What a desk says before the first question."""

    limits_json: str
    most_calls: int
    most_arguments: int
    names: bytes
    wait_seconds: float

    @classmethod
    def of(cls, desk: Desk) -> Terms:
        """Those of ``desk``."""
        return cls(
            desk.limits_json, desk.most_calls, desk.most_arguments, desk.names(), desk.wait_seconds
        )


@dataclass(frozen=True, slots=True)
class Order:
    """One run."""

    run_id: str
    request: CheckedRequest
    limits: Limits
    agent: str
    hears_lines: bool
    terms: Terms | None
    """Of the desk, where the code may call tools."""
    is_served: bool = False
    """Whether someone takes what the code shows."""


@dataclass(frozen=True, slots=True)
class Question:
    """The code asks the desk."""

    number: int
    question: Call | Ask


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """Calls have been open for as long as they may."""


Said = LogEntry | Question | TimeIsUp | Shown | Headway


@dataclass(frozen=True, slots=True)
class Answer:
    """What the desk says to the question of this number: a value, or an error instead."""

    number: int
    value: bytes | None
    error: bytes | None


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """The JSON text of an output that was too large to return."""

    text: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Raised:
    """An error of onehop's. Its class may not pickle, so that its parts are sent."""

    name: str
    arguments: tuple[object, ...]

    @classmethod
    def of(cls, error: OnehopError) -> Raised:
        """The parts of ``error``."""
        if isinstance(error, Overloaded):
            return cls("Overloaded", (error.waiting, error.retry_after))
        return cls(type(error).__name__, (str(error),))

    def error(self) -> OnehopError:
        """The error again; one of an unknown class is a SandboxUnavailableError."""
        kind = getattr(errors, self.name, SandboxUnavailableError)
        try:
            made = kind(*self.arguments)
        except TypeError:
            made = SandboxUnavailableError(f"{self.name}: {self.arguments[0]}")
        return made if isinstance(made, OnehopError) else SandboxUnavailableError(str(made))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, and what it said that nobody has fetched."""

    result: ExecutionResult | Raised
    kept: KeptOutput | None
    rest: tuple[Said, ...]
    said: int
    """Messages in all, those fetched before included."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A pool that is ready."""

    version: str
    slots: int
    """Runs at the same time."""
