"""What viewers of the live feed cost the runs that they look at."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx2
from tests.server.served import Served

from benchmarks._process import cpu_of, memory_of
from benchmarks._program import Options, main, rounds
from benchmarks._report import Budget, Report

VIEWERS = 50
CROWD = 1000
WANTED = 500
"""Events a second that the feed must carry."""
_LANES = 4
_SLICE = 4.0
_KEPT = 0.95
_EVENTS = 4
"""Of each run."""
_CAME = 0.95
"""The last ones of a slice may come after it."""
_GROWTH = 192
"""MB that a server may grow by for a thousand viewers who read and one who does not."""
_CODE = {"code": "return 1 + 1"}

Rates = dict[int, list[tuple[float, float, float]]]


async def measure(options: Options) -> Report:
    """The rate of runs, with viewers and without them in turns; then a crowd."""
    report = Report("feed", "The live feed of events")
    with tempfile.TemporaryDirectory(prefix="onehop-bench-") as folder:
        settings = {
            "ONEHOP_AGENT_MAX_STREAMS": str(2 * CROWD),
            "ONEHOP_AGENT_MAX_RATE": "1000000",
            "ONEHOP_MAX_CONNECTIONS": str(4 * CROWD),
            "ONEHOP_ISOLATION": "realm",
        }
        with Served(Path(folder), "--no-auth", **settings) as server:
            await _measure_rates(report, server, options)
            await _measure_crowd(report, server, options)
    report.notes += [
        "If fewer events came than wanted and none was lost, the machine made too few runs.",
        f"Runs are `return 1 + 1` over HTTP, {_LANES} at a time, as fast as they go; each has four"
        " events. Viewers read as bytes in the process that also makes the load, on the same"
        " cores.",
        "Events gather for 50 ms to 2 s, so that all viewers together take 2 % of what the server"
        " uses of the processor, or 1 % of a core.",
    ]
    return report


async def _measure_rates(report: Report, server: Served, options: Options) -> None:
    rates: Rates = {0: [], VIEWERS: []}
    async for viewers, counts in rounds([0, VIEWERS], options.pick(8, 3)):
        async with watching(server.url, viewers) as seen:
            found = await _slice(server, options.pick(_SLICE, 2.0), seen)
        if counts:
            rates[viewers].append(found)
    heads = ("runs/s", "events/s to each", "server CPU a run, ms", "slices")
    table = report.table("Runs", "viewers", *heads)
    for viewers, slices in rates.items():
        runs, events, cpu = (median(each) for each in zip(*slices, strict=True))
        table.add(f"{viewers}", runs, events if viewers else None, cpu, len(slices))
    events = median(each[1] for each in rates[VIEWERS])
    report.budgets += [
        Budget(f"events to each of {VIEWERS} viewers", events, "≥", WANTED, "a second"),
        Budget("events that came, of those there were", 100 * _came(rates), "≥", _CAME * 100, "%"),
        Budget("rate of runs that is kept", 100 * _kept(rates, 0), "≥", _KEPT * 100, "%"),
        Budget("the same for a second of CPU", 100 / _kept(rates, 2), "≥", _KEPT * 100, "%"),
    ]


def _came(rates: Rates) -> float:
    """The share of a run's events that each viewer got: on a slow machine too, it is all."""
    return median(events / (_EVENTS * runs) for runs, events, _ in rates[VIEWERS])


def _kept(rates: Rates, place: int) -> float:
    """The share with viewers of what there is without, over slices that follow each other."""
    pairs = zip(rates[0], rates[VIEWERS], strict=True)
    return median(watched[place] / alone[place] for alone, watched in pairs)


async def _slice(server: Served, seconds: float, seen: Seen) -> tuple[float, float, float]:
    """Runs a second, events a second to each viewer, and ms of the server's CPU for a run."""
    async with httpx2.AsyncClient(base_url=server.url, timeout=30) as client:
        await _load(client, 0.5)
        events, cpu, start = seen.each, cpu_of(server.pid), perf_counter()
        done = await _load(client, seconds)
        await asyncio.sleep(0.2)  # the last events are on their way
        taken = perf_counter() - start - 0.2
        return done / taken, (seen.each - events) / taken, (cpu_of(server.pid) - cpu) * 1000 / done


async def _load(client: httpx2.AsyncClient, seconds: float) -> int:
    end = perf_counter() + seconds

    async def lane() -> int:
        done = 0
        while perf_counter() < end:
            answer = await client.post("/api/v1/execute", json=_CODE)
            assert answer.status_code == 200, answer.text
            done += 1
        return done

    return sum(await asyncio.gather(*(lane() for _ in range(_LANES))))


class Seen:
    """What all viewers of a server have got."""

    def __init__(self, viewers: int) -> None:
        self.viewers = viewers
        self.events = 0
        self.open = 0
        self.all_here = asyncio.Event()
        self.came(0)

    def came(self, more: int = 1) -> None:
        """Others are there now."""
        self.open += more
        if self.open >= self.viewers:
            self.all_here.set()

    @property
    def each(self) -> float:
        """Events for one of them."""
        return self.events / self.viewers if self.viewers else 0.0


@asynccontextmanager
async def watching(url: str, viewers: int) -> AsyncIterator[Seen]:
    """That many viewers, once all are there; they read bytes and count events."""
    seen = Seen(viewers)
    tasks = [asyncio.create_task(_view(url, seen)) for _ in range(viewers)]
    try:
        async with asyncio.timeout(60):
            await seen.all_here.wait()
        yield seen
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host = url.removeprefix("http://")
    name, port = host.split(":")
    reader, writer = await asyncio.open_connection(name, int(port), limit=1 << 20)
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head, head
    return reader, writer


async def _view(url: str, seen: Seen) -> None:
    reader, writer = await connect(url)
    seen.came()
    try:
        while chunk := await reader.read(1 << 20):
            seen.events += chunk.count(b"\nid: ")
    finally:
        writer.close()


async def _measure_crowd(report: Report, server: Served, options: Options) -> None:
    """A thousand who read, and one who does not."""
    async with AsyncExitStack() as stack:
        before = memory_of(server.pid)
        _reader, idle = await connect(server.url)  # nobody reads what it has
        stack.callback(idle.close)
        idle.transport.pause_reading()  # type: ignore[attr-defined]
        seen = await stack.enter_async_context(watching(server.url, CROWD))
        there = memory_of(server.pid)
        runs, events, _ = await _slice(server, options.pick(30.0, 5.0), seen)
        after = memory_of(server.pid)
    table = report.table(
        "A crowd", "viewers", "runs/s", "events/s to each", "MB before", "MB there", "MB after"
    )
    table.add(f"{CROWD}, and one that never reads", runs, events, before, there, after)
    report.budgets.append(Budget("growth for a crowd", after - before, "≤", _GROWTH, "MB"))


if __name__ == "__main__":
    main("feed", measure)
