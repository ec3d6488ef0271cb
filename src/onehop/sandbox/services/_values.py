"""What the code keeps with its session, from where it is kept."""

from __future__ import annotations

from typing import Protocol

from onehop.limits import MIB

MOST_BYTES = MIB
"""Of all keys and values of a session."""


class NotKeptError(Exception):
    """What is stored cannot be reached, or a value cannot be kept; the words are for the code."""


class SessionValues(Protocol):
    """The values of one session: JSON text by key. Each method may raise NotKeptError."""

    async def get(self, key: str) -> str | None:
        """The text under ``key``."""
        ...

    async def set(self, key: str, text: str) -> None:
        """Keep ``text``. Raises NotKeptError for more than MOST_BYTES in all."""

    async def delete(self, key: str) -> bool:
        """Whether there was one."""
        ...

    async def keys(self) -> list[str]:
        """All of them, ascending."""
        ...
