"""One sandbox with tools for the tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from onehop import Sandbox
from tests.checks.tools import opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    """As ``opened`` makes it without words."""
    async with opened() as shared:
        yield shared
