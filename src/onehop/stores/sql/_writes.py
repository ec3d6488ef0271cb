"""Transactions that write."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

WRITES: Final = "onehop_writes"
"""The execution option that marks them."""


def writing(engine: AsyncEngine) -> AbstractAsyncContextManager[AsyncConnection]:
    """A transaction that writes.

    On SQLite it takes the write lock at its start: one that reads first and then writes would fail
    when another process has written meanwhile.
    """
    return engine.execution_options(**{WRITES: True}).begin()
