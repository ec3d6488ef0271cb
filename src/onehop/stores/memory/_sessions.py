"""Sessions, and what their code keeps, in this process's memory."""

from __future__ import annotations

import dataclasses

from onehop.stores._expiry import Expiry
from onehop.stores.base import SessionNote


class MemorySessions:
    """Sessions of the store that keeps nothing on disk."""

    _notes: dict[tuple[str, str], SessionNote]
    _values: dict[tuple[str, str], dict[str, str]]

    async def note_session(self, note: SessionNote) -> None:
        """Take a note in place of an earlier one of the same session."""
        name = note.agent_id, note.session
        known = self._notes.get(name)
        if known is not None:
            note = dataclasses.replace(note, created_at=known.created_at)
        self._notes[name] = note

    async def session_note(self, agent_id: str, session: str) -> SessionNote | None:
        """What is known of it."""
        return self._notes.get((agent_id, session))

    async def forget_session(self, agent_id: str, session: str) -> bool:
        """Drop the note, and all that is kept with it."""
        name = agent_id, session
        note, values = self._notes.pop(name, None), self._values.pop(name, None)
        return note is not None or bool(values)

    async def session_value(self, agent_id: str, session: str, key: str) -> str | None:
        """The text that is kept under ``key``."""
        return self._values.get((agent_id, session), {}).get(key)

    async def set_session_value(
        self, agent_id: str, session: str, key: str, text: str, most: int
    ) -> bool:
        """Keep ``text`` under ``key``, unless it is too much."""
        values = self._values.setdefault((agent_id, session), {})
        others = {name: kept for name, kept in values.items() if name != key}
        if sum(_size(*item) for item in others.items()) + _size(key, text) > most:
            return False
        values[key] = text
        return True

    async def delete_session_value(self, agent_id: str, session: str, key: str) -> bool:
        """Drop what is kept under ``key``."""
        return self._values.get((agent_id, session), {}).pop(key, None) is not None

    async def session_keys(self, agent_id: str, session: str) -> list[str]:
        """All keys, ascending."""
        return sorted(self._values.get((agent_id, session), {}), key=str.encode)

    def _prune_sessions(self, expiry: Expiry) -> None:
        for name in [each for each, note in self._notes.items() if expiry.of(note.used_at)]:
            del self._notes[name]
            self._values.pop(name, None)


def _size(key: str, text: str) -> int:
    return len(key.encode()) + len(text.encode())
