"""Sessions, and what their code keeps, in SQL."""

from __future__ import annotations

import asyncio
import json
import time

from sqlalchemy import ColumnElement, delete, exists, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onehop.stores._expiry import Expiry
from onehop.stores.base import DROPPED_AT_ONCE, SessionNote
from onehop.stores.sql._schema import session_values, sessions
from onehop.stores.sql._writes import writing


class SqlSessions:
    """Sessions in SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""

    async def note_session(self, note: SessionNote, most: int | None = None) -> list[str]:
        """Take a note in place of an earlier one of the same session."""
        same = sessions.c.agent_id == note.agent_id, sessions.c.session == note.session
        values = {"names": json.dumps(note.names), "used_at": note.used_at}
        async with self._turn, writing(self._engine) as connection:
            found = await connection.execute(update(sessions).where(*same).values(**values))
            if found.rowcount == 0:
                values |= {"agent_id": note.agent_id, "session": note.session}
                new = insert(sessions).values(**values, created_at=note.created_at)
                await connection.execute(new)
            if most is None:
                return []
            gone = await _unused_longest(connection, note, most)
            await _forget(connection, note.agent_id, gone)
        return gone

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
            return await _forget(connection, agent_id, [session]) > 0

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
            others = await _others(connection, agent_id, session, key)
            if size + (others or 0) > most:
                return False
            if others is None:
                await _note_unnoted(connection, agent_id, session)
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


async def _unused_longest(connection: AsyncConnection, note: SessionNote, most: int) -> list[str]:
    """Those of an agent that are too many, beside the one that is noted."""
    others = sessions.c.agent_id == note.agent_id, sessions.c.session != note.session
    by_use = sessions.c.used_at.desc(), sessions.c.session
    wanted = select(sessions.c.session).where(*others).order_by(*by_use)
    found = await connection.execute(wanted.offset(max(0, most - 1)).limit(DROPPED_AT_ONCE))
    return list(found.scalars())


async def _forget(connection: AsyncConnection, agent_id: str, names: list[str]) -> int:
    """How many rows went."""
    gone = 0
    for table in (sessions, session_values) if names else ():
        same = table.c.agent_id == agent_id, table.c.session.in_(names)
        gone += (await connection.execute(delete(table).where(*same))).rowcount
    return gone


async def _note_unnoted(connection: AsyncConnection, agent_id: str, session: str) -> None:
    same = sessions.c.agent_id == agent_id, sessions.c.session == session
    now = time.time_ns() // 1_000_000
    row: dict[str, str | int] = {"agent_id": agent_id, "session": session, "names": "[]"}
    row |= {"created_at": now, "used_at": now}
    new = select(*map(literal, row.values())).where(~exists().where(*same))
    await connection.execute(insert(sessions).from_select([*row], new))


async def _others(connection: AsyncConnection, agent_id: str, session: str, key: str) -> int | None:
    """Bytes of what is kept under other keys; None without any."""
    kept = session_values.c
    others = kept.agent_id == agent_id, kept.session == session, kept.key != key
    found = await connection.scalar(select(func.sum(kept.size)).where(*others))
    return None if found is None else int(found)
