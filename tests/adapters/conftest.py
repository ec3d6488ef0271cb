"""What every adapter's tests run code with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from onehop import AuditConfig, Executor, SandboxConfig, open_executor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def executor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Executor]:
    """An executor with everything: validation, corrections, events, records."""
    folder: Path = tmp_path_factory.mktemp("executor")
    audit = AuditConfig(store=f"sqlite:///{folder}/onehop.db", journal=f"{folder}/journal")
    async with open_executor(SandboxConfig(pool_size=1), audit=audit) as opened:
        yield opened
