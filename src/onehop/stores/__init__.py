"""Where records of executions are kept: SQLite, PostgreSQL, MongoDB, or this process's memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from onehop._extras import needed_for
from onehop._late import late
from onehop.config import AuditConfig
from onehop.errors import ConfigError, MissingExtraError, StoreUnavailableError
from onehop.stores._patient import patient
from onehop.stores._urls import masked, scheme, sqlite_path
from onehop.stores.base import Store

if TYPE_CHECKING:
    from onehop.stores._waiting import waiting_run, waiting_runs

__all__ = [
    "Store",
    "is_light",
    "is_shared",
    "make_store",
    "open_store",
    "waiting_run",
    "waiting_runs",
]


async def open_store(
    config: AuditConfig, *, may_be_away: bool = False, brief: bool = False
) -> Store:
    """The store that ``config`` names, open; without a name, a SQLite file of this user.

    With ``may_be_away`` a database with a server of its own need not answer yet: it is opened
    when it does. With ``brief``, for a process that makes one run, a SQLite file is written
    without what the whole store needs, until more than that is asked of it. Raises ConfigError for
    a name that cannot be used, StoreError when the store cannot be opened.
    """
    key = config.key.get_secret_value().encode() if config.key else None
    url = config.store or default_url()
    store = _brief(url, key) if brief and scheme(url) == "sqlite" else make_store(url, key)
    if may_be_away and scheme(url) not in ("sqlite", "memory"):
        store = patient(store)
    await store.open()
    return store


def _brief(url: str, key: bytes | None) -> Store:
    from onehop.stores._sqlite_light import light

    path = sqlite_path(url)
    return light(f"sqlite:///{path}", path, key, lambda: make_store(url, key))


def is_shared(store: Store) -> bool:
    """Whether servers on several machines may use it: it has a server of its own."""
    return scheme(store.url) not in ("sqlite", "memory")


def is_light(store: Store) -> bool:
    """Whether it was opened for one run, and has nothing that should be tidied up first."""
    return bool(getattr(store, "is_light", False))


def make_store(url: str, key: bytes | None = None) -> Store:
    """The store of ``url``, not yet open, whose records are chained with ``key`` if it is given.

    Raises ConfigError for what names no store, or one whose driver is not installed.
    """
    name = scheme(url)
    if name not in _STORES:
        raise ConfigError(
            "store",
            f"{masked(url)!r} names no store: write sqlite:///PATH, postgresql://…, "
            f"mongodb://… or memory:",
        )
    database, make = _STORES[name]
    try:
        with needed_for(f"a store in {database}"):
            return make(url, key)
    except MissingExtraError as error:
        raise ConfigError("store", str(error)) from None


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
    from onehop.stores.sql import SqlStore

    return SqlStore(url, key)


def _mongo_store(url: str, key: bytes | None) -> Store:
    from onehop.stores.mongodb import MongoStore

    return MongoStore(url, key)


def _memory_store(_url: str, key: bytes | None) -> Store:
    from onehop.stores.memory import MemoryStore

    return MemoryStore(key)


_STORES: Final[dict[str, tuple[str, Callable[[str, bytes | None], Store]]]] = {
    "sqlite": ("SQLite", _sql_store),
    "postgresql": ("PostgreSQL", _sql_store),
    "postgres": ("PostgreSQL", _sql_store),
    "mongodb": ("MongoDB", _mongo_store),
    "mongodb+srv": ("MongoDB", _mongo_store),
    "memory": ("memory", _memory_store),
}
"""By the scheme of a URL: what it is called, and what makes it."""

__getattr__ = late({"onehop.stores._waiting": "waiting_run waiting_runs"})
