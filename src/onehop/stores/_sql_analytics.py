"""The questions of analytics, in SQL."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine


class SqlAnalytics:
    """Questions put to SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
