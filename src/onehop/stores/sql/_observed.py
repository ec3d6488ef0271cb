"""What the answers of tools have looked like, in SQL."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from onehop.stores._expiry import Expiry
from onehop.stores._kept import clean_text
from onehop.stores.base import MOST_OBSERVED
from onehop.stores.sql._schema import observed_types as table
from onehop.stores.sql._writes import writing
from onehop.tools.observed import ObservedType


class SqlObserved:
    """Observed types in SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""

    async def observed_types(self) -> list[ObservedType]:
        """Those whose last answer is the latest."""
        found = select(table).order_by(table.c.observed_at.desc(), table.c.tool)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(found.limit(MOST_OBSERVED))).mappings().all()
        return [ObservedType(**row) for row in rows]

    async def observed_type(self, namespace: str, tool: str) -> ObservedType | None:
        """What is kept of a tool."""
        same = table.c.namespace == clean_text(namespace), table.c.tool == clean_text(tool)
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(table).where(*same))).mappings().first()
        return ObservedType(**row) if row else None

    async def keep_observed_type(self, observed: ObservedType) -> bool:
        """Replace what is kept of the tool, if that has the same revision."""
        values = {n: clean_text(v) if isinstance(v, str) else v for n, v in _row(observed).items()}
        same = table.c.namespace == values["namespace"], table.c.tool == values["tool"]
        change = update(table).where(*same, table.c.revision == observed.revision)
        statement = insert(table) if observed.revision == 0 else change
        try:
            async with self._turn, writing(self._engine) as connection:
                done = await connection.execute(statement.values(**values))
        except IntegrityError:
            return False
        return done.rowcount == 1

    async def _prune_observed(self, expiry: Expiry) -> None:
        old = table.c.observed_at <= expiry.cutoff
        async with self._turn, writing(self._engine) as connection:
            await connection.execute(delete(table).where(old))


def _row(observed: ObservedType) -> dict[str, object]:
    return {**asdict(observed), "revision": observed.revision + 1}
