"""What every Store does alike."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from onehop.errors import RecordRejectedError
from onehop.records import GENESIS, ExecutionRecord
from onehop.stores.base import (
    RETENTION_SECONDS,
    ChainHead,
    Entry,
    EventQuery,
    HistoryQuery,
    SessionNote,
    Store,
)
from onehop.stores.memory import MemoryStore
from onehop.testing.records import DAY, NOW, announced, entries, issue, record, runs

_REFUSED: dict[str, dict[str, Any]] = {
    "too large": {"output": "x" * (16 << 20)},
    "too large in UTF-8": {"error": "\u20ac" * (6 << 20)},
    "no JSON": {"output": {1, 2}},
    "not a number": {"output": float("nan")},
    "infinitely long": {"execution_time": float("inf")},
    "an integer of too many digits": {"output": 10**5000},
    "too long a name": {"agent_id": "a" * 2000},
    "a time beyond 64 bits": {"executed_at": 2**63},
}


_AWKWARD: dict[str, dict[str, Any]] = {
    "nothing": {"output": None, "logs": [], "context_data": None, "details": {}},
    "NUL in text": {"code_snippet": "a\0b", "error": "\0", "description": "\0\0"},
    "lone surrogates in text": {"code_snippet": "\ud800", "error": "x\udfff", "agent_id": "\udc00"},
    "NUL and lone surrogates in JSON": {"output": {"\0": "\ud800"}, "logs": ["\0\udfff"]},
    "surrogate pairs": {
        "output": "\U0001f600",
        "code_snippet": "\U0001f600",
        "logs": ["\U0001f600"],
    },
    "huge integers": {"output": [2**53 + 1, 2**64, -(10**300)], "context_data": {"n": 2**63}},
    "floats": {"output": [0.1, 1e308, 5e-324, -0.0, 1.0], "execution_time": 0.1 + 0.2},
    "minus zero": {"execution_time": -0.0, "memory_usage": -0.0},
    "whole numbers": {"execution_time": 3, "timeout": 30000, "memory_usage": 0},
    "keys of operators": {"output": {"$set": {"a.b": 1}, "": 2}, "context_data": {"$where": "1"}},
    "long text": {"output": "x" * 300_000, "logs": ["line"] * 5000},
    "order of keys": {"output": {"b": 1, "a": {"d": 1, "c": 2}}},
    "quotes": {"output": "'; DROP TABLE executions; --", "agent_id": "a'\"$1:b%"},
    "failure": {"success": False, "error": "Error: no", "error_type": "runtime"},
    "early and late": {"executed_at": 0, "created_at": 253_370_764_800_000},
}


def _called(*tools: str) -> dict[str, Any]:
    """Details of a run that called them."""
    calls = [{"id": f"call_{n}", "tool": tool, "outcome": "ok"} for n, tool in enumerate(tools)]
    return {"toolCalls": calls}


def _forced(**fields: Any) -> ExecutionRecord:
    return record().model_copy(update=fields)


async def assert_one_chain(store: Store, length: int) -> None:
    chain = await store.chain(0, length + 1)
    assert [kept.sequence for kept in chain] == list(range(1, length + 1))
    assert [kept.previous_hash for kept in chain] == [GENESIS, *(kept.hash for kept in chain[:-1])]
    assert all(kept.hash == kept.compute_hash() for kept in chain)
    assert await store.head() == ChainHead(length, str(chain[-1].hash))


class StoreSuite:
    """Subclass it as ``TestMine``, with a fixture ``store`` that gives an open, empty store.

    Tests are coroutines: pytest-asyncio or anyio runs them.
    """

    @pytest.fixture
    def prunes(self) -> bool:
        """Whether ``prune`` drops what is expired itself, rather than the database in its time."""
        return True

    async def test_every_store_gives_back_what_the_reference_gives_back(self, store: Store) -> None:
        given = {name: record(**{"executed_at": NOW, **_AWKWARD[name]}) for name in _AWKWARD}
        reference = MemoryStore()
        for run in given.values():
            await reference.append([Entry(run)])
            await store.append([Entry(run)])
        for name, run in given.items():
            kept = await store.get(run.request_id)
            assert kept is not None, name
            assert repr(kept) == repr(await reference.get(run.request_id)), name
            assert kept.hash == kept.compute_hash(), name

    async def test_deep_json_comes_back(self, store: Store) -> None:
        deep: Any = "bottom"
        for _ in range(200):
            deep = {"next": [deep]} if isinstance(deep, list) else [deep]
        given = record(output=deep, context_data=deep)
        await store.append([Entry(given)])
        kept = await store.get(given.request_id)
        assert kept is not None
        assert kept.output == kept.context_data == deep

    async def test_each_record_is_chained_to_the_one_before(self, store: Store) -> None:
        assert await store.head() == ChainHead(0, GENESIS)
        await store.append(entries(*runs(2)))
        await store.append(entries(*runs(3)))
        chain = await store.chain(0, 100)
        assert [kept.sequence for kept in chain] == [1, 2, 3, 4, 5]
        assert [kept.previous_hash for kept in chain] == [
            GENESIS,
            *(kept.hash for kept in chain[:-1]),
        ]
        assert await store.head() == ChainHead(5, str(chain[-1].hash))
        assert [kept.sequence for kept in await store.chain(2, 2)] == [3, 4]

    async def test_what_is_given_twice_is_kept_once(self, store: Store) -> None:
        given = entries(*runs(3))
        await store.append(given[:2])
        before = await store.chain(0, 10)
        await store.append(given)
        await store.append(given)
        await store.append([given[2], given[2]])
        assert (await store.chain(0, 10))[:2] == before
        assert len(await store.chain(0, 10)) == 3
        assert len(await store.events(EventQuery())) == 6

    async def test_a_request_id_names_the_first_run_that_was_not_given_up(
        self, store: Store
    ) -> None:
        given_up = record(run_id="a", success=False, error="left", error_type="cancelled")
        await store.append(entries(given_up))
        kept = await store.get(given_up.request_id)
        assert kept is not None
        assert kept.error_type == "cancelled"
        named = {"request_id": given_up.request_id, "agent_id": given_up.agent_id}
        again, later = (record(**named, run_id=f"b{n}", output=n) for n in (1, 2))
        await store.append(entries(again, later))
        for agent_id in (None, given_up.agent_id):
            kept = await store.get(given_up.request_id, agent_id)
            assert kept is not None
            assert kept.output == 1

    async def test_a_repeated_request_id_leaves_the_first_record(self, store: Store) -> None:
        first = record(output="first")
        await store.append([Entry(first), Entry(first.model_copy(update={"output": "second"}))])
        await store.append([Entry(first.model_copy(update={"output": "third"}))])
        kept = await store.get(first.request_id)
        assert kept is not None
        assert kept.output == "first"
        assert (await store.head()).sequence == 1

    async def test_events_without_a_record_are_kept(self, store: Store) -> None:
        given_up = record()
        events = announced(given_up)
        await store.append([Entry(None, events)])
        assert await store.get(given_up.request_id) is None
        assert [item.event for item in await store.events(EventQuery())] == list(events)
        assert (await store.head()).sequence == 0

    async def test_what_no_store_can_keep_is_refused_by_name_and_nothing_is_taken(
        self, store: Store
    ) -> None:
        for name, fields in _REFUSED.items():
            bad = _forced(**fields)
            with pytest.raises(RecordRejectedError) as refusal:
                await store.append([*entries(record()), Entry(bad), *entries(record())])
            assert refusal.value.request_id == bad.request_id, name
            assert refusal.value.reason, name
        assert await store.chain(0, 10) == []
        assert await store.events(EventQuery()) == []
        await store.append(entries(record()))

    async def test_json_too_deep_to_write_is_refused(self, store: Store) -> None:
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(RecordRejectedError):
            await store.append([Entry(_forced(output=deep))])
        while deep:
            deep = deep.pop()  # else Python would take it apart recursively
        assert (await store.head()).sequence == 0

    async def test_history_filters_and_is_newest_first(self, store: Store) -> None:
        given = [
            record(agent_id="a", executed_at=NOW - 5),
            record(agent_id="b", executed_at=NOW - 1, success=False),
            record(agent_id="a", executed_at=NOW - 3, language="typescript"),
            record(agent_id="a", executed_at=NOW - 3, channel_id="other", code_hash="ff"),
            record(agent_id="a", executed_at=NOW - 9, success=False),
        ]
        await store.append(entries(*given))

        async def found(**query: Any) -> list[int]:
            ids = [run.request_id for run in given]
            return [
                ids.index(kept.request_id) for kept in await store.history(HistoryQuery(**query))
            ]

        assert await found() == [1, 3, 2, 0, 4]
        assert await found(agent_id="a") == [3, 2, 0, 4]
        assert await found(agent_id="a", success=True) == [3, 2, 0]
        assert await found(channel_id="channel", language="javascript") == [1, 0, 4]
        assert await found(code_hash="ff") == [3]
        assert await found(since=NOW - 5, until=NOW - 1) == [3, 2, 0]
        assert await found(agent_id="a", since=NOW - 3) == [3, 2]
        assert await found(limit=2) == [1, 3]
        assert await found(limit=2, offset=2) == [2, 0]
        assert await found(limit=10, offset=4) == [4]
        assert await found(limit=0) == []
        assert await found(offset=9) == []
        assert await found(agent_id="nobody\0") == []

    async def test_history_is_filtered_by_cause_of_failure_and_by_tool(self, store: Store) -> None:
        given = [
            record(agent_id="a", executed_at=NOW - 5, details=_called("crm.find", "crm.find")),
            record(agent_id="b", executed_at=NOW - 1, success=False, error_type="timeout"),
            record(agent_id="b", executed_at=NOW - 4, details=_called("crm.pay", "crm.find")),
            record(
                executed_at=NOW - 4,
                success=False,
                error_type="timeout",
                language="typescript",
                details=_called("crm.find"),
            ),
            record(executed_at=NOW - 9, success=False, error_type="runtime"),
        ]
        await store.append(entries(*given))
        ids = [run.request_id for run in given]

        async def found(**query: Any) -> list[int]:
            runs = await store.history(HistoryQuery(**query))
            brief = await store.history(HistoryQuery(**query, brief=True))
            assert [run.request_id for run in brief] == [run.request_id for run in runs]
            return [ids.index(run.request_id) for run in runs]

        assert await found(error_type="timeout") == [1, 3]
        assert await found(error_type="timeout", agent_id="b") == [1]
        assert await found(error_type="runtime", since=NOW - 5) == []
        assert await found(tool="crm.find") == [3, 2, 0]
        assert await found(tool="crm.find", agent_id="b") == [2]
        assert await found(tool="crm.find", success=True) == [2, 0]
        assert await found(tool="crm.find", language="typescript") == [3]
        assert await found(tool="crm.find", error_type="timeout") == [3]
        assert await found(tool="crm.find", since=NOW - 4) == [3, 2]
        assert await found(tool="crm.find", until=NOW - 4) == [0]
        assert await found(tool="crm.find", limit=1, offset=1) == [2]
        assert await found(tool="crm.find", limit=0) == []
        assert await found(tool="crm.find\0") == []

    async def test_a_brief_history_leaves_out_what_may_be_long(self, store: Store) -> None:
        given = record(output={"a": 1}, logs=["a line"], context_data={"b": 2}, code_length=7)
        await store.append(entries(given))
        [brief] = await store.history(HistoryQuery(brief=True))
        assert (brief.output, brief.logs, brief.context_data) == (None, [], None)
        [whole] = await store.history(HistoryQuery())
        assert (whole.output, whole.logs, whole.context_data) == ({"a": 1}, ["a line"], {"b": 2})
        assert brief.details == whole.details
        assert (brief.request_id, brief.code_length) == (whole.request_id, 7)

    async def test_events_filter_and_keep_their_order(self, store: Store) -> None:
        first, second = record(agent_id="a"), record(agent_id="b", channel_id="other")
        found = issue(second, line=1, column=2)
        await store.append(
            [Entry(first, announced(first)), Entry(second, (found, *announced(second)))]
        )
        stored = await store.events(EventQuery())
        assert [item.event for item in stored][2] == found
        assert [item.event.request_id for item in stored] == [first.request_id] * 2 + [
            second.request_id
        ] * 3
        places = [item.sequence for item in stored]
        assert places == sorted(set(places))

        async def asked(**query: Any) -> list[int]:
            return [places.index(item.sequence) for item in await store.events(EventQuery(**query))]

        assert await asked(after=places[1]) == [2, 3, 4]
        assert await asked(after=places[1], limit=2) == [2, 3]
        assert await asked(request_id=first.request_id) == [0, 1]
        assert await asked(agent_id="b") == [2, 3, 4]
        assert await asked(channel_id="other", after=places[2]) == [3, 4]
        assert await asked(event_types=frozenset({"code:execution:started"})) == [0, 3]
        assert await asked(event_types=frozenset()) == []

    async def test_awkward_events_come_back(self, store: Store) -> None:
        found = issue(record(agent_id="\0\ud800"), description="\0\ud800", pattern="\U0001f600")
        await store.append([Entry(None, (found,))])
        (stored,) = await store.events(EventQuery())
        assert stored.event.agent_id == "\ufffd\ufffd"
        assert stored.event.to_dict()["data"]["description"] == "\0\ud800"
        assert await store.events(EventQuery(agent_id="\0\ud800")) == [stored]

    async def test_every_question_may_name_an_agent_that_text_cannot_hold(
        self, store: Store
    ) -> None:
        name = "\0\ud800"
        await store.append(entries(record(agent_id=name, success=False)))
        await store.roll_up(NOW, 90)
        assert (await store.agent_stats(name, None)).total_executions == 1
        assert len(await store.recent_failures(name, 10)) == 1
        assert len(await store.trends(name, None)) == 1
        assert (await store.resource_use(name, None)).total_executions == 1
        assert sum(bucket.total for bucket in await store.code_lengths(name, None)) == 1
        assert await store.repeated_code(name, None, 10) == []
        assert len(await store.slowest(name, None, 10)) == 1
        assert await store.security_profile(name, None) == []
        assert await store.tool_stats(name, None, 10) == []

    async def test_an_event_that_no_store_can_keep_is_refused(self, store: Store) -> None:
        run = record()
        with pytest.raises(RecordRejectedError) as refusal:
            await store.append([Entry(run, (issue(run, description="x" * (16 << 20)),))])
        assert refusal.value.request_id == run.request_id
        assert await store.get(run.request_id) is None

    async def test_a_caller_cannot_change_what_is_kept(self, store: Store) -> None:
        given = record(output={"list": [1]})
        await store.append([Entry(given)])
        given.output["list"].append(2)
        kept = await store.get(given.request_id)
        assert kept is not None
        kept.output["list"].append(3)
        again = await store.get(given.request_id)
        assert again is not None
        assert again.output == {"list": [1]}

    async def test_an_append_that_is_cancelled_leaves_a_whole_chain_and_no_lock(
        self, store: Store
    ) -> None:
        batches = [entries(*runs(3)) for _ in range(20)]
        for number, batch in enumerate(batches):
            task = asyncio.create_task(store.append(batch))
            await asyncio.wait([task], timeout=number * 0.0005)
            task.cancel()
            await asyncio.wait([task])
        for batch in batches:
            await store.append(batch)
        await assert_one_chain(store, 60)
        assert len(await store.events(EventQuery())) == 120

    async def test_prune_drops_what_is_older_than_the_retention(
        self, store: Store, prunes: bool
    ) -> None:
        old = [record(executed_at=NOW - 31 * DAY + number) for number in range(3)]
        young = runs(2)
        await store.append(entries(*old, *young))
        assert await store.prune(NOW) == (3 if prunes else 0)
        assert await store.prune(NOW) == 0
        if prunes:
            assert await store.get(old[0].request_id) is None
            assert [kept.sequence for kept in await store.chain(0, 10)] == [4, 5]
            assert len(await store.events(EventQuery())) == 4
            (anchor,) = await store.anchors()
            (first, _) = await store.chain(0, 10)
            assert (anchor.sequence, anchor.hash) == (3, first.previous_hash)
            assert anchor.executed_at == old[-1].executed_at

    async def test_prune_keeps_to_the_order_of_the_chain(self, store: Store, prunes: bool) -> None:
        """A young record keeps older ones behind it, so that the chain has no holes."""
        expired = NOW - RETENTION_SECONDS * 1000
        times = [expired, expired + 1, expired - 1]
        await store.append(entries(*(record(executed_at=time) for time in times)))
        assert await store.prune(NOW) == (1 if prunes else 0)
        if prunes:
            assert [kept.sequence for kept in await store.chain(0, 10)] == [2, 3]

    async def test_the_chain_goes_on_after_everything_was_pruned(
        self, store: Store, prunes: bool
    ) -> None:
        await store.append(entries(*runs(3)))
        head = await store.head()
        last_event = (await store.events(EventQuery()))[-1].sequence
        await store.prune(NOW + 31 * DAY)
        await store.append(entries(record()))
        (new,) = await store.chain(head.sequence, 10)
        assert (new.sequence, new.previous_hash) == (4, head.hash)
        assert len(await store.events(EventQuery(after=last_event))) == 2
        if prunes:
            assert len(await store.chain(0, 10)) == 1

    # -- sessions

    async def test_a_session_keeps_texts_by_key(self, store: Store) -> None:
        async def put(key: str, text: str, most: int = 100) -> bool:
            return await store.set_session_value("ada", "s", key, text, most)

        assert await store.session_keys("ada", "s") == []
        assert await store.session_value("ada", "s", "a") is None
        assert await put("b", "[1]")
        assert await put("a.$x", '"\U0001f600"')
        assert await put("b", "[2]")
        assert await store.session_value("ada", "s", "b") == "[2]"
        assert await store.session_value("ada", "s", "a.$x") == '"\U0001f600"'
        assert await store.session_keys("ada", "s") == ["a.$x", "b"]
        assert await store.delete_session_value("ada", "s", "b")
        assert not await store.delete_session_value("ada", "s", "b")
        assert await store.session_keys("ada", "s") == ["a.$x"]

    async def test_a_session_keeps_no_more_bytes_than_it_may(self, store: Store) -> None:
        async def put(key: str, text: str) -> bool:
            return await store.set_session_value("ada", "s", key, text, 20)

        assert not await put("a", "x" * 20)
        assert await put("a", "x" * 9)
        assert await put("b", "\u20ac" * 3)
        assert not await put("c", "")
        assert not await put("a", "x" * 10)
        assert await put("a", "y" * 9)
        assert await store.session_value("ada", "s", "a") == "y" * 9
        assert await store.set_session_value("ada", "other", "a", "x" * 19, 20)
        assert await store.set_session_value("eve", "s", "a", "x" * 19, 20)

    async def test_a_session_is_known_until_it_is_forgotten(self, store: Store) -> None:
        note = SessionNote(
            agent_id="ada", session="s", names=("rows", "café"), created_at=NOW, used_at=NOW
        )
        assert await store.note_session(note, 9) == []
        later = dataclasses.replace(note, names=(), created_at=NOW + 5, used_at=NOW + 5)
        assert await store.note_session(later, 9) == []
        await store.set_session_value("ada", "s", "a", "1", 100)
        known = dataclasses.replace(later, created_at=NOW)
        assert await store.session_note("ada", "s") == known
        assert await store.session_note("eve", "s") is None
        assert await store.forget_session("ada", "s")
        assert not await store.forget_session("ada", "s")
        assert await store.session_note("ada", "s") is None
        assert await store.session_keys("ada", "s") == []

    async def test_prune_drops_sessions_that_nobody_has_used_for_as_long(
        self, store: Store, prunes: bool
    ) -> None:
        for name, used_at in (("old", NOW - 31 * DAY), ("young", NOW)):
            note = SessionNote(agent_id="ada", session=name, created_at=0, used_at=used_at)
            await store.note_session(note, 9)
            await store.set_session_value("ada", name, "a", "1", 100)
        await store.prune(NOW)
        assert await store.session_keys("ada", "young") == ["a"]
        if prunes:
            assert await store.session_note("ada", "old") is None
            assert await store.session_keys("ada", "old") == []

    async def test_a_session_that_stores_something_is_known(self, store: Store) -> None:
        await store.set_session_value("ada", "s", "a", "1", 100)
        found = await store.session_note("ada", "s")
        assert found is not None
        assert (found.names, found.created_at) == ((), found.used_at)
        note = dataclasses.replace(found, names=("rows",))
        await store.note_session(note, 9)
        await store.set_session_value("ada", "s", "a", "2", 100)
        assert await store.session_note("ada", "s") == note

    async def test_of_an_agents_sessions_those_go_that_were_used_longest_ago(
        self, store: Store
    ) -> None:
        async def begun(name: str, used_at: int, most: int, agent: str = "ada") -> list[str]:
            note = SessionNote(agent_id=agent, session=name, created_at=NOW, used_at=used_at)
            gone = await store.note_session(note, most)
            await store.set_session_value(agent, name, "a", "1", 100)
            return gone

        assert await begun("other", NOW - 9, 1, "eve") == []
        assert await begun("a", NOW + 1, 3) == await begun("b", NOW + 2, 3) == []
        assert await begun("c", NOW + 3, 3) == await begun("a", NOW + 4, 3) == []
        assert await begun("d", NOW + 5, 3) == ["b"]
        assert await begun("old", NOW, 3) == ["c"]
        assert await store.session_note("ada", "b") is None
        assert await store.session_keys("ada", "b") == []
        assert await store.session_keys("ada", "old") == ["a"]
        assert sorted(await begun("d", NOW + 6, 1)) == ["a", "old"]
        assert await store.session_keys("eve", "other") == ["a"]

    async def test_its_clock_goes_on(self, store: Store) -> None:
        first = await store.time()
        await asyncio.sleep(0.02)
        assert 10 <= await store.time() - first < 60_000

    async def test_a_lease_has_one_holder_until_it_is_dropped(self, store: Store) -> None:
        first = await store.take_lease("work", "ada", 60_000)
        assert first is not None
        assert await store.take_lease("work", "bob", 60_000) is None
        again = await store.take_lease("work", "ada", 60_000)
        assert again is not None
        assert (again.token, again.lapsed) == (first.token, False)
        await store.drop_leases("bob", ["work"])
        assert await store.take_lease("work", "bob", 60_000) is None
        await store.drop_leases("ada", ["work", "other"])
        second = await store.take_lease("work", "bob", 60_000)
        assert second is not None
        assert second.token > first.token
        assert (second.holder, second.lapsed) == ("bob", False)
        assert await store.take_lease("other", "ada", 60_000) is not None

    async def test_a_lease_that_was_not_kept_goes_to_another_who_hears_of_it(
        self, store: Store
    ) -> None:
        first = await store.take_lease("work", "ada", 1)
        await asyncio.sleep(0.01)
        second = await store.take_lease("work", "bob", 60_000)
        assert first is not None
        assert second is not None
        assert second.lapsed
        assert second.token > first.token
        assert await store.keep_leases("ada", ["work"], 60_000) == set()
        assert await store.keep_leases("bob", ["work", "other"], 60_000) == {"work"}
        assert await store.keep_leases("bob", [], 60_000) == set()

    async def test_of_many_who_want_a_lease_one_gets_it(self, store: Store) -> None:
        wanted = [store.take_lease("work", f"server {n}", 60_000) for n in range(8)]
        held = [lease for lease in await asyncio.gather(*wanted) if lease is not None]
        assert len(held) == 1

    async def test_servers_give_each_other_their_latest_notes(self, store: Store) -> None:
        assert await store.exchange_notes("one", "old") == []
        assert await store.exchange_notes("one", "new") == []
        [note] = await store.exchange_notes("two", "\0 of two")
        assert (note.server, note.text) == ("one", "new")
        assert 0 <= note.age < 60_000
        assert [each.server for each in await store.exchange_notes("one", "newer")] == ["two"]

    async def test_who_waits_for_events_hears_that_there_are_some(self, store: Store) -> None:
        waiting = asyncio.ensure_future(store.await_events(await store.last_event(), 30))
        await asyncio.sleep(0)
        await store.append([Entry(None, announced(record()))])
        async with asyncio.timeout(30):
            await waiting
