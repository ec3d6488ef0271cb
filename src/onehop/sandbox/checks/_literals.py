"""Arguments of a call as a checker has read them from the text: values, and what is not known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

_DEEPEST: Final = 60


class UnknownError(Exception):
    """Only the run can tell the value."""


@dataclass(frozen=True)
class Arguments:
    """What is known of the object that a tool is called with."""

    known: dict[str, Any] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    """Of all arguments that are surely there."""
    possible: frozenset[str] = frozenset()
    """Of all that may be there, as far as the text names them."""
    is_open: bool = False
    """Whether there may be others."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to the run."""
        return not self.is_open and len(self.known) == len(self.possible)


def read_arguments(part: Any) -> Arguments | None:
    """The arguments; None when they cannot be an object. Raises UnknownError when nothing is known
    of them, or when the checker's answer is not to be trusted."""
    match part:
        case ["x"]:
            return Arguments()
        case ["v", _] | ["a", *_]:
            return None
        case ["o", list(fields), bool(is_open)]:
            return _object(fields, is_open)
        case _:
            raise UnknownError


def _object(fields: list[Any], is_open: bool) -> Arguments:
    parts = dict(_field(item) for item in fields)  # the last one of a name wins
    known: dict[str, Any] = {}
    sure = set[str]()
    for name, part in parts.items():
        if is_open or part == ["u"]:
            continue
        try:
            known[name] = value_of(part)
        except UnknownError:
            if part[0] in ("d", "o", "a"):
                sure.add(name)
    possible = frozenset(name for name, part in parts.items() if part != ["x"])
    return Arguments(known, frozenset(sure | known.keys()), possible, is_open)


def _field(item: Any) -> tuple[str, list[Any]]:
    match item:
        case [str(name), [str(), *_] as part]:
            return name, part
        case _:
            raise UnknownError


def value_of(part: Any, depth: int = 0) -> Any:
    """The value, as JSON. Raises UnknownError."""
    if depth > _DEEPEST:
        raise UnknownError
    match part:
        case ["v", None | bool() | int() | float() | str() as value]:
            return value
        case ["a", list(items), False]:
            return [value_of(item, depth + 1) for item in items]
        case ["o", list(fields), False]:
            pairs = dict(_field(item) for item in fields)
            return {
                name: value_of(item, depth + 1) for name, item in pairs.items() if item != ["x"]
            }
        case _:
            raise UnknownError
