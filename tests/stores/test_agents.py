"""Every store keeps agents alike. Each test runs on all four."""

from __future__ import annotations

import asyncio
import dataclasses

from onehop.stores.base import AgentLimits, AgentRecord, Entry, Store
from tests.stores.records import announced, record

ADA = AgentRecord(agent_id="ada", role="agent", key_id="k1", key_hash="a" * 64, created_at=1)


async def test_an_agent_comes_back_as_it_was_given(store: Store) -> None:
    full = dataclasses.replace(ADA, max_runs=3, max_rate=60, max_body=1 << 40)
    assert await store.add_agent(full)
    assert await store.agents() == [full]
    assert await store.find_agent("k1") == full
    assert await store.find_agent("k2") is None


async def test_a_name_is_taken_once_also_at_the_same_time(store: Store) -> None:
    keys = [dataclasses.replace(ADA, key_id=f"k{number}") for number in range(5)]
    taken = await asyncio.gather(*map(store.add_agent, keys))
    assert sorted(taken) == [False] * 4 + [True]
    assert len(await store.agents()) == 1


async def test_a_new_key_replaces_the_old_one(store: Store) -> None:
    await store.add_agent(ADA)
    assert await store.rekey_agent("ada", "k2", "b" * 64, 2)
    assert await store.find_agent("k1") is None
    changed = dataclasses.replace(ADA, key_id="k2", key_hash="b" * 64, rotated_at=2)
    assert await store.find_agent("k2") == changed


async def test_a_revoked_agent_is_known_but_gone(store: Store) -> None:
    await store.add_agent(ADA)
    assert await store.revoke_agent("ada", 3)
    found = await store.find_agent("k1")
    assert found == dataclasses.replace(ADA, revoked_at=3)
    assert not await store.revoke_agent("ada", 4)
    assert not await store.rekey_agent("ada", "k2", "b" * 64, 4)
    again = dataclasses.replace(ADA, key_id="k3", role="viewer")
    assert await store.add_agent(again)
    assert await store.agents() == [again]


async def test_rules_of_an_agent_are_kept_and_replaced(store: Store) -> None:
    rules = '[{"action": "deny", "tool": "π.*"}]'
    await store.add_agent(dataclasses.replace(ADA, rules=rules))
    assert (await store.get_agent("ada")) == dataclasses.replace(ADA, rules=rules)
    assert await store.set_rules("ada", None)
    assert (await store.get_agent("ada")) == ADA
    assert await store.set_rules("ada", rules)
    await store.rekey_agent("ada", "k2", "b" * 64, 2)
    found = await store.find_agent("k2")
    assert found is not None
    assert found.rules == rules
    await store.revoke_agent("ada", 3)
    assert not await store.set_rules("ada", None)
    revoked = await store.get_agent("ada")
    assert revoked is not None
    assert revoked.rules == rules
    assert await store.get_agent("a\0da\ud800") is None


async def test_nobody_unknown_can_be_changed(store: Store) -> None:
    assert await store.get_agent("nobody") is None
    assert not await store.set_rules("nobody", "[]")
    assert not await store.revoke_agent("nobody", 1)
    assert not await store.rekey_agent("nobody", "k", "c" * 64, 1)


async def test_agents_come_by_name(store: Store) -> None:
    for name in ("b", "a", "B"):
        await store.add_agent(dataclasses.replace(ADA, agent_id=name, key_id=name))
    assert [agent.agent_id for agent in await store.agents()] == ["B", "a", "b"]


def test_an_agent_does_not_show_its_hash() -> None:
    assert "aaaa" not in repr(ADA)


async def test_the_last_event_is_where_the_events_end(store: Store) -> None:
    assert await store.last_event() == 0
    run = record()
    await store.append([Entry(run, announced(run))])
    assert await store.last_event() == len(announced(run))


async def test_limits_are_changed_only_from_those_that_were_known(store: Store) -> None:
    few, more = AgentLimits(max_runs=3), AgentLimits(max_runs=9, max_body=1 << 40)
    await store.add_agent(ADA)
    assert await store.set_limits("ada", few, AgentLimits())
    assert await store.get_agent("ada") == dataclasses.replace(ADA, max_runs=3)
    assert not await store.set_limits("ada", more, AgentLimits())
    both = await asyncio.gather(*(store.set_limits("ada", more, few) for _ in range(5)))
    assert sorted(both) == [False] * 4 + [True]
    found = await store.find_agent("k1")
    assert found is not None
    assert found.limits == more
    assert not await store.set_limits("nobody", few, AgentLimits())
    await store.revoke_agent("ada", 3)
    assert not await store.set_limits("ada", few, more)
