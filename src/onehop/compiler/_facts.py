"""What a checker says. Whatever it is, it was made from an agent's text: hostile until checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from onehop.compiler._frames import AnswerError, frame_of, place_of, text_of
from onehop.inputs.gc import Body

_T = TypeVar("_T")
_MOST: Final = 2000
"""Items of one list, and characters of one text."""
_STEPS: Final = 8


@dataclass(frozen=True, slots=True)
class Loading:
    """It waits for the compiler's text, or has all."""

    is_ready: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What is wrong at one place of a program; places count from 1."""

    text: str
    line: int | None
    column: int | None
    last_line: int | None = None
    """Where the part of the program ends that it is about."""
    number: int = 0
    """TypeScript's, of this kind of message."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call of a tool, as the program's text shows it."""

    path: tuple[str | None, ...]
    """The members of ``tools`` that lead to it; None for one whose name is computed."""
    line: int
    column: int
    count: int
    """Arguments; -1 when they are spread from a list."""
    argument: Any
    """The first argument as far as it is known: ``["v", value]``, ``["o", [[name, part], …],
    open]``, ``["a", [part, …], open]``, ``["x"]`` for nothing, ``["u"]`` for what only the run can
    tell."""
    is_certain: bool
    """Whether each run that ends well makes it, and none ends well if it fails."""
    repeats: bool
    """Whether it may be made more than once."""


@dataclass(frozen=True, slots=True)
class MissingAwait:
    """A place where the promise of a call is taken for the answer."""

    path: tuple[str | None, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a program does with tools, as far as its text shows it."""

    syntax: Message | None
    """Why nothing of it can run."""
    calls: tuple[CallSite, ...] = ()
    awaits: tuple[MissingAwait, ...] = ()
    is_cut: bool = False
    """Whether it has more calls than are listed."""


@dataclass(frozen=True, slots=True)
class Messages:
    """What TypeScript says of the types."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not check the program."""

    reason: str


CheckerAnswer = Loading | Facts | Messages | Failed


def read_facts(body: Body, number: int) -> CheckerAnswer:
    """The answer to question ``number``. Raises AnswerError and nothing else."""
    frame = frame_of(body, number)
    match frame.get("kind"):
        case "library":
            return Loading(is_ready=False)
        case "ready":
            return Loading(is_ready=True)
        case "facts":
            return _facts(frame)
        case "messages":
            return Messages(_listed(frame, "messages", _message))
        case "failed":
            return Failed(text_of(frame, "reason")[:200])
        case _:
            raise AnswerError("an answer of an unknown kind")


def _facts(frame: dict[str, Any]) -> Facts:
    syntax = frame.get("syntax")
    return Facts(
        syntax=None if syntax is None else _message(_object(syntax)),
        calls=_listed(frame, "calls", _call),
        awaits=_listed(frame, "awaits", _await),
        is_cut=_boolean(frame, "isCut"),
    )


def _listed(
    frame: dict[str, Any], name: str, read: Callable[[dict[str, Any]], _T]
) -> tuple[_T, ...]:
    items = frame.get(name)
    if not isinstance(items, list) or len(items) > _MOST:
        raise AnswerError(f"an answer with a wrong list {name!r}")
    return tuple(read(_object(item)) for item in items)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise AnswerError("an answer with a part that is not an object")
    return value


def _message(item: dict[str, Any]) -> Message:
    return Message(
        text_of(item, "message")[:_MOST],
        place_of(item, "line"),
        place_of(item, "column"),
        place_of(item, "last"),
        place_of(item, "code") or 0,
    )


def _call(item: dict[str, Any]) -> CallSite:
    count = item.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or not -1 <= count <= 1 << 20:
        raise AnswerError("an answer with an impossible number of arguments")
    return CallSite(
        path=_path(item),
        line=place_of(item, "line") or 1,
        column=place_of(item, "column") or 1,
        count=count,
        argument=item.get("argument"),
        is_certain=_boolean(item, "certain"),
        repeats=_boolean(item, "repeats"),
    )


def _await(item: dict[str, Any]) -> MissingAwait:
    return MissingAwait(_path(item), place_of(item, "line") or 1, place_of(item, "column") or 1)


def _path(item: dict[str, Any]) -> tuple[str | None, ...]:
    steps = item.get("path")
    if not isinstance(steps, list) or not all(
        step is None or (isinstance(step, str) and len(step) <= _MOST) for step in steps
    ):
        raise AnswerError("an answer with a wrong path")
    return tuple(steps[:_STEPS])


def _boolean(frame: dict[str, Any], name: str) -> bool:
    value = frame.get(name)
    if not isinstance(value, bool):
        raise AnswerError(f"an answer with a wrong or missing field {name!r}")
    return value
