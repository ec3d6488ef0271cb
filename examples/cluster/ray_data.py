"""Score programs in a Ray Data pipeline: each actor of the pipeline has a pool of its own.

pip install 'onehop[ray]' 'ray[data]'
"""

from __future__ import annotations

import asyncio
from typing import Any

import ray

from onehop import Sandbox, SandboxConfig

PROGRAMS = [
    {"id": 1, "code": "return context.n * 2", "n": 21, "expected": 42},
    {"id": 2, "code": "return context.n + 1", "n": 21, "expected": 42},
    {"id": 3, "code": "for (;;) {}", "n": 21, "expected": 42},
]


class Score:
    """Runs the programs of a batch at the same time; the reward of one is whether it is right."""

    def __init__(self) -> None:
        self._sandbox = Sandbox(SandboxConfig(pool_size=2))
        self._opened = False

    async def __call__(self, batch: dict[str, Any]) -> Any:
        if not self._opened:
            await self._sandbox.open()
            self._opened = True
        rewards = await asyncio.gather(
            *map(self._reward, batch["code"], batch["n"], batch["expected"])
        )
        yield {"id": batch["id"], "reward": rewards}

    async def _reward(self, code: str, n: Any, expected: Any) -> float:
        result = await self._sandbox.execute(str(code), context={"n": int(n)}, timeout=500)
        return float(result.success and result.output == int(expected))


def main() -> None:
    """Print each program's reward."""
    scored = ray.data.from_items(PROGRAMS).map_batches(Score, batch_size=2, concurrency=1)
    for row in sorted(scored.take_all(), key=lambda row: row["id"]):
        print(f"program {row['id']}: reward {row['reward']:g}")


if __name__ == "__main__":
    main()
