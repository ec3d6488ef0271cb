"""How PostgreSQL is reached."""

from __future__ import annotations

from typing import Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from onehop.errors import ConfigError
from onehop.stores._urls import has_proper_hosts, masked

FOREIGN: Final[tuple[type[Exception], ...]] = (asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the driver raises beside what SQLAlchemy translates."""
_LONGEST_STATEMENT: Final = 60
"""Seconds after which a statement is given up."""


def postgresql_engine(url: str, patience: float) -> AsyncEngine:
    """Connections by a URL as libpq knows it; each is tried for ``patience`` seconds.

    Raises ConfigError for any other URL.
    """
    if not has_proper_hosts(url):
        raise ConfigError(
            "store",
            f"{masked(url)!r} is not a URL of PostgreSQL: write "
            f"postgresql://user:password@host/name, with %-escapes for what is special in "
            f"the password",
        )
    address = "postgresql://" + url.partition("://")[2]

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(address, timeout=patience, command_timeout=_LONGEST_STATEMENT)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_pre_ping=True,
        pool_timeout=patience,
        hide_parameters=True,
    )
