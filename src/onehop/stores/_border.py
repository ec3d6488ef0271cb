"""Where calls enter a database driver, and its exceptions become ours."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

from onehop.descriptors import ADVICE, shortage
from onehop.errors import StoreUnavailableError
from onehop.stores.base import Store

METHODS: Final = tuple(
    name for name, value in vars(Store).items() if callable(value) and not name.startswith("_")
)
"""Every method of a store."""
_LONGEST: Final = 300
"""Characters of a driver's reason that are passed on."""


_Answer = TypeVar("_Answer")


class Ongoing:
    """Calls that run to their end, even when nobody waits for it any more.

    A driver that is cancelled may leave a connection open, or a lock held.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, call: Coroutine[Any, Any, _Answer]) -> _Answer:
        """The answer to ``call``."""
        task = asyncio.get_running_loop().create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen, even if nobody waits: asyncio would log it

    async def settle(self, seconds: float) -> None:
        """Wait until all others have ended; those that take longer are cancelled."""
        others = {task for task in self._tasks if task is not asyncio.current_task()}
        if not others:
            return
        _done, late = await asyncio.wait(others, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)


class Bordered(Protocol):
    """A store whose driver raises ``foreign`` exceptions."""

    @property
    def ongoing(self) -> Ongoing:
        """Its calls."""

    @property
    def url(self) -> str:
        """The URL, with the password masked."""

    @property
    def foreign(self) -> tuple[type[Exception], ...]:
        """What the driver raises when the database does not answer."""

    def reason(self, error: Exception) -> str:
        """What to say about ``error``."""

    async def open(self) -> None:
        """As in Store."""

    async def aclose(self) -> None:
        """As in Store."""


_Bordered = TypeVar("_Bordered", bound=Bordered)


def translated(store: type[_Bordered]) -> type[_Bordered]:
    """Make each method of ``store``, inherited ones too, raise StoreUnavailableError instead."""
    for name in METHODS:
        method = getattr(store, name)
        setattr(store, name, _translating(method if name == "aclose" else _completed(method)))
    store.open = _closing_when_cancelled(store.open)  # type: ignore[method-assign]
    return store


def _completed(
    method: Callable[..., Coroutine[Any, Any, Any]],
) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(method)
    async def call(self: Bordered, *arguments: Any, **named: Any) -> Any:
        return await self.ongoing.run(method(self, *arguments, **named))

    return call


def _translating(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def call(self: Bordered, *arguments: Any, **named: Any) -> Any:
        try:
            return await method(self, *arguments, **named)
        except self.foreign as error:
            if words := shortage(error):
                raise StoreUnavailableError(self.url, words, ADVICE) from error
            reason = " ".join(self.reason(error).split())[:_LONGEST] or type(error).__name__
            raise StoreUnavailableError(self.url, reason) from error

    return call


def _closing_when_cancelled(method: Callable[..., Awaitable[None]]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def open_store(self: Bordered) -> None:
        try:
            await method(self)
        except asyncio.CancelledError:
            await self.aclose()
            raise

    return open_store
