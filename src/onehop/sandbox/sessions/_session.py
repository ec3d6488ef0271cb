"""One session: its calls queue. A lost worker is replaced, and the next answer says so."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from onehop.backends.base import BackendSession, SessionGoneError
from onehop.errors import Overloaded, SandboxClosedError, SandboxUnavailableError
from onehop.sandbox.sessions._turns import Turns

if TYPE_CHECKING:
    from onehop.config import SessionConfig
    from onehop.types import ExecutionResult

Open = Callable[[], Awaitable[BackendSession]]
Note = Callable[["Session"], None]
Call = Callable[[BackendSession], Awaitable["ExecutionResult"]]
"""Runs one call in a session of the backend."""

_TOLD: Final = 30
"""Names that a warning lists of what is gone."""
_NOTED_SECONDS: Final = 60.0
"""After which the note of a session that is in use says so again, since those go that were used
longest ago."""
_WAIT_SECONDS: Final = 1.0
"""Told to callers who are refused."""


class Session:
    """An agent's session. Nothing of it runs before its first call."""

    def __init__(self, name: str, config: SessionConfig, open_: Open, note: Note) -> None:
        """``note`` is called when its note should say more, or that it is in use."""
        self.name = name
        self._config = config
        self._open = open_
        self._note = note
        self._turns = Turns()
        self._callers = 0
        self._inner: BackendSession | None = None
        self._opened_at = 0.0
        self._calls = 0
        self._lost: tuple[str, tuple[str, ...]] | None = None
        self._closed = False
        self._is_new = True
        self.created_at = self.used_at = _now()
        self.used = time.monotonic()
        self.is_noted = False
        """Whether there may be a note of it."""
        self._noted_inner: BackendSession | None = None
        self._noted_names = 0
        self._noted_at = float("-inf")

    # --- what others see of it ---

    @property
    def names(self) -> tuple[str, ...]:
        """What its calls have declared, as far as it is still there."""
        return () if self._inner is None else tuple(self._inner.names)

    @property
    def is_running(self) -> bool:
        """Whether a call runs or waits, or is about to."""
        return self._callers > 0 or self._is_new

    @property
    def is_live(self) -> bool:
        """Whether it has a worker, or may have one soon."""
        return self._inner is not None and self._inner.ended is None

    @property
    def calls(self) -> int:
        """Since it has this worker."""
        return self._calls

    def remember(self, why: str, names: Sequence[str]) -> None:
        """It was there before this process, or lost its worker: its next answer tells so."""
        self._lost = why, tuple(names)

    # --- its calls ---

    async def run(self, call: Call) -> ExecutionResult:
        """One call, when those before it have ended. Raises Overloaded, SandboxClosedError, and
        what ``call`` raises."""
        if self._callers > self._config.queue:
            raise Overloaded(self._callers - 1, _WAIT_SECONDS)
        self._callers += 1
        try:
            if self._turns.is_taken:
                await self._turns.wait()
            self._turns.is_taken = True
            try:
                result = await call(self._inner_now() or await self._take_inner())
            except SessionGoneError:
                await self._drop()
                result = await self._again(call)
            finally:
                self._turns.leave()
        finally:
            self._callers -= 1
            self._note_call()
        return result if self._lost is None else self._told(result)

    def _inner_now(self) -> BackendSession | None:
        """The one that there is, for one more call; None if that takes another one."""
        inner = self._inner
        if inner is None or self._closed or self._is_over(inner):
            return None
        self._calls += 1
        return inner

    def _note_call(self) -> None:
        """One has ended, and its worker may have been lost in it, which the next answer tells."""
        inner = self._inner
        self._is_new = False
        self.used, self.used_at = time.monotonic(), _now()
        if inner is not None and inner.ended is not None:
            self.remember(inner.ended, self.names)
        names = 0 if inner is None else len(inner.names)
        is_old = self.used - self._noted_at >= _NOTED_SECONDS
        if is_old or names != self._noted_names or inner is not self._noted_inner:
            self._noted_inner, self._noted_names, self._noted_at = inner, names, self.used
            self._note(self)

    async def _again(self, call: Call) -> ExecutionResult:
        """Nothing has run yet, so that it may run in another worker."""
        try:
            return await call(await self._take_inner())
        except SessionGoneError as error:
            raise SandboxUnavailableError(f"a session lost two workers: {error}") from None

    def _is_over(self, inner: BackendSession) -> str | None:
        """Why the next call needs another worker, if it does."""
        config = self._config
        if inner.ended is not None:
            return inner.ended
        if self._calls >= config.calls:
            return f"it has had its {config.calls} calls"
        if time.monotonic() - self._opened_at > config.age:
            return f"it was older than {config.age:g} s"
        return None

    async def _take_inner(self) -> BackendSession:
        if self._inner is not None and (why := self._is_over(self._inner)):
            await self._drop(why)
        if self._closed:
            raise SandboxClosedError("the session was ended")
        if self._inner is None:
            self._inner = await self._open()
            self._opened_at, self._calls = time.monotonic(), 0
        self._calls += 1
        return self._inner

    def _told(self, result: ExecutionResult) -> ExecutionResult:
        lost = self._lost
        if lost is None or (self._inner is not None and self._inner.ended is not None):
            return self._ended_now(result)
        self._lost = None
        why, names = lost
        return _warned(
            result,
            f"session {self.name!r} starts anew: {why}. It has lost {_gone(names)}; what "
            "store keeps is still there",
        )

    def _ended_now(self, result: ExecutionResult) -> ExecutionResult:
        if self._inner is None or self._inner.ended is None:
            return result
        words = f"session {self.name!r} has ended with this call: {self._inner.ended}"
        return _warned(result, f"{words}, and the next call begins without {_gone(self.names)}")

    # --- its end ---

    async def evict(self, why: str) -> None:
        """Give its worker up, unless a call runs or waits."""
        if self.is_running:
            return
        if self._turns.is_taken:
            await self._turns.wait()
        self._turns.is_taken = True
        try:
            await self._drop(why)
        finally:
            self._turns.leave()

    async def _drop(self, why: str | None = None) -> None:
        inner, names = self._inner, self.names
        if inner is None:
            return
        self.remember(why or inner.ended or "its worker ended", names)
        self._inner = None
        await inner.aclose()

    async def aclose(self) -> None:
        """End the call that runs; those that wait are refused."""
        self._closed = True
        if self._inner is not None:
            await self._inner.aclose()


def _warned(result: ExecutionResult, words: str) -> ExecutionResult:
    return result.model_copy(update={"warnings": [words, *(result.warnings or ())]})


def _gone(names: Sequence[str]) -> str:
    """What a worker takes along; nobody knows the names of what is on globalThis."""
    return " and ".join([*([listed(names)] if names else []), "what was set on globalThis"])


def listed(names: Sequence[str]) -> str:
    """The first few of them."""
    few = ", ".join(name[:80] for name in names[:_TOLD])
    more = len(names) - _TOLD
    return f"{few} and {more} more" if more > 0 else few


def _now() -> int:
    return time.time_ns() // 1_000_000
