"""``onehop mcp`` as a process: its streams, its end, and whose runs they are."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from mcp.client import Client

from onehop.config import AuditConfig
from onehop.server.agents import Agents
from onehop.stores import open_store
from onehop.stores.base import HistoryQuery
from tests.mcp.doors import PATIENCE, TOOL, environment, process, run, text_of
from tests.mcp.test_http import BUSY, busy_worker
from tests.processes import descendants
from tests.waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="package")

HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


class Wire:
    """The process, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def send(self, value: Any) -> None:
        line = value if isinstance(value, bytes) else json.dumps(value).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")

    async def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
        assert line, (await self.end())[1]
        value: dict[str, Any] = json.loads(line)
        return value

    async def hello(self) -> None:
        self.send(HELLO)
        assert (await self.receive())["result"]["serverInfo"]["name"] == "onehop"
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, number: int, code: str, **arguments: Any) -> None:
        params = {"name": TOOL, "arguments": {"code": code, **arguments}}
        self.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})

    async def end(self) -> tuple[str, str]:
        """Close its input; what else it writes, on both streams, until it has ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        output, errors = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        return output.decode(), errors.decode()


@asynccontextmanager
async def started(folder: Path, *words: str, **env: str) -> AsyncIterator[Wire]:
    """``onehop mcp``; killed at the end if it still runs."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "onehop", "mcp", *words),
        cwd=folder,
        env={**environment(folder), **env},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    try:
        yield Wire(running)
    finally:
        if running.returncode is None:
            running.kill()
            await running.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def greeted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """One process for tests that send it something and read all that it answers."""
    async with started(tmp_path_factory.mktemp("greeted")) as wire:
        await wire.hello()
        yield wire


async def test_it_ends_when_its_input_does_and_says_nothing(tmp_path: Path) -> None:
    async with started(tmp_path) as wire:
        await wire.hello()
        family = descendants(wire.process.pid)
        assert await wire.end() == ("", "")
        assert wire.process.returncode == 0
        await soon(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_and_the_run_in_flight(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with started(tmp_path) as wire:
        await wire.hello()
        wire.call(1, BUSY, timeout=30_000)
        worker = await busy_worker()
        wire.process.send_signal(number)
        _output, errors = await wire.end()
        assert (wire.process.returncode, errors) == (0, "")
        await soon(lambda: not Path(f"/proc/{worker}").exists())
    assert [record.error_type for record in await records(tmp_path)] == ["cancelled"]


async def test_the_end_of_input_ends_the_run_in_flight(tmp_path: Path) -> None:
    async with started(tmp_path) as wire:
        await wire.hello()
        wire.call(1, BUSY, timeout=30_000)
        worker = await busy_worker()
        await wire.end()
        assert wire.process.returncode == 0
        await soon(lambda: not Path(f"/proc/{worker}").exists())


@pytest.mark.thorough
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_cancelled_call_kills_its_worker(tmp_path: Path, era: str) -> None:
    async with Client(process(tmp_path), mode=era) as client:
        call = asyncio.create_task(run(client, BUSY, timeout=30_000))
        worker = await busy_worker()
        call.cancel()
        await soon(lambda: not Path(f"/proc/{worker}").exists())
        assert not (await run(client, "return 1")).is_error


async def test_lines_that_are_no_messages_do_no_harm(greeted: Wire) -> None:
    for line in (b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"id": {}}', b"x" * 40_000_000):
        greeted.send(line)
    greeted.call(1, "return 1")
    answers = [await greeted.receive() for _ in range(5)]
    codes = [answer["error"]["code"] for answer in answers[:4]]
    assert codes == [-32700, -32700, -32600, -32600]
    assert {answer["id"] for answer in answers[:4]} == {None}
    assert answers[4]["result"]["structuredContent"]["output"] == 1


async def test_a_key_that_comes_twice_is_an_error_that_names_it(greeted: Wire) -> None:
    twice = b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"code_execute",'
    greeted.send(twice + b'"arguments":{"code":"return 1","code":"return 2"}}}')
    error = (await greeted.receive())["error"]
    assert error["code"] == -32700
    assert "'code' twice" in error["message"]


@pytest.mark.parametrize("number", [b"1.5", b"null", b"true", b"{}", b"1.0"])
async def test_a_request_with_no_proper_id_is_answered(greeted: Wire, number: bytes) -> None:
    greeted.send(b'{"jsonrpc":"2.0","id":' + number + b',"method":"ping"}')
    assert (await greeted.receive())["error"]["code"] == -32600


async def test_a_large_call_comes_through(greeted: Wire) -> None:
    greeted.call(3, "return context.text.length", context={"text": "x" * 10_000_000})
    answer = await greeted.receive()
    assert answer["id"] == 3
    assert answer["result"]["structuredContent"]["output"] == 10_000_000


async def test_a_client_that_stops_reading_ends_it(tmp_path: Path) -> None:
    async with started(tmp_path) as wire:
        await wire.hello()
        transport: Any = wire.process.stdout
        transport._transport.close()
        wire.call(1, "return 1")
        await asyncio.wait_for(wire.process.wait(), PATIENCE)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("env", "status", "words"),
    [
        ({"ONEHOP_STORE": "nonsense://nowhere"}, 2, "names no store"),
        ({"ONEHOP_STORE": "sqlite:////proc/none/x.db"}, 3, "does not answer"),
        ({"ONEHOP_POOL_SIZE": "0"}, 2, "pool_size"),
    ],
    ids=["no store", "no folder", "bad setting"],
)
async def test_what_stops_the_start_is_one_line_on_standard_error(
    tmp_path: Path, env: dict[str, str], status: int, words: str
) -> None:
    async with started(tmp_path, **env) as wire:
        output, errors = await wire.end()
    assert (wire.process.returncode, output) == (status, "")
    assert errors.startswith("onehop: ")
    assert words in errors
    assert errors.count("\n") == 1


async def test_it_starts_and_runs_while_the_store_is_away(tmp_path: Path) -> None:
    away = "postgresql://nobody@localhost:1/none"
    async with started(tmp_path, ONEHOP_STORE=away) as wire:
        await wire.hello()
        wire.call(1, "return 6 * 7")
        assert (await wire.receive())["result"]["structuredContent"]["output"] == 42
        output, errors = await wire.end()
    assert output == ""
    assert "WARNING starting without it" in errors


@pytest.mark.thorough
async def test_two_clients_may_share_a_store(tmp_path: Path) -> None:
    first, second = process(tmp_path, "--agent", "one"), process(tmp_path, "--agent", "two")
    async with Client(first) as one, Client(second) as two:
        results = await asyncio.gather(run(one, "return 1"), run(two, "return 2"))
        assert not any(result.is_error for result in results)
        taken = {"onehop/requestId": "of-one"}
        await run(one, "return 1", taken)
        await until_recorded(tmp_path, 3)
        other = (await run(two, "return 2", taken)).structured_content or {}
        assert other["output"] == 2


@pytest.mark.thorough
async def test_a_client_hears_nothing_of_what_another_has_failed_with(tmp_path: Path) -> None:
    failing = "return context.missing.name"
    async with Client(process(tmp_path)) as first:
        texts = [text_of(await run(first, failing)) for _ in range(2)]
    assert ["has failed like this once before" in text for text in texts] == [False, True]
    await until_recorded(tmp_path, 2)
    async with Client(process(tmp_path)) as second:
        assert "before" not in text_of(await run(second, failing))


async def until_recorded(folder: Path, count: int) -> None:
    """Return once the store has so many records."""

    async def are_there() -> bool:
        return len(await records(folder)) >= count

    await soon(are_there, f"{count} records")


# --- whose runs they are ---


async def records(folder: Path) -> list[Any]:
    """What the store has, newest first."""
    store = await open_store(audit(folder))
    try:
        return await store.history(HistoryQuery())
    finally:
        await store.aclose()


def audit(folder: Path) -> AuditConfig:
    settings = environment(folder)
    return AuditConfig(store=settings["ONEHOP_STORE"], journal=settings["ONEHOP_JOURNAL"])


async def agent_of_a_run(folder: Path, *words: str, **env: str) -> str:
    async with Client(process(folder, *words, **env)) as client:
        await run(client, "return 1")
    (record, *_) = await records(folder)
    agent: str = record.agent_id
    return agent


async def key_of(folder: Path, agent_id: str) -> str:
    store = await open_store(audit(folder))
    try:
        return (await Agents(store).add(agent_id)).key
    finally:
        await store.aclose()


@pytest.mark.thorough
async def test_runs_are_those_of_the_named_agent(tmp_path: Path) -> None:
    assert await agent_of_a_run(tmp_path, "--agent", "ada") == "ada"


@pytest.mark.thorough
async def test_runs_are_those_of_mcp_when_nobody_is_named(tmp_path: Path) -> None:
    assert await agent_of_a_run(tmp_path) == "mcp"


async def test_runs_are_those_of_the_agent_whose_key_it_is(tmp_path: Path) -> None:
    key = await key_of(tmp_path, "grace")
    assert await agent_of_a_run(tmp_path, AGENT_API_KEY=key) == "grace"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "key", ["oh_no", "oh_0123456789abcdef_" + "0" * 64, "sk-of-something-else"]
)
async def test_a_key_of_another_store_stops_nothing_and_is_told(tmp_path: Path, key: str) -> None:
    async with started(tmp_path, AGENT_API_KEY=key) as wire:
        await wire.hello()
        wire.call(1, "return 1")
        assert (await wire.receive())["result"]["structuredContent"]["output"] == 1
        output, errors = await wire.end()
    assert (wire.process.returncode, output) == (0, "")
    assert errors.startswith("onehop: WARNING AGENT_API_KEY is not the key of an agent in sqlite")
    assert errors.count("\n") == 1
    assert key not in errors
    assert [record.agent_id for record in await records(tmp_path)] == ["mcp"]
