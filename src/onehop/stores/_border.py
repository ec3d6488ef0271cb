"""Where the exceptions of database drivers become ours."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar

from onehop.errors import StoreUnavailableError
from onehop.stores.base import Store

METHODS: Final = tuple(
    name for name, value in vars(Store).items() if callable(value) and not name.startswith("_")
)
"""Every method of a store."""
_LONGEST: Final = 300
"""Characters of a driver's reason that are passed on."""


class Bordered(Protocol):
    """A store whose driver raises ``foreign`` exceptions."""

    @property
    def url(self) -> str:
        """The URL, with the password masked."""

    @property
    def foreign(self) -> tuple[type[Exception], ...]:
        """What the driver raises when the database does not answer."""

    def reason(self, error: Exception) -> str:
        """What to say about ``error``."""


_Bordered = TypeVar("_Bordered", bound=Bordered)


def translated(store: type[_Bordered]) -> type[_Bordered]:
    """Make each method of ``store``, inherited ones too, raise StoreUnavailableError instead."""
    for name in METHODS:
        setattr(store, name, _translating(getattr(store, name)))
    return store


def _translating(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def call(self: Bordered, *arguments: Any, **named: Any) -> Any:
        try:
            return await method(self, *arguments, **named)
        except self.foreign as error:
            reason = " ".join(self.reason(error).split())[:_LONGEST] or type(error).__name__
            raise StoreUnavailableError(self.url, reason) from error

    return call
