"""Sessions, and what their code keeps, in SQL."""

from __future__ import annotations

import asyncio
import json

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onehop.stores._expiry import Expiry
from onehop.stores.base import SessionNote
from onehop.stores.sql._schema import session_values, sessions
from onehop.stores.sql._writes import writing


class SqlSessions:
    """Sessions in SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""

    async def note_session(self, note: SessionNote) -> None:
        """Take a note in place of an earlier one of the same session."""
        same = sessions.c.agent_id == note.agent_id, sessions.c.session == note.session
        values = {"names": json.dumps(note.names), "used_at": note.used_at}
        async with self._turn, writing(self._engine) as connection:
            found = await connection.execute(update(sessions).where(*same).values(**values))
            if found.rowcount == 0:
                values |= {"agent_id": note.agent_id, "session": note.session}
                new = insert(sessions).values(**values, created_at=note.created_at)
                await connection.execute(new)

    async def session_note(self, agent_id: str, session: str) -> SessionNote | None:
        """What is known of it."""
        wanted = sessions.c.agent_id == agent_id, sessions.c.session == session
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(sessions).where(*wanted))).mappings().first()
        if row is None:
            return None
        return SessionNote(**{**row, "names": tuple(json.loads(row["names"]))})

    async def forget_session(self, agent_id: str, session: str) -> bool:
        """Drop the note, and all that is kept with it."""
        async with self._turn, writing(self._engine) as connection:
            gone = 0
            for table in (sessions, session_values):
                same = table.c.agent_id == agent_id, table.c.session == session
                gone += (await connection.execute(delete(table).where(*same))).rowcount
        return gone > 0

    async def session_value(self, agent_id: str, session: str, key: str) -> str | None:
        """The text that is kept under ``key``."""
        wanted = select(session_values.c.text).where(*_same(agent_id, session, key))
        async with self._engine.connect() as connection:
            found: str | None = await connection.scalar(wanted)
        return found

    async def set_session_value(
        self, agent_id: str, session: str, key: str, text: str, most: int
    ) -> bool:
        """Keep ``text`` under ``key``, unless it is too much."""
        size = len(key.encode()) + len(text.encode())
        async with self._turn, writing(self._engine) as connection:
            if size + await _others(connection, agent_id, session, key) > most:
                return False
            same = _same(agent_id, session, key)
            await connection.execute(delete(session_values).where(*same))
            name = {"agent_id": agent_id, "session": session, "key": key}
            await connection.execute(insert(session_values).values(**name, text=text, size=size))
        return True

    async def delete_session_value(self, agent_id: str, session: str, key: str) -> bool:
        """Drop what is kept under ``key``."""
        same = _same(agent_id, session, key)
        async with self._turn, writing(self._engine) as connection:
            gone = await connection.execute(delete(session_values).where(*same))
        return gone.rowcount == 1

    async def session_keys(self, agent_id: str, session: str) -> list[str]:
        """All keys, ascending."""
        kept = session_values.c
        wanted = select(kept.key).where(kept.agent_id == agent_id, kept.session == session)
        async with self._engine.connect() as connection:
            return list((await connection.execute(wanted.order_by(kept.key))).scalars())

    async def _prune_sessions(self, expiry: Expiry) -> None:
        kept = session_values.c
        same = sessions.c.agent_id == kept.agent_id, sessions.c.session == kept.session
        async with self._turn, writing(self._engine) as connection:
            old = delete(sessions).where(sessions.c.used_at <= expiry.cutoff)
            if (await connection.execute(old)).rowcount:
                alone = ~exists().where(*same)
                await connection.execute(delete(session_values).where(alone))


def _same(agent_id: str, session: str, key: str) -> tuple[ColumnElement[bool], ...]:
    kept = session_values.c
    return kept.agent_id == agent_id, kept.session == session, kept.key == key


async def _others(connection: AsyncConnection, agent_id: str, session: str, key: str) -> int:
    """Bytes of what is kept under other keys."""
    kept = session_values.c
    others = kept.agent_id == agent_id, kept.session == session, kept.key != key
    return int(await connection.scalar(select(func.sum(kept.size)).where(*others)) or 0)
