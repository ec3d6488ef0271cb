"""Snippets in SQL."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from onehop.runs.saved import MOST_SNIPPETS, Snippet
from onehop.stores._kept import clean_text
from onehop.stores.sql._schema import snippets as table
from onehop.stores.sql._writes import writing


class SqlSnippets:
    """Snippets in SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""

    async def snippets(self, agent_id: str | None = None) -> list[Snippet]:
        """By agent and name."""
        found = select(table).order_by(table.c.agent_id, table.c.name).limit(MOST_SNIPPETS)
        if agent_id is not None:
            found = found.where(table.c.agent_id == clean_text(agent_id))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(found)).mappings().all()
        return [Snippet(**row) for row in rows]

    async def snippet(self, agent_id: str, name: str) -> Snippet | None:
        """What is kept under a name."""
        found = select(table).where(*_key(agent_id, name))
        async with self._engine.connect() as connection:
            row = (await connection.execute(found)).mappings().first()
        return Snippet(**row) if row else None

    async def keep_snippet(self, snippet: Snippet) -> bool:
        """Put it in the place of the version before."""
        values = {
            name: clean_text(value) if isinstance(value, str) else value
            for name, value in asdict(snippet).items()
        }
        same = *_key(snippet.agent_id, snippet.name), table.c.version == snippet.version - 1
        statement = insert(table) if snippet.version == 1 else update(table).where(*same)
        try:
            async with self._turn, writing(self._engine) as connection:
                done = await connection.execute(statement.values(**values))
        except IntegrityError:
            return False
        return done.rowcount == 1

    async def drop_snippet(self, agent_id: str, name: str) -> bool:
        """Forget it."""
        async with self._turn, writing(self._engine) as connection:
            done = await connection.execute(delete(table).where(*_key(agent_id, name)))
        return done.rowcount == 1


def _key(agent_id: str, name: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.agent_id == clean_text(agent_id), table.c.name == clean_text(name)
