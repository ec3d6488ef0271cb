"""Both clients against the real server: what is asked, what comes back, and who may not."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from onehop.client import Identity
from onehop.errors import (
    AuthenticationError,
    ExecutionNotFoundError,
    InvalidRequestError,
    OutputNotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    UnexpectedAnswerError,
)
from onehop.events import EVENT_TYPES
from onehop.types import ExecutionResult, LogEntry
from tests.client.clients import Kind, connected
from tests.client.cutting import Cutting
from tests.client.served import Served
from tests.users import ROOT

ENDLESS = "console.log('begun'); await new Promise((done) => setTimeout(done, 20_000))"


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


@pytest_asyncio.fixture
async def eve(server: Served) -> AsyncIterator[Any]:
    """Another agent's."""
    async with connected("async", server_url=server.url, api_key=server.keys["eve"]) as opened:
        yield opened


async def until_ended(feed: Any, request_id: str) -> list[Any]:
    """The events of one run, up to its end."""
    seen: list[Any] = []
    while not seen or seen[-1].event_type not in (EVENT_TYPES[4], EVENT_TYPES[5]):
        event = await asyncio.wait_for(anext(feed), 10)
        if event.request_id == request_id:
            seen.append(event)
    return seen


# --- who calls ---


async def test_connecting_tells_whom_the_server_takes_the_caller_for(
    server: Served, kind: Kind
) -> None:
    options = {"server_url": server.url, "api_key": server.keys["ada"], "agent_id": "ada"}
    async with connected(kind, **options) as client:
        identity = await client.connect()
    assert isinstance(identity, Identity)
    assert (identity.agent_id, identity.role) == ("ada", "agent")
    assert identity.limits["max_runs"] == 4


@pytest.mark.parametrize("key", [None, "oh_wrong", "oh_0123456789abcdef_" + "0" * 64])
async def test_no_key_or_a_wrong_one_is_refused(
    server: Served, kind: Kind, key: str | None
) -> None:
    words = "no key was sent" if key is None else "this key is not known, or it was revoked"
    with pytest.raises(AuthenticationError, match=words) as caught:
        async with connected(kind, server_url=server.url, api_key=key):
            pass
    assert "api_key=" in str(caught.value)
    assert ("the client has no key" in str(caught.value)) == (key is None)
    assert str(key) not in str(caught.value)


async def test_a_client_without_a_key_is_told_both_ways_to_give_one(
    server: Served, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AuthenticationError, match=r"set AGENT_API_KEY, or pass api_key= in Python"):
        async with connected(kind, server_url=server.url):
            pass
    monkeypatch.setenv("AGENT_API_KEY", "oh_of-another-server")
    with pytest.raises(AuthenticationError, match="the key given by AGENT_API_KEY"):
        async with connected(kind, server_url=server.url):
            pass


async def test_another_agents_name_does_not_go_with_ones_key(server: Served, kind: Kind) -> None:
    options = {"server_url": server.url, "api_key": server.keys["ada"], "agent_id": "eve"}
    with pytest.raises((AuthenticationError, PermissionDeniedError)):
        async with connected(kind, **options):
            pass


async def test_a_viewer_sees_all_and_runs_nothing(server: Served, kind: Kind, eve: Any) -> None:
    await eve.execute("return 'of eve'", request_id="seen-by-vic-" + kind)
    async with connected(kind, server_url=server.url, api_key=server.keys["vic"]) as viewer:
        assert (await viewer.execution("seen-by-vic-" + kind)).agent_id == "eve"
        assert (await viewer.stats("eve")).total_executions > 0
        with pytest.raises(PermissionDeniedError, match="not run code"):
            await viewer.execute("return 1")


async def test_an_agent_sees_nothing_of_another(client: Any, eve: Any, kind: Kind) -> None:
    name = f"eves-{kind}"
    await eve.execute("return 'secret'", request_id=name)
    with pytest.raises(ExecutionNotFoundError):
        await client.execution(name)
    with pytest.raises(OutputNotFoundError):
        await client.output(name)
    own = await client.execute("return 'own'", request_id=name)  # an id belongs to its agent
    assert own.output == "own"
    with pytest.raises(PermissionDeniedError):
        await client.stats("eve")
    assert "eve" not in {record.agent_id for record in await client.history()}


# --- running ---


async def test_a_run_gives_its_result(client: Any) -> None:
    code = "console.log('of', context.n); const doubled: number = context.n * 2; return doubled"
    result = await client.execute(code, "typescript", 2000, {"n": 21}, description="doubles")
    assert isinstance(result, ExecutionResult)
    assert result.success
    assert result.output == 42
    assert result.logs == ["of 21"]
    assert result.resource_usage.memory > 0
    assert "seccomp" in result.enforcement


async def test_calling_the_tool_gives_the_result_as_it_is_on_the_wire(client: Any) -> None:
    result = await client.call_tool("code_execute", {"code": "return [1, 'ü', null]"})
    assert result["success"] is True
    assert result["output"] == [1, "ü", None]
    assert len(result["codeHash"]) == 16
    assert ExecutionResult.model_validate(result).to_dict() == result


async def test_what_a_model_gets_wrong_is_corrected_by_the_server(client: Any) -> None:
    result = await client.call_tool("code_execute", {"script": "1 + 1", "lang": "js"})
    assert result["output"] == 2
    assert {item["kind"] for item in result["corrections"]} >= {"name", "return"}


async def test_what_the_code_does_wrong_is_a_result(client: Any) -> None:
    result = await client.execute("const user = context.user;\nreturn user.name;")
    assert not result.success
    assert result.error_info.type == "runtime"
    assert result.error_info.line == 2


async def test_a_deadline_that_passes_is_a_result(client: Any) -> None:
    result = await client.execute(ENDLESS, timeout=150)
    assert result.error_info.type == "timeout"
    assert result.logs == ["begun"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": "return 1", "timeout": 31_000}, "timeout"),
        ({"code": "return 1", "language": "python"}, "language"),
        ({"code": "return 1", "request_id": "a/b"}, "X-Request-Id"),
    ],
)
async def test_a_bad_argument_is_named(client: Any, arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await client.execute(**arguments)
    assert caught.value.field == field


async def test_an_unknown_argument_of_the_tool_is_named(client: Any) -> None:
    with pytest.raises(InvalidRequestError, match="verbose"):
        await client.call_tool("code_execute", {"code": "return 1", "verbose": True})


async def test_a_repeated_request_id_gives_the_first_result(client: Any) -> None:
    name = uuid.uuid4().hex
    first = await client.execute("return Math.random()", request_id=name)
    again = await client.execute("return Math.random()", request_id=name)
    assert again.output == first.output
    assert again.request_id == name


async def test_the_verdict_on_code_comes_without_running_it(client: Any) -> None:
    bad = await client.validate("return eval('1')")
    assert not bad.safe
    assert bad.issues[0].line == 1
    assert (await client.validate("const a: number = 1; return a", "typescript")).safe


async def test_more_runs_at_once_than_allowed_wait_for_their_turn(
    server: Served, kind: Kind
) -> None:
    options = {"server_url": server.url, "api_key": server.keys["ada"], "retries": 0}
    async with connected(kind, **options) as client:
        runs = [client.execute("return context.n", context={"n": n}) for n in range(20)]
        results = await asyncio.gather(*runs)
    assert [result.output for result in results] == list(range(20))


async def test_what_several_clients_have_too_much_is_refused(server: Served, kind: Kind) -> None:
    options = {"server_url": server.url, "api_key": server.keys["eve"], "retries": 0}
    code = "await new Promise((done) => setTimeout(done, 300))"
    async with connected(kind, **options) as one, connected(kind, **options) as other:
        runs = [client.execute(code) for client in (one, other) for _ in range(4)]
        outcomes = await asyncio.gather(*runs, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, RateLimitedError)]
    assert refused
    assert refused[0].retry_after >= 1


# --- leaving ---


async def kinds_of_failure(client: Any, request_id: str) -> str | None:
    """How the run ended, once it has."""
    async with asyncio.timeout(10):
        while True:
            try:
                error_type: str | None = (await client.execution(request_id)).error_type
            except ExecutionNotFoundError:
                continue
            return error_type


async def test_cancelling_the_call_ends_the_run(server: Served) -> None:
    options = {"server_url": server.url, "api_key": server.keys["ada"]}
    async with connected("async", **options) as client, client.events() as feed:
        running = asyncio.ensure_future(client.execute(ENDLESS, None, 30_000, request_id="left"))
        async for event in feed:
            if event.request_id == "left" and event.event_type == "code:execution:started":
                break
        running.cancel()
        assert await kinds_of_failure(client, "left") == "cancelled"


async def test_lines_come_while_the_run_goes_on_which_disconnecting_ends(
    server: Served, kind: Kind, client: Any
) -> None:
    name = f"disconnected-{kind}"
    options = {"server_url": server.url, "api_key": server.keys["ada"]}
    async with connected(kind, **options) as leaving:
        feed = leaving.stream(ENDLESS, timeout=30_000, request_id=name)
        assert (await anext(feed)).message == "begun"
    assert [item async for item in feed] == []
    assert await kinds_of_failure(client, name) == "cancelled"


# --- looking back ---


async def test_a_run_is_found_in_the_history_by_what_it_was(client: Any, kind: Kind) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    names = [uuid.uuid4().hex for _ in range(2)]
    code = f"return 'kept' /* of {kind} */"
    await client.execute(code, request_id=names[0], description="to be found")
    await client.execute("throw new Error('kept too')", "typescript", request_id=names[1])
    found = await client.history(since=before, limit=10)
    assert [record.request_id for record in found[:2]] == names[::-1]
    good = await client.history(success=True, language="javascript", since=before)
    assert good[0].output == "kept"
    assert good[0].description == "to be found"
    assert [r.request_id for r in await client.history(limit=1, offset=1)] == [names[0]]
    assert await client.history(until=1) == []
    by_hash = await client.history(code_hash=good[0].code_hash, since=before)
    assert [record.request_id for record in by_hash] == [names[0]]


async def test_one_run_is_found_by_its_name(client: Any) -> None:
    name = uuid.uuid4().hex
    result = await client.execute("return {a: 1}", request_id=name)
    record = await client.execution(name)
    assert record.output == {"a": 1}
    assert record.code_hash == result.code_hash
    with pytest.raises(ExecutionNotFoundError):
        await client.execution("never-ran")


async def test_an_output_that_is_too_large_is_read_in_pages(client: Any) -> None:
    name = uuid.uuid4().hex
    result = await client.execute("return 'ü'.repeat(10_000)", request_id=name)
    assert result.output_truncated
    text, offset = "", 0
    while offset is not None:
        page = await client.output(name, offset, limit=4000)
        text, offset = text + page.text, page.next_offset
    assert text == '"' + "ü" * 10_000 + '"'
    with pytest.raises(OutputNotFoundError):
        await client.output("never-ran")


async def test_statistics_and_failures_are_typed(client: Any) -> None:
    before = await client.stats()
    since = int(time.time() * 1000)
    await client.execute("return 1", "typescript")
    await client.execute("throw new TypeError('oh')")
    after = await client.stats()
    assert after.agent_id == "ada"
    assert after.total_executions == before.total_executions + 2
    assert after.failed_executions == before.failed_executions + 1
    recent = await client.stats(since=since)
    assert (recent.total_executions, recent.success_rate) == (2, 0.5)
    assert recent.language_breakdown["typescript"].successful == 1
    failure = (await client.failures(limit=1))[0]
    assert failure.error_type == "runtime"
    assert "oh" in failure.error


# --- live ---


async def test_events_come_as_they_happen(client: Any) -> None:
    name = uuid.uuid4().hex
    async with client.events() as feed:
        await client.execute("return 1", request_id=name)
        seen = await until_ended(feed, name)
    assert [event.event_type for event in seen] == [
        "code:validation:started",
        "code:validation:completed",
        "code:execution:started",
        "code:execution:completed",
    ]
    assert {event.agent_id for event in seen} == {"ada"}


async def test_events_can_be_chosen_by_type_and_channel(server: Served, kind: Kind) -> None:
    options = {"server_url": server.url, "api_key": server.keys["ada"]}
    async with (
        connected(kind, **options, channel_id="lab") as here,
        connected(kind, **options, channel_id="hall") as there,
        here.events(types=["code:execution:completed"], channel="lab") as feed,
    ):
        await there.execute("return 1", request_id=f"hall-{kind}")
        await here.execute("return 1", request_id=f"lab-{kind}")
        event = await asyncio.wait_for(anext(feed), 10)
    assert event.request_id == f"lab-{kind}"
    assert event.event_type == "code:execution:completed"


async def test_a_stream_gives_each_line_once_and_then_the_result(client: Any) -> None:
    code = """
    console.log("one");
    await new Promise((done) => setTimeout(done, 200));
    console.warn("two");
    return 3;
    """
    items = [item async for item in client.stream(code)]
    assert [(item.level, item.message) for item in items[:-1]] == [("log", "one"), ("warn", "two")]
    assert isinstance(items[0], LogEntry)
    assert items[-1].output == 3
    assert items[-1].log_entries == items[:-1]


async def test_a_stream_of_what_cannot_run_raises(client: Any) -> None:
    with pytest.raises(InvalidRequestError, match="timeout"):
        await anext(client.stream("return 1", timeout=31_000))


# --- a server below a path ---


@pytest.mark.sample(1)
@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
async def test_every_call_reaches_a_server_below_a_path(tmp_path: Path, ending: str) -> None:
    async with Served(tmp_path, "/tools/onehop") as below:
        options = {"server_url": below.url + ending, "api_key": below.keys["ada"], "retries": 0}
        async with connected("async", **options) as client, client.events() as feed:
            large = await client.execute("return 'x'.repeat(9000)", request_id="r")
            assert len(await until_ended(feed, "r")) == 4
            assert (await client.output(large.request_id)).total == 9002
            items = [item async for item in client.stream("console.log(1); return 2")]
            assert [items[0].message, items[1].output] == ["1", 2]
            assert (await client.execution("r")).agent_id == "ada"
            assert len(await client.history()) == 2
            assert (await client.stats()).total_executions == 2
            assert await client.failures() == []
            assert (await client.validate("return 1")).safe


@pytest.mark.sample(1)
async def test_a_wrong_path_is_named(tmp_path: Path, kind: Kind) -> None:
    async with Served(tmp_path, "/tools") as below:
        address = below.url.replace("/tools", "/tool")
        with pytest.raises(UnexpectedAnswerError, match=r"404 .* to /tool/api/v1/me: server_url"):
            async with connected(kind, server_url=address, api_key=below.keys["ada"]):
                pass


async def test_a_path_that_is_too_much_is_named(tmp_path: Path) -> None:
    async with Served(tmp_path) as server:
        address = f"{server.url}/mcp"
        with pytest.raises(UnexpectedAnswerError, match=r"404 .* to /mcp/api/v1/me: server_url"):
            async with connected("async", server_url=address, api_key=server.keys["ada"]):
                pass


# --- a server that goes and comes back ---


@pytest.mark.thorough
async def test_a_feed_survives_the_restart_of_its_server(tmp_path: Path) -> None:
    async with Served(tmp_path) as server:
        options = {"server_url": server.url, "api_key": server.keys["ada"], "retries": 9}
        async with connected("async", **options) as client, client.events() as feed:
            await client.execute("return 1", request_id="before")
            await until_ended(feed, "before")
            await server.stop()
            await server.start()
            await client.execute("return 2", request_id="after")
            seen = await until_ended(feed, "after")
    assert len(seen) == 4


# --- the page ---


@pytest.mark.sample(1)
@pytest.mark.parametrize(("number", "printed"), [(0, "[2, 5]\n"), (1, "2\n")])
async def test_the_snippets_of_the_page_run(server: Served, number: int, printed: str) -> None:
    page = (ROOT / "docs/reference/client.md").read_text("utf-8")
    snippet = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[number]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", snippet.replace(', api_key="oh_…"', "")),
        env=environment_of(server),
        stdout=asyncio.subprocess.PIPE,
    )
    assert (await process.communicate())[0].decode() == printed


def environment_of(server: Served) -> dict[str, str]:
    """For a program that is the agent ada."""
    return {
        "PYTHONPATH": str(ROOT / "src"),
        "ONEHOP_SERVER_URL": server.url,
        "AGENT_API_KEY": server.keys["ada"],
    }


# --- a run that is left behind ---


SLOW = "console.log('begun'); await new Promise((done) => setTimeout(done, 1000)); return 'whole'"


async def test_a_run_whose_connection_broke_is_run_again(server: Served, kind: Kind) -> None:
    name = f"cut-{kind}"
    async with (
        Cutting(server.url) as between,
        connected("async", server_url=server.url, api_key=server.keys["ada"]) as watcher,
        connected(kind, server_url=between.url, api_key=server.keys["ada"]) as client,
        watcher.events() as feed,
    ):
        running = asyncio.ensure_future(client.execute(SLOW, request_id=name))
        while (await anext(feed)).event_type != "code:execution:started":
            pass
        between.cut()
        result = await asyncio.wait_for(running, 20)
        ends = [(await until_ended(feed, name))[-1] for _ in range(2)]
    assert (result.output, result.request_id, result.logs) == ("whole", name, ["begun"])
    assert [end.event_type for end in ends] == ["code:execution:failed", "code:execution:completed"]
    assert ends[0].error_type == "cancelled"


async def test_a_stream_whose_connection_broke_ends_with_the_whole_result(
    server: Served, kind: Kind
) -> None:
    async with (
        Cutting(server.url) as between,
        connected(kind, server_url=between.url, api_key=server.keys["ada"]) as client,
        client.stream(SLOW) as items,
    ):
        assert (await anext(items)).message == "begun"
        between.cut()
        seen = [item async for item in items]
    assert seen[-1].output == "whole"


async def test_ctrl_c_ends_the_run(server: Served, client: Any, kind: Kind) -> None:
    code = f"""
from onehop.client import SyncAgentClient
with SyncAgentClient() as client:
    client.execute({ENDLESS!r}, timeout=30_000, request_id="interrupted-{kind}")
"""
    environment = environment_of(server)
    async with client.events(types="code:execution:started") as feed:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, env=environment, stderr=asyncio.subprocess.PIPE
        )
        assert (await asyncio.wait_for(anext(feed), 20)).request_id == f"interrupted-{kind}"
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert b"KeyboardInterrupt" in said
    assert await kinds_of_failure(client, f"interrupted-{kind}") == "cancelled"
