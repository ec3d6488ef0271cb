"""A process that runs executions until it is killed, and says which have ended.

Each line it prints is the id of a run whose result was returned, and its output.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from onehop import SandboxConfig
from onehop.config import AuditConfig
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor


async def main(store: str, journal: str, name: str) -> None:
    """Load until killed."""
    numbers = count()
    audit = AuditConfig(store=store, journal=journal)
    async with open_executor(SandboxConfig(pool_size=2), audit=audit) as executor:
        print("ready", flush=True)
        await asyncio.gather(*(_work(executor, name, numbers) for _ in range(4)))


async def _work(executor: Executor, name: str, numbers: count[int]) -> None:
    for number in numbers:
        request_id = f"{name}-{number}"
        result = await executor.execute(
            f"return {number} * 2", agent_id="load", request_id=request_id
        )
        print(request_id, result.output, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
