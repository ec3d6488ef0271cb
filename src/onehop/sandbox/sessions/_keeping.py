"""Where it is kept what outlives a session's worker: its note, and what its code stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from onehop.errors import StoreError
from onehop.sandbox.services import NotKeptError, SessionValues
from onehop.sandbox.services._values import MOST_BYTES

if TYPE_CHECKING:
    from onehop.stores.base import SessionNote, Store


class Keeping(Protocol):
    """Of all sessions."""

    async def note(self, note: SessionNote, most: int | None) -> list[str]:
        """Keep what is known of a session; of an agent that then has more than ``most``, drop those
        that were used longest ago, and give their names."""
        ...

    async def find(self, agent_id: str, session: str) -> SessionNote | None:
        """What is known of it; None also while the store does not answer."""

    async def forget(self, agent_id: str, session: str) -> bool:
        """Drop all of it; whether there was something."""
        ...

    def values(self, agent_id: str, session: str) -> SessionValues:
        """What its code stores."""
        ...


class StoreKeeping:
    """In a store. Notes are advice, so that an outage loses them; values are not, and say so."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, note: SessionNote, most: int | None) -> list[str]:
        """See Keeping.note. Raises StoreError."""
        return await self._store.note_session(note, most)

    async def find(self, agent_id: str, session: str) -> SessionNote | None:
        """See Keeping.find."""
        try:
            return await self._store.session_note(agent_id, session)
        except StoreError:
            return None

    async def forget(self, agent_id: str, session: str) -> bool:
        """See Keeping.forget. Raises StoreError."""
        return await self._store.forget_session(agent_id, session)

    def values(self, agent_id: str, session: str) -> SessionValues:
        """See Keeping.values."""
        return _Values(self._store, agent_id, session)


class MemoryKeeping(StoreKeeping):
    """In this process, as long as it lives."""

    def __init__(self) -> None:
        from onehop.stores.memory import MemoryStore  # most sandboxes never need it

        super().__init__(MemoryStore())


class _Values:
    """Of one session."""

    def __init__(self, store: Store, agent_id: str, session: str) -> None:
        self._store = store
        self._name = agent_id, session

    async def get(self, key: str) -> str | None:
        """See SessionValues."""
        try:
            return await self._store.session_value(*self._name, key)
        except StoreError as error:
            raise _away() from error

    async def set(self, key: str, text: str) -> None:
        """See SessionValues."""
        try:
            is_kept = await self._store.set_session_value(*self._name, key, text, MOST_BYTES)
        except StoreError as error:
            raise _away() from error
        if not is_kept:
            size = len(text.encode())
            raise NotKeptError(
                f"with this value of {size} bytes the session would keep more than {MOST_BYTES} "
                "bytes: delete what is not needed any more"
            )

    async def delete(self, key: str) -> bool:
        """See SessionValues."""
        try:
            return await self._store.delete_session_value(*self._name, key)
        except StoreError as error:
            raise _away() from error

    async def keys(self) -> list[str]:
        """See SessionValues."""
        try:
            return await self._store.session_keys(*self._name)
        except StoreError as error:
            raise _away() from error


def _away() -> NotKeptError:
    return NotKeptError("the store does not answer now: try again later")
