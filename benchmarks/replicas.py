"""Two servers on one PostgreSQL beside one, with runs whose time goes into the store."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from tests.server.served import Served
from tests.servers import PostgresServer

from benchmarks._program import Options, main
from benchmarks._report import Budget, Report
from onehop.client import AgentClient

_CLIENTS = 8
_WRITES = 10
"""Of the session's store, in each run."""
_CODE = f"for (let n = 0; n < {_WRITES}; n++) await store.set('key', n); return {_WRITES}"


async def measure(options: Options) -> Report:
    """The same clients at one server and spread over two, in turns."""
    report = Report("replicas", "Two servers on one PostgreSQL")
    table = report.table(
        f"{_CLIENTS} clients, each run writes {_WRITES} times to its session's store",
        *("servers", "runs a second, median", "of each turn"),
    )
    rates: dict[int, list[float]] = {1: [], 2: []}
    async with _pair() as servers:
        for _ in range(options.pick(5, 2)):
            for count, found in rates.items():
                found.append(await _rate(servers[:count], options.pick(15.0, 5.0)))
    for count, found in rates.items():
        table.add(count, median(found), ", ".join(f"{each:.1f}" for each in found))
    ratio = median(two / one for one, two in zip(rates[1], rates[2], strict=True))
    report.budgets.append(Budget("two servers over one", ratio, "≥", 1.6, "times"))
    report.notes.append(
        "Each server writes one thing at a time to the store, and waits for the disk (fsync). Both"
        " share this machine with the database. Turns alternate; the ratio is the median of pairs."
    )
    return report


@asynccontextmanager
async def _pair() -> AsyncIterator[list[Served]]:
    with tempfile.TemporaryDirectory() as folder, PostgresServer(fsync="on") as database:
        url = database.create("replicas")
        servers = [_Replica(Path(folder) / name, ONEHOP_STORE=url) for name in ("one", "two")]
        try:
            for server in servers:
                server.folder.mkdir()
                await asyncio.to_thread(server.start)
            yield [*servers]
        finally:
            for server in servers:
                server.stop()


class _Replica(Served):
    @property
    def store(self) -> str:
        return self._environment["ONEHOP_STORE"]

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "ONEHOP_AUTH": "false"}


async def _rate(servers: Sequence[Served], seconds: float) -> float:
    """Runs a second of all clients, which are dealt to the servers in turn."""
    urls = [servers[place % len(servers)].url for place in range(_CLIENTS)]
    clients = [
        AgentClient(agent_id=f"agent-{place}", api_key=None, server_url=url)
        for place, url in enumerate(urls)
    ]
    try:
        for client in clients:
            await client.connect()
            await client.execute(_CODE, session="bench", timeout=30_000)
        end = time.monotonic() + seconds
        counts = await asyncio.gather(*(_until(end, client) for client in clients))
    finally:
        for client in clients:
            await client.disconnect()
    return sum(counts) / seconds


async def _until(end: float, client: AgentClient) -> int:
    count = 0
    while time.monotonic() < end:
        result = await client.execute(_CODE, session="bench", timeout=30_000)
        assert result.output == _WRITES, result.error
        count += 1
    return count


if __name__ == "__main__":
    main("replicas", measure)
