"""The questions of analytics, put to MongoDB."""

from __future__ import annotations

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase


class MongoAnalytics:
    """Questions put to MongoDB. MongoStore translates what the driver raises.

    Dates come back as ``bson.datetime_ms.DatetimeMS``: ``int()`` makes them ms since the epoch.
    """

    _database: AsyncDatabase[dict[str, Any]]
