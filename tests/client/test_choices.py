"""Arguments that most calls leave out, through the client and HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from onehop.errors import (
    ArtifactNotFoundError,
    ExecutionNotFoundError,
    InvalidRequestError,
    PermissionDeniedError,
)
from onehop.types import Progress
from tests.client.clients import Kind, connected
from tests.client.served import Served
from tests.waiting import soon


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One for the tests of this file."""
    async with Served(tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest_asyncio.fixture
async def client(server: Served, kind: Kind) -> AsyncIterator[Any]:
    """Ada's."""
    async with connected(kind, server_url=server.url, api_key=server.keys["ada"]) as opened:
        yield opened


async def test_seed_and_clock_fix_a_run(client: Any) -> None:
    code = "return [Math.random(), Date.now()]"
    first = await client.execute(code, seed=7, clock="2026-01-31T12:00:00Z")
    again = await client.call_tool(
        "code_execute", {"code": code, "seed": 7, "clock": 1_769_860_800_000}
    )
    assert first.output == again["output"]
    assert first.output[1] == 1_769_860_800_000
    record = await client.execution(first.request_id)
    assert (record.details["seed"], record.details["clock"]) == (7, 1_769_860_800_000)


async def test_a_seed_or_clock_that_is_not_one_is_refused_by_name(client: Any) -> None:
    for field, value in (("seed", -1), ("seed", 0.5), ("clock", "year 300000"), ("clock", 1e17)):
        with pytest.raises(InvalidRequestError, match=f"{field}: got"):
            await client.execute("return 1", **{field: value})


@pytest_asyncio.fixture
async def root(server: Served) -> AsyncIterator[Any]:
    """An admin's."""
    async with connected("async", server_url=server.url, api_key=server.keys["root"]) as opened:
        yield opened


@pytest_asyncio.fixture
async def eve(server: Served) -> AsyncIterator[Any]:
    """Another agent's."""
    async with connected("async", server_url=server.url, api_key=server.keys["eve"]) as opened:
        yield opened


async def test_calls_of_a_session_share_variables(client: Any, kind: Kind) -> None:
    name = f"shared-{kind}"
    await client.execute("let rows = [1, 2]; function sum() { return rows.length }", session=name)
    arguments = {"code": "rows.push(3); return sum()", "session": name}
    assert (await client.call_tool("code_execute", arguments))["output"] == 3
    assert await client.end_session(name)
    assert not await client.end_session(name)
    assert (await client.execute("return typeof rows", session=name)).output == "undefined"


async def test_a_declared_function_is_not_called_in_a_session(client: Any, kind: Kind) -> None:
    code = "function total(rows) { return rows.length }"
    first = await client.execute(code, session=f"declared-{kind}")
    assert (first.output, first.corrections, first.warnings) == (None, None, None)
    result = await client.execute("return total([1])", session=f"declared-{kind}")
    assert (result.output, result.corrections) == (1, None)


async def test_an_agent_and_an_admin_see_and_end_sessions_and_nobody_else(
    client: Any, eve: Any, root: Any, kind: Kind
) -> None:
    name = f"mine-{kind}"
    await client.execute("let secret = 1", session=name)
    (own,) = [each for each in await client.sessions() if each.session == name]
    assert (own.agent_id, own.names, own.live) == ("ada", ["secret"], True)
    assert name not in [each.session for each in await eve.sessions()]
    assert name in [each.session for each in await root.sessions()]
    with pytest.raises(PermissionDeniedError):
        await eve.sessions("ada")
    with pytest.raises(PermissionDeniedError):
        await eve.end_session(name, "ada")
    assert not await eve.end_session(name)
    assert (await eve.execute("return typeof secret", session=name)).output == "undefined"
    assert await root.end_session(name, "ada")
    assert name not in [each.session for each in await client.sessions()]


@pytest.mark.thorough
async def test_what_a_session_stores_is_there_after_a_restart(tmp_path: Path, kind: Kind) -> None:
    async with Served(tmp_path) as served:
        options = {"server_url": served.url, "api_key": served.keys["ada"]}
        async with connected(kind, **options) as client:
            code = "let rows = 1; await store.set('seen', [1, 2])"
            assert (await client.execute(code, session="s")).success
        await served.stop()
        await served.start()
        async with connected(kind, **options) as client:
            result = await client.execute("return await store.get('seen')", session="s")
            assert result.output == [1, 2]
            assert "onehop was restarted" in result.warnings[0]
            assert "It has lost rows" in result.warnings[0]


async def test_a_file_that_is_shown_is_downloaded_by_its_owner_only(
    client: Any, eve: Any, server: Served
) -> None:
    code = "show('<script>1</script>', { type: 'text/html', title: 'a/../b\"\\n.html' }); return 1"
    result = await client.execute(code)
    (shown,) = result.artifacts
    assert (shown.name, shown.type, shown.size) == ("b__.html", "text/html", 18)
    assert await client.artifact(result.request_id, shown.id) == b"<script>1</script>"
    with pytest.raises(ArtifactNotFoundError):
        await eve.artifact(result.request_id, shown.id)
    with pytest.raises(ArtifactNotFoundError):
        await client.artifact(result.request_id, "another")
    path = f"{server.url}/api/v1/executions/{result.request_id}/artifacts/{shown.id}"
    async with httpx2.AsyncClient() as http:
        answer = await http.get(path, headers={"Authorization": f"Bearer {server.keys['ada']}"})
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    record = await client.execution(result.request_id)
    assert record.details["artifacts"][0]["id"] == shown.id


async def test_progress_reaches_the_client_while_the_code_runs(client: Any) -> None:
    code = """
      for (const part of [0, 0.5, 1]) {
        progress(part, "part " + part); await new Promise((done) => setTimeout(done, 120)) }
      return "done" """
    seen: list[Progress] = []
    result = await client.execute(code, on_progress=seen.append)
    assert result.output == "done"
    assert [each.fraction for each in seen] == [0, 0.5, 1]
    assert seen[1].message == "part 0.5"


async def test_progress_is_an_event(client: Any) -> None:
    async with client.events("code:execution:progress") as events:
        result = await client.execute("progress(0.5, 'half'); return 1")
        event = await asyncio.wait_for(anext(events), 10)
    assert (event.request_id, event.fraction, event.message) == (result.request_id, 0.5, "half")


SLOW = "await new Promise((done) => setTimeout(done, 600)); console.log('printed'); return 42"
SLOWER = SLOW.replace("600", "4000")


async def test_a_run_that_yields_goes_on_and_is_waited_for(client: Any, eve: Any) -> None:
    first = await client.execute(SLOWER, yield_after=100)
    assert (first.status, first.success, first.output) == ("running", True, None)
    assert (await client.wait(first.request_id, 10)).status == "running"
    with pytest.raises(ExecutionNotFoundError):
        await eve.wait(first.request_id, 10)
    result = await client.wait(first.request_id)
    assert (result.status, result.output, result.logs) == ("completed", 42, ["printed"])
    again = await client.wait(first.request_id, 0)
    assert (again.output, again.request_id) == (42, first.request_id)


async def test_a_run_that_ends_in_time_is_answered_as_always(client: Any) -> None:
    result = await client.execute("return 1", yield_after=10_000)
    assert (result.status, result.output) == ("completed", 1)
    assert (await client.wait(result.request_id, 1000)).output == 1


async def test_a_run_that_yields_keeps_its_agents_place(client: Any, server: Served) -> None:
    async with httpx2.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {server.keys['ada']}"}
        body = {"code": SLOW, "yield": 0}
        path = f"{server.url}/api/v1/execute"
        answers = [await http.post(path, json=body, headers=headers) for _ in range(5)]
        statuses = [each.status_code for each in answers]
        assert statuses[:4] == [200] * 4
        assert statuses[4] == 429
        for answer in answers[:4]:
            await client.wait(answer.json()["requestId"])
        last = await http.post(path, json=body, headers=headers)
        assert last.status_code == 200
        await client.wait(last.json()["requestId"])


async def test_a_wrong_time_to_yield_is_refused(client: Any) -> None:
    for value in (-1, 1e9, True, "soon"):
        with pytest.raises(InvalidRequestError, match="yield: got"):
            await client.execute("return 1", yield_after=value)


async def test_a_run_that_another_call_waits_for_is_waited_for_too(client: Any) -> None:
    name = f"other-{id(client)}"
    running = asyncio.create_task(client.execute(SLOWER, request_id=name))

    async def found() -> Any:
        with contextlib.suppress(ExecutionNotFoundError):
            return await client.wait(name, 1)

    first = await soon(found, "the run")
    result = await client.wait(f"other-{id(client)}")
    assert (first.status, result.output) == ("running", 42)
    assert (await running).output == 42
