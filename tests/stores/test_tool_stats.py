"""Statistics of the calls of tools: the same in every store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onehop.answers import ToolStats
from onehop.stores.base import Store
from tests.stores.raw import RawMongo, RawSql, raw_access
from tests.stores.records import DAY, unopened
from tests.stores.test_analytics import NOW, run, take

pytestmark = pytest.mark.asyncio(loop_scope="module")


def called(tool: str, outcome: str = "ok", duration: float = 1.0, **more: Any) -> dict[str, Any]:
    call = {"id": "call_1", "tool": tool, "outcome": outcome, "effect": "read", "queued": 0.0}
    sizes = {"bytesIn": 10, "bytesOut": 100, "argumentsHash": "0" * 16}
    return {**call, **sizes, "duration": duration, "error": None, "rule": None, **more}


def told(*calls: dict[str, Any], turns: int = 0, tokens: int = 0) -> dict[str, Any]:
    """What a record says of them."""
    return {"toolCalls": list(calls), "avoided": {"turns": turns, "tokens": tokens, "formula": ""}}


def stats(tool: str, calls: int, **more: Any) -> ToolStats:
    zero = {"failed": 0, "denied": 0, "unknown": 0, "average_duration": 0.0}
    times = {"p50_duration": 0.0, "p95_duration": 0.0, "bytes_in": 10 * calls}
    return ToolStats(tool=tool, calls=calls, **{**zero, **times, "bytes_out": 100 * calls, **more})


async def test_a_store_without_calls_has_no_tools(store: Store) -> None:
    await take(store, run(1))
    assert await store.tool_stats(None, None, 10) == []
    found = await store.agent_stats(None, None)
    assert (found.tool_calls, found.avoided_turns, found.avoided_tokens) == (0, 0, 0)


async def test_calls_are_counted_by_tool_with_what_came_of_them(store: Store) -> None:
    await take(
        store,
        run(1, details=told(called("crm.pay"), called("crm.pay", "failed", 3.0), turns=1)),
        run(2, details=told(called("crm.pay", "denied", 0.0), called("π", "unknown", 8.0))),
        run(3, details=told(called("crm.pay", "cancelled", 5.0), turns=4, tokens=7)),
    )
    pay = stats("crm.pay", 4, failed=1, denied=1)
    times = {"average_duration": 3.0, "p50_duration": 3.0, "p95_duration": 5.0}
    other = {"average_duration": 8.0, "p50_duration": 8.0, "p95_duration": 8.0}
    assert await store.tool_stats(None, None, 10) == [
        stats("crm.pay", pay.calls, failed=1, denied=1, **times),
        stats("π", 1, unknown=1, **other),
    ]
    assert [each.tool for each in await store.tool_stats(None, None, 1)] == ["crm.pay"]
    found = await store.agent_stats("ada", None)
    assert (found.tool_calls, found.avoided_turns, found.avoided_tokens) == (5, 5, 7)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("count", "p50", "p95"), [(1, 1, 1), (2, 1, 2), (20, 10, 19), (21, 11, 20)]
)
async def test_percentiles_are_those_of_the_nearest_rank(
    store: Store, count: int, p50: int, p95: int
) -> None:
    calls = [called("t", duration=float(n)) for n in range(count, 0, -1)]
    denied = [called("t", "denied", 0.0)] * 30
    await take(
        store, run(1, details=told(*calls[::2], *denied)), run(2, details=told(*calls[1::2]))
    )
    (found,) = await store.tool_stats(None, None, 10)
    assert (found.p50_duration, found.p95_duration) == (p50, p95)


async def test_each_agent_is_counted_by_itself_if_asked_for(store: Store) -> None:
    await take(
        store,
        run(1, details=told(called("a", duration=1.0), called("b", duration=2.0), tokens=3)),
        run(2, agent_id="bob", details=told(called("a", duration=9.0), tokens=5)),
        run(3, agent_id="bob", executed_at=NOW - DAY, details=told(called("a", duration=5.0))),
    )

    async def asked(*given: Any, by_agent: bool = False) -> list[tuple[Any, ...]]:
        agent_id, since = given
        found = await store.tool_stats(agent_id, since, 10, by_agent)
        return [(each.tool, each.agent_id, each.calls, each.p95_duration) for each in found]

    assert await asked(None, None) == [("a", None, 3, 9.0), ("b", None, 1, 2.0)]
    split = [("a", "bob", 2, 9.0), ("a", "ada", 1, 1.0), ("b", "ada", 1, 2.0)]
    assert await asked(None, None, by_agent=True) == split
    assert await asked("ada", None) == [("a", None, 1, 1.0), ("b", None, 1, 2.0)]
    assert await asked("bob", NOW) == [("a", None, 1, 9.0)]
    assert await asked("bob", NOW + 1) == []
    assert (await store.agent_stats("bob", None)).avoided_tokens == 5
    assert (await store.agent_stats(None, None)).avoided_tokens == 8


async def test_names_that_the_code_made_up_are_no_tools(store: Store) -> None:
    unknown = called("x" * 300, "failed", 0.0, error="unknown_tool")
    await take(store, run(1, details=told(unknown, {**unknown, "tool": "crm.pay"}, called("a"))))
    assert [each.tool for each in await store.tool_stats(None, None, 10)] == ["a"]
    assert (await store.agent_stats(None, None)).tool_calls == 3


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "details",
    [
        {"toolCalls": "x", "avoided": 5},
        {"toolCalls": [5, None, [], {}]},
        {"toolCalls": [called("a", outcome=[]), called("", "ok"), called(5, "ok")]},  # type: ignore[arg-type]
        {"toolCalls": [called("a", "odd")], "avoided": {"turns": -1, "tokens": 1 << 80}},
        {"toolCalls": [{"tool": "a"}], "avoided": {"turns": True, "tokens": 1.5}},
    ],
)
async def test_details_of_any_other_form_count_for_nothing(store: Store, details: Any) -> None:
    await take(store, run(1, details=details))
    assert await store.tool_stats(None, None, 10) == []
    found = await store.agent_stats(None, None)
    assert (found.avoided_turns, found.avoided_tokens) == (0, 0)


async def test_odd_numbers_of_a_call_count_as_zero(store: Store) -> None:
    odd = called("a", duration=-1.0, bytesIn=True, bytesOut="9")
    await take(store, run(1, details=told(odd, {**odd, "duration": True}, {**odd, "duration": 2})))
    (found,) = await store.tool_stats(None, None, 10)
    assert (found.calls, found.average_duration, found.bytes_in, found.bytes_out) == (3, 2.0, 0, 0)


async def test_a_pruned_record_takes_its_calls_along(store: Store, any_url: str) -> None:
    if any_url.startswith("mongodb"):
        return  # MongoDB expires records itself, and the calls are in the record's document
    old = run(1, executed_at=NOW - 40 * DAY, details=told(called("old"), tokens=1))
    await take(store, old, run(2, details=told(called("new"), tokens=2)))
    assert await store.prune(NOW) == 1
    assert [each.tool for each in await store.tool_stats(None, None, 10)] == ["new"]
    assert (await store.agent_stats(None, None)).avoided_tokens == 2


async def test_calls_in_records_from_before_they_were_counted_are_counted_too(
    database_url: str, tmp_path: Path
) -> None:
    store = unopened(database_url)
    await store.open()
    await take(
        store,
        run(1),
        run(2, details=told(called("a"), called("b", "failed"), turns=1, tokens=9)),
        run(3, details={"note": 'a text with "toolCalls" in it'}),
    )
    before = await store.tool_stats(None, None, 10)
    await _as_before(database_url, store)
    assert await store.tool_stats(None, None, 10) == []
    await store.aclose()
    again = unopened(database_url)
    await again.open()
    try:
        assert await again.tool_stats(None, None, 10) == before
        assert (await again.agent_stats(None, None)).avoided_tokens == 9
    finally:
        await again.aclose()


async def _as_before(url: str, store: Store) -> None:
    """Make the store one that has not counted calls."""
    async with raw_access(url, store) as raw:
        if isinstance(raw, RawMongo):
            gone = dict.fromkeys(("calledTools", "toolSums", "toolCalls"), "")
            await raw.database["executions"].update_many({}, {"$unset": gone})
            await raw.database["schema_migrations"].delete_one({"_id": 6})
            return
        assert isinstance(raw, RawSql)
        for statement in (
            "DELETE FROM tool_runs",
            "DELETE FROM tool_calls",
            "DELETE FROM schema_migrations WHERE number = 6",
        ):
            await raw.rows(statement)
