"""A model of what one execution costs, measured, and what a million an hour would take.

CPU time and bytes are counted, not wall time: they hold on a busy machine. With Ray installed, the
model is checked on clusters of 1, 2 and 4 raylets on this machine.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx2
from tests.chaos.subject import Subject
from tests.servers import PostgresServer

from benchmarks import _raylets
from benchmarks._costs import cpu_seconds, own_megabytes, tree
from benchmarks._program import Options, main
from benchmarks._report import Report
from benchmarks.store import BATCH, Source
from onehop import Sandbox, SandboxConfig
from onehop.config import AuditConfig
from onehop.execution import open_executor
from onehop.stores import open_store
from onehop.types import Isolation

CODE: Final = """
const rows = context.rows.filter((row) => row.amount > 10);
const byCity = new Map();
for (const { city, amount } of rows) byCity.set(city, (byCity.get(city) ?? 0) + amount);
console.log('rows', rows.length);
console.log('cities', byCity.size);
return Object.fromEntries([...byCity].sort((a, b) => b[1] - a[1]).slice(0, 20));
"""
"""What an agent typically sends: half a kilobyte of code over two kilobytes of data."""
CONTEXT: Final = {
    "rows": [{"city": f"city-{n % 17}", "amount": n * 7 % 53, "id": n} for n in range(45)]
}
_CALL: Final = {"code": CODE, "context": CONTEXT}
_AT_ONCE: Final = 4
_BUSY: Final = 0.7
"""Share of a machine that is planned for: queues grow without end as it nears 1."""
_CORES: Final = 32
_RATES: Final = (("a million an hour", 1e6 / 3600), ("a billion a day", 1e9 / 86_400))


@dataclass(frozen=True)
class Cost:
    """Of one execution: ms of CPU, and bytes."""

    host: float
    """The process that onehop's library or server runs in."""
    below: float
    """Everything that it has started: spawner, template, workers, analysis."""
    store: float = 0.0
    """The database server."""
    kept: float = 0.0
    """Bytes of the store, indexes and events included."""
    network: float = 0.0
    """Bytes of HTTP, both ways, headers included."""

    @property
    def cpu(self) -> float:
        return self.host + self.below + self.store


async def measure(options: Options) -> Report:
    """Every way in, then the model, then Ray."""
    report = Report("scaling", "What an execution costs, and what many would take")
    runs = options.pick(600, 80)
    costs: dict[str, Cost] = {}
    with PostgresServer() as postgres:
        for isolation in ("realm", "process"):
            costs[f"library, {isolation}"] = await _library(isolation, runs)
        costs["executor and SQLite, process"] = await _executor(None, runs)
        costs["executor and PostgreSQL, process"] = await _executor(postgres, runs)
        memory: dict[str, float] = {}
        for isolation in ("realm", "process"):
            for name, store in (("SQLite", None), ("PostgreSQL", postgres)):
                way = f"HTTP and {name}, {isolation}"
                costs[way] = await _http(isolation, store, runs, memory)
        appended = await _appends(postgres, options.pick(20, 4))
    _fill(report, costs, memory)
    _bound(report, appended)
    await _raylets.check(report, options, _CALL, costs["library, process"].cpu)
    return report


# --- what one costs ---


@dataclass
class _Meter:
    """CPU time of a root, of what is below it, and of a database, since it was made."""

    root: int
    database: PostgresServer | None = None
    before: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        self.before = self._now()

    def cost(self, runs: int, **bytes_: float) -> Cost:
        """Of one of ``runs`` since then."""
        spent = [
            (now - then) / runs * 1000 for now, then in zip(self._now(), self.before, strict=True)
        ]
        return Cost(*spent, **bytes_)

    def _now(self) -> tuple[float, float, float]:
        databases = [] if self.database is None else self.database.tree()
        below = tree(self.root, without=databases)[1:]
        alone = cpu_seconds([self.root]) - _collected(self.root)
        return alone, cpu_seconds(below) + _collected(self.root), cpu_seconds(databases)


def _collected(pid: int) -> float:
    """CPU seconds of the children that it has collected."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")


async def _library(isolation: Isolation, runs: int) -> Cost:
    async with Sandbox(SandboxConfig(max_concurrency=_AT_ONCE)) as sandbox:
        await _drain(sandbox.map((_CALL for _ in range(20)), isolation=isolation))
        meter = _Meter(os.getpid())
        await _drain(sandbox.map((_CALL for _ in range(runs)), isolation=isolation))
        return meter.cost(runs)


async def _appends(postgres: PostgresServer, batches: int) -> tuple[float, float]:
    """CPU ms of a record that is appended in a full batch: of the server, and of the database."""
    async with _opened(postgres.create("appends")) as store:
        source = Source(time.time_ns() // 1_000_000)
        entries = [source.entries(BATCH, announced=True) for _ in range(batches + 1)]
        await store.append(entries[0])
        meter = _Meter(os.getpid(), postgres)
        for batch in entries[1:]:
            await store.append(batch)
        cost = meter.cost(BATCH * batches)
    return cost.host, cost.store


async def _drain(results: AsyncIterator[Any]) -> None:
    async for result in results:
        assert result.success, result


async def _executor(postgres: PostgresServer | None, runs: int) -> Cost:
    with tempfile.TemporaryDirectory(prefix="onehop-scaling-") as folder:
        store = postgres.create("executor") if postgres else f"sqlite:///{folder}/onehop.db"
        audit = AuditConfig(store=store, journal=f"{folder}/journal")
        config = SandboxConfig(max_concurrency=_AT_ONCE)
        async with open_executor(config, audit=audit) as executor:

            async def one() -> None:
                assert (await executor.execute(CODE, context=CONTEXT, agent_id="a")).success

            await _at_once(one, 20)
            assert await executor.flush(30)
            size = await _size(store, postgres)
            meter = _Meter(os.getpid(), postgres)
            await _at_once(one, runs)
            assert await executor.flush(60)
            cost = meter.cost(runs)
        return _with_kept(cost, (await _size(store, postgres) - size) / runs)


async def _http(
    isolation: str, postgres: PostgresServer | None, runs: int, memory: dict[str, float]
) -> Cost:
    with tempfile.TemporaryDirectory(prefix="onehop-scaling-") as folder:
        url = postgres.create(f"http_{isolation}") if postgres else ""
        settings = {"ONEHOP_ISOLATION": isolation}
        with Subject(Path(folder), store=url, tools=False, **settings) as server:
            key = await server.agent_key("load")
            headers = {"Authorization": f"Bearer {key}"}
            moved = 0
            async with httpx2.AsyncClient(
                base_url=server.url, headers=headers, timeout=60
            ) as client:

                async def one() -> None:
                    nonlocal moved
                    answer = await client.post("/api/v1/execute", json=_CALL)
                    assert answer.json()["success"], answer.text
                    moved += _bytes_of(answer)

                await _at_once(one, 20)
                await _delivered(server.store, 20)
                size, moved = await _size(server.store, postgres), 0
                meter = _Meter(server.pid, postgres)
                await _at_once(one, runs)
                await _delivered(server.store, 20 + runs)
                cost = meter.cost(runs, network=moved / runs)
            memory[f"{isolation}, {'PostgreSQL' if postgres else 'SQLite'}"] = own_megabytes(
                tree(server.pid)
            )
            return _with_kept(cost, (await _size(server.store, postgres) - size) / runs)


def _bytes_of(answer: httpx2.Response) -> int:
    heads = (*answer.request.headers.raw, *answer.headers.raw)
    head = sum(len(name) + len(value) + 4 for name, value in heads)
    return head + len(answer.request.content) + len(answer.content)


def _with_kept(cost: Cost, kept: float) -> Cost:
    return Cost(cost.host, cost.below, cost.store, kept, cost.network)


async def _at_once(one: Callable[[], Awaitable[None]], runs: int) -> None:
    async def lane(count: int) -> None:
        for _ in range(count):
            await one()

    await asyncio.gather(*(lane(runs // _AT_ONCE) for _ in range(_AT_ONCE)))


async def _delivered(url: str, runs: int) -> None:
    async with _opened(url) as store:
        for _ in range(600):
            head = await store.head()
            if head.sequence >= runs // _AT_ONCE * _AT_ONCE:
                return
            await asyncio.sleep(0.1)
    raise AssertionError("the store does not get the records")


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Any]:
    store = await open_store(AuditConfig(store=url))
    try:
        yield store
    finally:
        await store.aclose()


async def _size(url: str, postgres: PostgresServer | None) -> int:
    """Bytes of all tables and indexes."""
    if postgres is None:
        return _file_size(url.removeprefix("sqlite:///"))
    schema = url.rpartition("=")[2]
    connection = await asyncpg.connect(postgres.url)
    try:
        found = await connection.fetchval(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'",
            schema,
        )
    finally:
        await connection.close()
    return int(found)


def _file_size(path: str) -> int:
    """Of a SQLite file: its pages, also those that are still in the write-ahead log."""
    with closing(sqlite3.connect(path)) as database:
        names = ("page_count", "page_size")
        pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int(pages * size)


# --- what many cost ---


def _fill(report: Report, costs: dict[str, Cost], memory: dict[str, float]) -> None:
    table = report.table(
        "One execution: CPU in ms, bytes",
        *("way", "CPU, host", "CPU, below", "CPU, store", "CPU in all", "kept", "network"),
    )
    for way, cost in costs.items():
        numbers = (cost.host, cost.below, cost.store, cost.cpu)
        table.add(way, *numbers, round(cost.kept) or None, round(cost.network) or None)
    sizes = report.table("MB of a server and all that it has started, at rest", "server", "MB")
    for name, megabytes in memory.items():
        sizes.add(name, megabytes)
    for isolation in ("process", "realm"):
        _project(report, isolation, costs[f"HTTP and PostgreSQL, {isolation}"])
    report.notes.append(
        f"The model: cores = rate x CPU / {_BUSY:g}, as no machine is planned for more than that. "
        f"{_AT_ONCE} calls at once, each with {len(CODE)} characters of code. A run that computes "
        "adds its own CPU time to each row."
    )


def _bound(report: Report, appended: tuple[float, float]) -> None:
    """Records of one store form one chain, so that appends follow one another."""
    table = report.table(
        f"One PostgreSQL, appends of {BATCH} records with events",
        *("CPU of a record, server, ms", "database, ms", "records a second at most"),
    )
    table.add(*appended, 1000 / sum(appended))


def _project(report: Report, isolation: str, cost: Cost) -> None:
    table = report.table(
        f"HTTP and PostgreSQL, {isolation}: what a rate takes",
        *("rate", "a second", "cores of servers", f"servers of {_CORES} cores"),
        *("cores of the database", "GB kept a day", "GB kept in 30 days", "Mbit/s"),
    )
    for name, rate in _RATES:
        table.add(name, round(rate), *_demands(cost, rate))


def _demands(cost: Cost, rate: float) -> Iterator[float | int]:
    cores = rate * (cost.host + cost.below) / 1000 / _BUSY
    yield cores
    yield -(-cores // _CORES)
    yield rate * cost.store / 1000 / _BUSY
    a_day = rate * 86_400 * cost.kept / 1e9
    yield a_day
    yield a_day * 30
    yield rate * cost.network * 8 / 1e6


if __name__ == "__main__":
    main("scaling", measure)
