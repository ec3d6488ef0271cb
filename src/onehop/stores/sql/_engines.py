"""How the connections of a SQL store end."""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry


async def dispose(engine: AsyncEngine) -> None:
    """Close every connection: those at rest now, and each one that is in use when it comes back.

    SQLAlchemy puts the latter into the pool that was given up, where nobody closes them.
    """
    event.listen(engine.sync_engine.pool, "checkin", _close)
    await engine.dispose()


def _close(_connection: object, entry: ConnectionPoolEntry) -> None:
    entry.invalidate()
