"""A mixed load of good and bad calls on a real server: no mistakes, flat memory, nothing left.

    python -m benchmarks.load [SECONDS]      600 by default

Prints what was answered how often, how long it took, and the server's memory over time. Exits with
1 when the server made a mistake, grew, or left a process behind.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2
from tests.processes import descendants
from tests.server.served import Served

CLIENTS: Final = 24
_TOLERATED_GROWTH: Final = 48
"""MB that the server may be larger at the end than when it had warmed up."""
_RETRY: Final = {429, 503}
"""Refusals that a load beyond capacity must meet."""

Call = Callable[[httpx2.AsyncClient], Awaitable[int]]


@dataclass
class Report:
    """What a load has met."""

    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    times: list[float] = field(default_factory=list)
    """ms of each good call"""
    memory: list[float] = field(default_factory=list)
    """MB of the server itself, once a second"""
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{'call':<12} answers"]
        for name, counted in sorted(self.statuses.items()):
            told = ", ".join(f"{status}: {times}" for status, times in sorted(counted.items()))
            lines.append(f"{name:<12} {told}")
        times = sorted(self.times)
        if times:
            middle, high = times[len(times) // 2], times[int(len(times) * 0.99)]
            lines.append(f"good calls: {len(times)}, p50 {middle:.1f} ms, p99 {high:.1f} ms")
        if self.memory:
            steps = self.memory[:: max(1, len(self.memory) // 10)]
            lines.append("memory, MB: " + " ".join(f"{mb:.0f}" for mb in steps))
        return "\n".join([*lines, *(f"PROBLEM {problem}" for problem in self.problems)])


def _execute(code: str, *, timeout: int = 2000) -> Call:
    async def call(client: httpx2.AsyncClient) -> int:
        body = {"code": code, "timeout": timeout}
        return (await client.post("/api/v1/execute", json=body)).status_code

    return call


async def _leave(client: httpx2.AsyncClient) -> int:
    body = {"code": "await new Promise((done) => setTimeout(done, 20000))", "timeout": 25000}
    try:
        answer = await client.post("/api/v1/execute", json=body, timeout=0.2)
    except httpx2.TimeoutException:
        return 499
    return answer.status_code


async def _malformed(client: httpx2.AsyncClient) -> int:
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/execute", content=b'{"code": ', headers=headers)
    return answer.status_code


async def _stranger(client: httpx2.AsyncClient) -> int:
    wrong = {"Authorization": "Bearer oh_nobody"}
    return (await client.get("/api/v1/me", headers=wrong)).status_code


async def _unknown(client: httpx2.AsyncClient) -> int:
    return (await client.get(f"/api/v1/executions/{random.random()}")).status_code


async def _ask(client: httpx2.AsyncClient) -> int:
    address = random.choice(["executions?limit=5", "agents/load/stats", "analytics/slowest"])
    return (await client.get(f"/api/v1/{address}")).status_code


async def _listen(client: httpx2.AsyncClient) -> int:
    async with client.stream("GET", "/api/v1/events") as answer:
        async for _ in answer.aiter_lines():
            break
        return answer.status_code


MIX: Final[dict[str, tuple[int, Call, set[int]]]] = {
    "good": (60, _execute("return [3, 1, 2].sort()"), {200}),
    "typescript": (10, _execute("const n: number = 1; return n"), {200}),
    "talkative": (5, _execute("for (let i = 0; i < 200; i++) console.log(i)"), {200}),
    "large": (2, _execute("return 'x'.repeat(5_000_000)"), {200}),
    "throws": (10, _execute("throw new Error('no')"), {200}),
    "endless": (2, _execute("for (;;);", timeout=200), {200}),
    "greedy": (2, _execute("const a = []; for (;;) a.push(new Array(1e5).fill(1))"), {200}),
    "forbidden": (3, _execute("return eval('1')"), {200}),
    "leaves": (3, _leave, {499}),
    "malformed": (5, _malformed, {400}),
    "stranger": (5, _stranger, {401}),
    "unknown": (5, _unknown, {404}),
    "asks": (5, _ask, {200}),
    "listens": (3, _listen, {200}),
}
"""Calls by name: how often, what, and which answers are right."""


async def _client(server: Served, key: str, end: float, report: Report) -> None:
    names = list(MIX)
    weights = [MIX[name][0] for name in names]
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
        while time.monotonic() < end:
            [name] = random.choices(names, weights)
            _, call, right = MIX[name]
            began = time.perf_counter()
            status = await call(client)
            report.statuses[name][status] += 1
            if name == "good" and status == 200:
                report.times.append((time.perf_counter() - began) * 1000)
            if status not in right | _RETRY:
                report.problems.append(f"{name} was answered with {status}")


async def _watch(server: Served, end: float, report: Report) -> None:
    while time.monotonic() < end:
        report.memory.append(_resident(server.pid))
        await asyncio.sleep(1)


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def load(server: Served, seconds: float) -> Report:
    """Load ``server``, which runs, and stop it."""
    report = Report()
    key = server.key("load", max_runs=1000, max_rate=10**6)

    async def drive() -> None:
        end = time.monotonic() + seconds
        clients = [_client(server, key, end, report) for _ in range(CLIENTS)]
        await asyncio.gather(_watch(server, end, report), *clients)

    asyncio.run(drive())
    spawned = descendants(server.pid)
    server.stop()
    report.problems += [f"process {pid} stayed" for pid in spawned if _lives(pid)]
    report.problems += _growth(report.memory)
    bad = [line for line in server.log if line.get("status") == 500 or "exception" in line]
    report.problems += [f"logged: {json.dumps(line)[:2000]}" for line in bad[:5]]
    return report


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _growth(memory: list[float]) -> list[str]:
    third = len(memory) // 3
    if third == 0:
        return []
    warm, late = max(memory[:third]), min(memory[-third:])
    if late <= warm + _TOLERATED_GROWTH:
        return []
    return [f"the server grew from {warm:.0f} to {late:.0f} MB"]


def main() -> int:
    """Run it, print the report, and say whether all was well."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with tempfile.TemporaryDirectory() as folder:
        server = Served(Path(folder), ONEHOP_KEPT_OUTPUTS=str(8 << 20)).start()
        report = load(server, seconds)
    print(report)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
