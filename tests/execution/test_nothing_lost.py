"""Nothing that happened is lost: not by a killed process, not by a database that is away."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from onehop import Sandbox, SandboxConfig
from onehop.audit import verify
from onehop.config import AuditConfig
from onehop.errors import AuditUnavailableError, StoreUnavailableError
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.records import ExecutionRecord
from onehop.stores import open_store
from onehop.stores.base import HistoryQuery, Store
from tests.sameness import same_each_time
from tests.servers import MongoServer, PostgresServer
from tests.users import ROOT

DRIVER = [sys.executable, "-m", "tests.execution.load"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


async def everything(store: Store) -> list[ExecutionRecord]:
    """Every record of the store, in the order of the chain."""
    found: list[ExecutionRecord] = []
    while page := await store.chain(found[-1].sequence or 0 if found else 0, 1000):
        found += page
    return found


def killed_load(
    audit: AuditConfig, name: str, seconds: float, *, under_load: bool
) -> list[tuple[str, int]]:
    """Load a process and kill it after a while, from its start or from the end of its first run;
    what it said had ended."""
    words = [*DRIVER, str(audit.store), str(audit.journal), name]
    lines: list[str] = []
    with subprocess.Popen(
        words, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if under_load:  # however long a busy machine takes to come so far
            lines = [process.stdout.readline() for _ in ("ready", "the first run")]
        time.sleep(seconds)  # a random point is what is asked for
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    whole = [line.split() for line in lines if line.endswith("\n") and line != "ready\n"]
    return [(request_id, int(output)) for request_id, output in whole]


async def killed_many_times(tmp_path: Path, times: int) -> None:
    """Every finished run is there as it was, nothing is there that was not, and the chain holds."""
    audit = AuditConfig(store=f"sqlite:///{tmp_path / 'onehop.db'}", journal=str(tmp_path / "j"))
    dice = random.Random(20261123)
    said: dict[str, int] = {}
    for number in range(times):
        under_load = number % 3 > 0
        seconds = dice.uniform(0, 0.8) if under_load else dice.uniform(0.2, 2.5)
        said.update(killed_load(audit, f"p{number}", seconds, under_load=under_load))
    assert len(said) >= times // 3  # those that came so far have run something
    async with open_executor(SandboxConfig(pool_size=1), audit=audit) as executor:
        assert await executor.flush()
    store = await open_store(audit)
    records = await everything(store)
    report = await verify(store)
    await store.aclose()
    assert report.problems == ()
    by_id = {record.request_id: record for record in records}
    assert len(by_id) == len(records)
    assert {name: by_id[name].output for name in said} == said
    for record in records:
        number = int(record.request_id.rpartition("-")[2])
        if record.success:
            assert record.output == number * 2
            assert record.code_snippet == f"return {number} * 2"
        else:
            assert record.request_id not in said
            assert "the onehop process ended before this run did" in str(record.error)
            assert record.details["interrupted"] is True


async def test_a_process_killed_at_random_points_loses_no_finished_run(tmp_path: Path) -> None:
    await killed_many_times(tmp_path, 3)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_a_process_killed_100_times_loses_no_finished_run(tmp_path: Path) -> None:
    await killed_many_times(tmp_path, 100)


async def test_a_run_that_was_under_way_when_the_process_was_killed_is_on_record(
    tmp_path: Path,
) -> None:
    audit = AuditConfig(store=f"sqlite:///{tmp_path / 'onehop.db'}", journal=str(tmp_path / "j"))
    code = """
import asyncio, sys
from onehop.execution import open_executor
from onehop.config import AuditConfig

async def main():
    async with open_executor(audit=AuditConfig(store=sys.argv[1], journal=sys.argv[2])) as executor:
        executor.bus.subscribe(lambda event: print(event.event_type, flush=True))
        await executor.execute(
            "await new Promise((done) => setTimeout(done, 20000))",
            timeout=30000, agent_id="ada", request_id="cut", context={"a": 1},
        )

asyncio.run(main())
"""
    words = [sys.executable, "-c", code, str(audit.store), str(audit.journal)]
    with subprocess.Popen(
        words, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any(line == "code:execution:started\n" for line in process.stdout)
        process.kill()
    async with open_executor(SandboxConfig(pool_size=1), audit=audit) as executor:
        assert await executor.flush()
        store = executor.store
        record = await store.get("cut")
        assert record is not None
        assert (record.success, record.error_type) == (False, "internal")
        assert record.details["interrupted"] is True
        assert record.context_data == {"a": 1}
        again = await executor.execute("return 1", agent_id="ada", request_id="cut")
        assert not again.success


# --- a database that is away ---

Server = PostgresServer | MongoServer


async def outage(server: Server, tmp_path: Path, seconds: float) -> None:
    """Load while the database goes away and comes back."""
    audit = AuditConfig(store=server.create("load"), journal=str(tmp_path / "j"))
    slowest = 0.0
    done: list[str] = []
    async with open_executor(SandboxConfig(), audit=audit) as executor:

        async def work(name: str, until: float) -> None:
            nonlocal slowest
            while time.monotonic() < until:
                began = time.monotonic()
                request_id = f"{name}-{len(done)}"
                result = await executor.execute("return 1", request_id=request_id)
                slowest = max(slowest, time.monotonic() - began)
                assert result.success
                done.append(request_id)

        async def load(seconds: float) -> None:
            until = time.monotonic() + seconds
            await asyncio.gather(*(work(f"{seconds}-{number}", until) for number in range(3)))

        await load(0.5)
        before = len(done)
        await asyncio.to_thread(server.stop)
        try:
            await load(seconds)
            assert not await executor.flush(0.2)
            while_away = len(done) - before
        finally:
            await asyncio.to_thread(server.start)
        await load(0.5)
        assert await executor.flush(30)
        store = executor.store
        records = await everything(store)
        mine = [record.request_id for record in records if record.request_id in set(done)]
        assert sorted(mine) == sorted(done)
        assert while_away > seconds * 5
        assert slowest < 2.5
        assert (await verify(store)).problems == ()


@pytest.mark.thorough
async def test_an_outage_of_postgresql_loses_no_record_and_stops_no_run(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    await outage(postgres, tmp_path, 1 if same_each_time() else 3)


@pytest.mark.thorough
async def test_an_outage_of_mongodb_loses_no_record_and_stops_no_run(
    mongo: MongoServer, tmp_path: Path
) -> None:
    await outage(mongo, tmp_path, 3)


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_an_outage_of_a_minute_loses_no_record(
    tmp_path: Path,
) -> None:
    with PostgresServer() as postgres:
        await outage(postgres, tmp_path, 60)


async def test_records_of_an_outage_that_outlives_the_process_are_delivered_later(
    postgres: PostgresServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    audit = AuditConfig(store=postgres.create("later"), journal=str(tmp_path / "j"))
    store = await open_store(audit)
    await asyncio.to_thread(postgres.stop)
    try:
        async with Executor(sandbox, store=store, audit=audit) as executor:
            results = [
                await executor.execute(f"return {number}", request_id=f"kept-{number}")
                for number in range(3)
            ]
        assert [result.output for result in results] == [0, 1, 2]
    finally:
        await asyncio.to_thread(postgres.start)
        await store.aclose()
    store = await open_store(audit)
    async with Executor(sandbox, store=store, audit=audit) as executor:
        assert await executor.flush(30)
    names = [record.request_id for record in await store.history(HistoryQuery(limit=1000))]
    await store.aclose()
    assert [name for name in names if name.startswith("kept-")] == ["kept-2", "kept-1", "kept-0"]


async def test_a_strict_audit_runs_nothing_while_the_database_is_away(
    postgres: PostgresServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    audit = AuditConfig(store=postgres.create("strict"), journal=str(tmp_path / "j"), mode="strict")
    store = await open_store(audit)
    async with Executor(sandbox, store=store, audit=audit) as executor:
        await executor.execute("return 1", request_id="before")
        assert await store.get("before") is not None  # there when the result is
        await asyncio.to_thread(postgres.stop)
        try:
            with pytest.raises(AuditUnavailableError, match="strict"):
                await executor.execute("return 1", request_id="during")
        finally:
            await asyncio.to_thread(postgres.start)
        assert (await executor.execute("return 2", request_id="during")).output == 2
    await store.aclose()


async def test_an_unreachable_database_at_the_start_is_one_clear_error(tmp_path: Path) -> None:
    url = "postgresql://onehop:geheim@127.0.0.1:1/onehop"
    audit = AuditConfig(store=url, journal=str(tmp_path / "j"))
    with pytest.raises(StoreUnavailableError) as caught:
        async with open_executor(SandboxConfig(pool_size=1), audit=audit):
            raise AssertionError("it must not open")
    assert "127.0.0.1:1" in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.thorough
async def test_a_start_while_the_database_is_away_records_all_when_it_is_back(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    audit = AuditConfig(store=postgres.create("late"), journal=str(tmp_path / "j"))
    await asyncio.to_thread(postgres.stop)
    try:
        opening = open_executor(SandboxConfig(pool_size=1), audit=audit, store_may_be_away=True)
        executor = await opening.__aenter__()
        result = await executor.execute("return 1", agent_id="ada", request_id="early")
        assert result.output == 1
        assert "nobody could look" in str(result.warnings)
    finally:
        await asyncio.to_thread(postgres.start)
    assert await executor.flush(30)
    record = await executor.store.get("early", "ada")
    assert record is not None  # the schema was made when the database was back
    assert (await verify(executor.store)).ok
    await opening.__aexit__(None, None, None)
