"""A database that is not there, or goes away and comes back."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from onehop.errors import StoreUnavailableError
from onehop.runs.decisions import Approval
from onehop.runs.kept import KeptRun, RunChange
from onehop.stores._border import METHODS
from onehop.stores.base import (
    AgentLimits,
    AgentRecord,
    EventQuery,
    HistoryQuery,
    SessionNote,
    Store,
)
from onehop.tools.observed import ObservedType
from tests.servers import MongoServer, PostgresServer
from tests.stores.records import NOW, entries, record, runs, unopened
from tests.stores.test_snippets import WEEKLY
from tests.waiting import soon

Server = PostgresServer | MongoServer
PATIENCE = 0.2
RETURN_PATIENCE = 3.0
"""Of a store whose server comes back: MongoDB's driver looks for it twice a second."""

AGENT = AgentRecord(agent_id="agent", role="agent", key_id="key", key_hash="hash", created_at=NOW)
APPROVAL = Approval(
    run_id="run",
    call_id="call_1",
    request_id="request",
    agent_id="agent",
    channel_id="",
    tool="pay",
    effect="write",
    rule=None,
    arguments="{}",
    arguments_hash="0" * 16,
    requested_at=NOW,
    expires_at=NOW + 30_000,
)
NOTE = SessionNote(agent_id="agent", session="s", created_at=NOW, used_at=NOW)
OBSERVED = ObservedType(
    namespace="crm", tool="crm.find", fingerprint="0", shape="{}", count=1, observed_at=NOW
)
KEPT = KeptRun(
    run_id="run",
    request_id="request",
    agent_id="agent",
    channel_id="",
    code_hash="0" * 16,
    created_at=NOW,
    program=b"sealed",
)
CALLS: dict[str, Callable[[Store], Awaitable[Any]]] = {
    "open": lambda store: store.open(),
    "ping": lambda store: store.ping(),
    "append": lambda store: store.append(entries(record())),
    "get": lambda store: store.get("request"),
    "history": lambda store: store.history(HistoryQuery()),
    "events": lambda store: store.events(EventQuery()),
    "prune": lambda store: store.prune(NOW),
    "head": lambda store: store.head(),
    "chain": lambda store: store.chain(0, 10),
    "anchors": lambda store: store.anchors(),
    "last_event": lambda store: store.last_event(),
    "add_agent": lambda store: store.add_agent(AGENT),
    "agents": lambda store: store.agents(),
    "find_agent": lambda store: store.find_agent("key"),
    "get_agent": lambda store: store.get_agent("agent"),
    "set_rules": lambda store: store.set_rules("agent", None),
    "set_limits": lambda store: store.set_limits("agent", AgentLimits(), AgentLimits()),
    "rekey_agent": lambda store: store.rekey_agent("agent", "new key", "hash", NOW),
    "revoke_agent": lambda store: store.revoke_agent("agent", NOW),
    "agent_stats": lambda store: store.agent_stats(None, None),
    "recent_failures": lambda store: store.recent_failures(None, 10),
    "trends": lambda store: store.trends(None, None),
    "resource_use": lambda store: store.resource_use(None, None),
    "code_lengths": lambda store: store.code_lengths(None, None),
    "repeated_code": lambda store: store.repeated_code(None, None, 10),
    "slowest": lambda store: store.slowest(None, None, 10),
    "security_profile": lambda store: store.security_profile(None, None),
    "add_approvals": lambda store: store.add_approvals([APPROVAL]),
    "approvals": lambda store: store.approvals(),
    "decide_approval": lambda store: store.decide_approval(
        "run", "call_1", "denied", by="ann", now=NOW
    ),
    "note_session": lambda store: store.note_session(NOTE, 9),
    "session_note": lambda store: store.session_note("agent", "s"),
    "forget_session": lambda store: store.forget_session("agent", "s"),
    "session_value": lambda store: store.session_value("agent", "s", "key"),
    "set_session_value": lambda store: store.set_session_value("agent", "s", "key", "1", 100),
    "delete_session_value": lambda store: store.delete_session_value("agent", "s", "key"),
    "session_keys": lambda store: store.session_keys("agent", "s"),
    "observed_types": lambda store: store.observed_types(),
    "observed_type": lambda store: store.observed_type("crm", "crm.find"),
    "keep_observed_type": lambda store: store.keep_observed_type(OBSERVED),
    "slices": lambda store: store.slices(None, 0, 86_400_000),
    "pause_stats": lambda store: store.pause_stats(None, None),
    "snippets": lambda store: store.snippets(),
    "snippet": lambda store: store.snippet("bot", "weekly"),
    "keep_snippet": lambda store: store.keep_snippet(WEEKLY),
    "drop_snippet": lambda store: store.drop_snippet("bot", "weekly"),
    "agent_counts": lambda store: store.agent_counts(None, 10),
    "timeline": lambda store: store.timeline(None, None, 60_000),
    "failure_causes": lambda store: store.failure_causes(None, None),
    "tool_stats": lambda store: store.tool_stats(None, None, 10),
    "roll_up": lambda store: store.roll_up(NOW, 90),
    "take_lease": lambda store: store.take_lease("a", "server", 1000),
    "keep_leases": lambda store: store.keep_leases("server", ["a"], 1000),
    "drop_leases": lambda store: store.drop_leases("server", ["a"]),
    "exchange_notes": lambda store: store.exchange_notes("server", "{}"),
    "add_run": lambda store: store.add_run(KEPT),
    "kept_run": lambda store: store.kept_run("run"),
    "kept_runs": lambda store: store.kept_runs(),
    "add_run_part": lambda store: store.add_run_part("run", 1, 1, b"part"),
    "run_parts": lambda store: store.run_parts("run"),
    "time": lambda store: store.time(),
    "claim_run": lambda store: store.claim_run("run", "server", NOW, NOW + 1000),
    "change_run": lambda store: store.change_run("run", 1, RunChange(phase="held")),
    "wake_run": lambda store: store.wake_run("run"),
    "resumable_runs": lambda store: store.resumable_runs(NOW, 10),
    "drop_runs": lambda store: store.drop_runs(["run"]),
}


def test_every_method_of_a_store_is_called_here() -> None:
    waits = {"await_events"}  # a store that is polled asks nothing in it
    assert set(CALLS) == set(METHODS) - {"aclose"} - waits


@pytest.fixture(scope="module", params=[PostgresServer, MongoServer])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own, that it may stop."""
    with request.param() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def store(server: Server) -> AsyncIterator[Store]:
    """An open store on it."""
    opened = unopened(server.url, patience=RETURN_PATIENCE)
    await opened.open()
    yield opened
    await opened.aclose()


async def _fails(store: Store, name: str) -> None:
    called = unopened(store.url, patience=PATIENCE) if name == "open" else store
    with pytest.raises(StoreUnavailableError) as failure:
        await CALLS[name](called)
    assert failure.value.url == store.url, name
    assert failure.value.reason, name
    assert "secret" not in str(failure.value), name


async def _answers(store: Store) -> bool:
    """Whether the driver has found the server again."""
    with suppress(StoreUnavailableError):
        await store.ping()
        return True
    return False


@pytest.mark.sample(1)
async def test_every_method_says_so_when_the_server_is_away_and_works_when_it_is_back(
    server: Server, store: Store
) -> None:
    await store.append(entries(*runs(2)))
    length = (await store.head()).sequence
    server.stop()
    try:
        async with asyncio.timeout(RETURN_PATIENCE + 10):
            await asyncio.gather(*(_fails(store, name) for name in CALLS))
    finally:
        server.start()
    await soon(lambda: _answers(store), "an answer of the server that is back")
    for name, call in CALLS.items():
        if name != "open":
            await call(store)
    assert (await store.head()).sequence == length + 1


async def test_a_server_that_restarts_between_two_calls_is_not_noticed(
    server: Server, store: Store
) -> None:
    given = entries(record())
    await store.append(given)
    server.stop()
    server.start()
    await store.append(given)
    assert await store.get(given[0].record.request_id if given[0].record else "") is not None


UNREACHABLE = [
    "postgresql://user:s3cret@127.0.0.1:9/name",
    "postgres://user:s3cret@127.0.0.1:9/name",
    "mongodb://user:s3cret@127.0.0.1:9/name",
    "postgresql://user:s3cret@onehop.invalid/name",
    "mongodb://user:s3cret@onehop.invalid/name",
    "mongodb://user:s3cret@127.0.0.1:9/?tlsCertificateKeyFilePassword=s3cret&tls=true",
]


@pytest.mark.parametrize("url", UNREACHABLE)
async def test_an_unreachable_database_is_one_clear_error(url: str) -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"does not answer: .*ONEHOP_STORE") as failure:
        await unopened(url, patience=PATIENCE).open()
    assert "s3cret" not in str(failure.value)
    assert "user:***@" in failure.value.url
    assert time.monotonic() - started < 5


async def test_a_server_that_takes_calls_but_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for scheme in ("postgresql", "mongodb"):
            started = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                await unopened(f"{scheme}://127.0.0.1:{port}/name", patience=PATIENCE).open()
            assert time.monotonic() - started < 5


async def test_a_wrong_database_name_is_told(server: Server) -> None:
    if isinstance(server, PostgresServer):
        url = server.url.removesuffix("postgres") + "nowhere"
        with pytest.raises(StoreUnavailableError, match='database "nowhere" does not exist'):
            await unopened(url).open()


async def test_a_locked_sqlite_file_is_waited_for_and_then_told(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = unopened(f"sqlite:///{path}", patience=0.2)
    await store.open()
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="database is locked"):
            await store.append(entries(record()))
        assert (await store.head()).sequence == 0
        other.rollback()
    await store.append(entries(record()))
    assert (await store.head()).sequence == 1
    await store.aclose()


async def test_a_place_where_no_sqlite_file_can_be_is_told(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"this is no database" * 1000)
    for path in (tmp_path, tmp_path / "missing" / "store.db", garbage):
        with pytest.raises(StoreUnavailableError):
            await unopened(f"sqlite:///{path}", patience=0.2).open()
