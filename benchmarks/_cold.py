"""One cold start in a process of its own: prints the ms of import, opening and first result."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from itertools import pairwise
from time import perf_counter

from benchmarks.rivals import ALL


async def _start(name: str) -> list[float]:
    rival = ALL[name]()
    marks = [perf_counter()]
    getattr(importlib.import_module(rival.package.replace("-", "_")), rival.entry)
    marks.append(perf_counter())
    await rival.open()
    marks.append(perf_counter())
    async with rival.run("return 1 + 1") as value:
        marks.append(perf_counter())
    assert value == 2
    await rival.aclose()
    return [(after - before) * 1000 for before, after in pairwise(marks)]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_start(sys.argv[1]))), flush=True)
