"""The optional arguments of a call beyond its code: each checked, and in one form afterwards."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from reprlib import Repr
from typing import Any, Final, TypedDict

from onehop.errors import InvalidRequestError

MOST_SEED: Final = 2**53 - 1
MOST_CLOCK: Final = 8_640_000_000_000_000
"""ms since 1970, before and after: what a Date can hold."""
LONGEST_SESSION: Final = 128
MOST_YIELD: Final = 30_000
"""ms"""


class Choices(TypedDict, total=False):
    """Arguments of ``execute`` that most calls leave out, under their names in Python."""

    seed: int | None
    """Fixes Math.random, and crypto's random values and UUIDs."""
    clock: float | str | None
    """ms since 1970, or an ISO time, at which every clock of the code stands still."""
    session: str | None
    """Variables, functions and classes of earlier calls with this name are there."""
    yield_after: float | None
    """ms after which to answer, with status ``running``, although the run goes on."""


_CHOICES: Final = Choices.__annotations__.keys()


def only_choices(given: Choices, runner: Any) -> None:
    """Raises TypeError for an argument that ``execute`` of the runner, with Choices, lacks."""
    if given.keys() <= _CHOICES:
        return
    call: Callable[..., Any] = runner.execute
    for name in given.keys() - _CHOICES:
        import inspect
        from difflib import get_close_matches

        names = [*inspect.signature(call).parameters, *_CHOICES]
        near = get_close_matches(name, names, n=1)
        words = f"{call.__name__}() got an unexpected keyword argument {name!r}"
        raise TypeError(words + (f": did you mean {near[0]!r}?" if near else ""))


def to_wire(choices: Choices) -> dict[str, Any]:
    """Those that are given, under their names on the wire."""
    named = {_WIRE.get(name, name): value for name, value in choices.items()}
    return {name: value for name, value in named.items() if value is not None}


def python_name(name: str) -> str:
    """The name in Python of an argument as it is on the wire."""
    from pydantic.alias_generators import to_snake  # not before a sandbox is open

    return _PYTHON.get(name) or to_snake(name)


_PYTHON: Final = {"yield": "yield_after"}
_WIRE: Final = {"yield_after": "yield"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ][0-9:.,]{2,20}(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_CLOCK = (
    "milliseconds since 1970 (at most 8.64e15 before or after), or an ISO time of the years 1 to "
    "9999 such as '2026-01-31T12:00:00Z'"
)
_SHOWN = Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 60


def check_seed(seed: Any) -> int | None:
    """The seed of random numbers. Raises InvalidRequestError."""
    if seed is None:
        return None
    if isinstance(seed, float) and seed.is_integer():  # JSON has one kind of number
        seed = int(seed)
    if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= MOST_SEED:
        return seed
    raise InvalidRequestError("seed", _show(seed), f"an integer from 0 to {MOST_SEED}")


def check_clock(clock: Any) -> float | None:
    """The time that stands still, in ms since 1970. Raises InvalidRequestError."""
    if clock is None:
        return None
    if isinstance(clock, str):
        return _from_iso(clock)
    is_number = isinstance(clock, int | float) and not isinstance(clock, bool)
    if is_number and abs(clock) <= MOST_CLOCK:  # False for NaN
        return float(math.floor(clock))
    raise InvalidRequestError("clock", _show(clock), _CLOCK)


def _from_iso(text: str) -> float:
    """A time without an offset is in UTC, which is the zone of the sandbox."""
    if len(text) <= 40 and _ISO.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=moment.tzinfo or UTC)
            delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
        except (ValueError, OverflowError):
            pass
        else:
            return float((delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000)
    raise InvalidRequestError("clock", _show(text), _CLOCK)


def check_session(session: Any) -> str | None:
    """The name of a session. Raises InvalidRequestError."""
    if session is None:
        return None
    if isinstance(session, str) and len(session) <= LONGEST_SESSION and _is_name(session):
        return session
    allowed = (
        f"1 to {LONGEST_SESSION} characters, each of A-Z a-z 0-9 . _ : @ -, the first a letter or "
        "digit"
    )
    raise InvalidRequestError("session", _show(session), allowed)


@lru_cache(maxsize=256)
def _is_name(session: str) -> bool:
    """Each call of a session has the same name again."""
    return _NAME.fullmatch(session) is not None


def check_yield(after: Any) -> float | None:
    """After how many ms to answer although the run goes on. Raises InvalidRequestError."""
    if after is None:
        return None
    is_number = isinstance(after, int | float) and not isinstance(after, bool)
    if is_number and 0 <= after <= MOST_YIELD:  # False for NaN
        return float(after)
    raise InvalidRequestError("yield", _show(after), f"a number of ms from 0 to {MOST_YIELD}")


def _show(value: Any) -> str:
    try:
        return _SHOWN.repr(value)[:80]
    except Exception:  # a foreign __repr__ may raise what it likes
        return f"a {type(value).__name__}"
