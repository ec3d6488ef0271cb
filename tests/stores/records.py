"""The stores to test, and the records of ``onehop.testing``."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, get_args

from onehop.stores.base import Store
from onehop.testing.records import DAY, NOW, announced, entries, issue, record, runs

__all__ = [
    "DATABASES",
    "DAY",
    "KINDS",
    "NOW",
    "Kind",
    "announced",
    "entries",
    "issue",
    "open_once",
    "record",
    "runs",
    "unopened",
]

Kind = Literal["memory", "sqlite", "postgresql", "mongodb"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DATABASES: tuple[Kind, ...] = KINDS[1:]


def unopened(url: str, key: bytes | None = None, patience: float = 4.0) -> Store:
    """The store of ``url``."""
    if url == "memory:":
        from onehop.stores.memory import MemoryStore

        return MemoryStore(key)
    if url.startswith("mongodb:"):
        from onehop.stores.mongodb import MongoStore

        return MongoStore(url, key, patience=patience)
    from onehop.stores.sql import SqlStore

    return SqlStore(url, key, patience=patience)


def open_once(url: str) -> None:
    """Let a store make its tables."""

    async def work() -> None:
        store = unopened(url)
        await store.open()
        await store.aclose()

    with ThreadPoolExecutor(1) as thread:  # this one may have an event loop
        thread.submit(asyncio.run, work()).result()
