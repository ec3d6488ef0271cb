"""Which failures pass, and how long to wait before the next attempt."""

from __future__ import annotations

from typing import Final

from onehop.errors import (
    OnehopError,
    Overloaded,
    RateLimitedError,
    ServerError,
    ServerTimeoutError,
    ServerUnreachableError,
)

_FIRST: Final = 0.1
"""Seconds before the second attempt; each further one waits twice as long."""
_LONGEST: Final = 5.0
_PASSING: Final = (502, 503, 504)


def passes(error: OnehopError) -> bool:
    """Whether the same call may succeed later, so that it is worth another attempt.

    Never for what the caller did wrong, and not for a server that let the whole deadline pass.
    """
    if isinstance(error, ServerTimeoutError):
        return False
    if isinstance(error, ServerError):
        return error.status in _PASSING
    return isinstance(error, ServerUnreachableError | Overloaded | RateLimitedError)


def pause(failures: int, asked: float | None, chance: float) -> float:
    """Seconds to wait after ``failures`` attempts (1 or more), never less than the server asked.

    ``chance``, 0 to 1, spreads many clients that failed at the same time.
    """
    grown = min(_LONGEST, _FIRST * 2.0 ** min(failures - 1, 16))
    if asked:
        return asked + grown * chance
    return grown * (0.5 + 0.5 * chance)


def asked_of(error: OnehopError) -> float | None:
    """The wait in seconds that the server asked for."""
    if isinstance(error, ServerError | Overloaded | RateLimitedError):
        return error.retry_after
    return None
