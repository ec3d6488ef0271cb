"""Where records of executions are kept: SQLite, PostgreSQL, MongoDB, or this process's memory."""

from __future__ import annotations

from pathlib import Path

from onehop.config import AuditConfig
from onehop.errors import ConfigError, StoreUnavailableError
from onehop.stores._patient import patient
from onehop.stores._urls import masked, scheme
from onehop.stores.base import Store

__all__ = ["Store", "make_store", "open_store"]


async def open_store(config: AuditConfig, *, may_be_away: bool = False) -> Store:
    """The store that ``config`` names, open; without a name, a SQLite file of this user.

    With ``may_be_away`` a database with a server of its own need not answer yet: it is opened
    when it does. Raises ConfigError for a name that cannot be used, StoreError when the store
    cannot be opened.
    """
    key = config.key.get_secret_value().encode() if config.key else None
    url = config.store or default_url()
    store = make_store(url, key)
    if may_be_away and scheme(url) not in ("sqlite", "memory"):
        store = patient(store)
    await store.open()
    return store


def make_store(url: str, key: bytes | None = None) -> Store:
    """The store of ``url``, not yet open, whose records are chained with ``key`` if it is given.

    Raises ConfigError for what names no store, or one whose driver is not installed.
    """
    match scheme(url):
        case "sqlite" | "postgresql" | "postgres":
            return _sql_store(url, key)
        case "mongodb" | "mongodb+srv":
            return _mongo_store(url, key)
        case "memory":
            return _memory_store(key)
        case _:
            raise ConfigError(
                "store",
                f"{masked(url)!r} names no store: write sqlite:///PATH, postgresql://…, "
                f"mongodb://… or memory:",
            )


def default_url() -> str:
    """A SQLite file in the user's data folder, which is made. Raises StoreUnavailableError."""
    import platformdirs

    folder = platformdirs.user_data_path("onehop", appauthor=False)
    url = f"sqlite:///{folder / 'onehop.db'}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"its folder cannot be made ({error.strerror or error})"
        advice = f"HOME is {Path.home()}; XDG_DATA_HOME may name a folder that this user can write"
        raise StoreUnavailableError(url, f"{reason}: {advice}") from error
    return url


def _sql_store(url: str, key: bytes | None) -> Store:
    try:
        from onehop.stores.sql import SqlStore

        return SqlStore(url, key)
    except ModuleNotFoundError as error:
        raise _missing("PostgreSQL", "postgresql", error) from None


def _mongo_store(url: str, key: bytes | None) -> Store:
    try:
        from onehop.stores.mongodb import MongoStore
    except ModuleNotFoundError as error:
        raise _missing("MongoDB", "mongodb", error) from None
    return MongoStore(url, key)


def _memory_store(key: bytes | None) -> Store:
    from onehop.stores.memory import MemoryStore

    return MemoryStore(key)


def _missing(database: str, extra: str, error: ModuleNotFoundError) -> ConfigError:
    return ConfigError(
        "store", f"{database} needs the package {error.name}: pip install 'onehop[{extra}]'"
    )
