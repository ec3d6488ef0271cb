"""Sessions, and what their code keeps, in this process's memory."""

from __future__ import annotations

import dataclasses
import time

from onehop.stores._expiry import Expiry
from onehop.stores.base import DROPPED_AT_ONCE, SessionNote


class MemorySessions:
    """Sessions of the store that keeps nothing on disk."""

    _notes: dict[str, dict[str, SessionNote]]
    """By agent and session."""
    _values: dict[tuple[str, str], dict[str, str]]

    async def note_session(self, note: SessionNote, most: int | None = None) -> list[str]:
        """Take a note in place of an earlier one of the same session."""
        own = self._notes.setdefault(note.agent_id, {})
        known = own.get(note.session)
        if known is not None:
            note = dataclasses.replace(note, created_at=known.created_at)
        own[note.session] = note
        if most is None or len(own) <= most:
            return []
        others = [each for each in own.values() if each.session != note.session]
        others.sort(key=lambda each: (-each.used_at, each.session))
        gone = [each.session for each in others[max(0, most - 1) :][:DROPPED_AT_ONCE]]
        for session in gone:
            self._forget_session(note.agent_id, session)
        return gone

    async def session_note(self, agent_id: str, session: str) -> SessionNote | None:
        """What is known of it."""
        return self._notes.get(agent_id, {}).get(session)

    async def forget_session(self, agent_id: str, session: str) -> bool:
        """Drop the note, and all that is kept with it."""
        return self._forget_session(agent_id, session)

    def _forget_session(self, agent_id: str, session: str) -> bool:
        own = self._notes.get(agent_id, {})
        note, values = own.pop(session, None), self._values.pop((agent_id, session), None)
        if not own:
            self._notes.pop(agent_id, None)
        return note is not None or bool(values)

    async def session_value(self, agent_id: str, session: str, key: str) -> str | None:
        """The text that is kept under ``key``."""
        return self._values.get((agent_id, session), {}).get(key)

    async def set_session_value(
        self, agent_id: str, session: str, key: str, text: str, most: int
    ) -> bool:
        """Keep ``text`` under ``key``, unless it is too much."""
        values = self._values.get((agent_id, session), {})
        others = {name: kept for name, kept in values.items() if name != key}
        if sum(_size(*item) for item in others.items()) + _size(key, text) > most:
            return False
        self._values[agent_id, session] = {**others, key: text}
        own = self._notes.setdefault(agent_id, {})
        if session not in own:
            now = time.time_ns() // 1_000_000
            own[session] = SessionNote(
                agent_id=agent_id, session=session, created_at=now, used_at=now
            )
        return True

    async def delete_session_value(self, agent_id: str, session: str, key: str) -> bool:
        """Drop what is kept under ``key``."""
        return self._values.get((agent_id, session), {}).pop(key, None) is not None

    async def session_keys(self, agent_id: str, session: str) -> list[str]:
        """All keys, ascending."""
        return sorted(self._values.get((agent_id, session), {}), key=str.encode)

    def _prune_sessions(self, expiry: Expiry) -> None:
        notes = [note for own in self._notes.values() for note in own.values()]
        for note in notes:
            if expiry.of(note.used_at):
                self._forget_session(note.agent_id, note.session)


def _size(key: str, text: str) -> int:
    return len(key.encode()) + len(text.encode())
