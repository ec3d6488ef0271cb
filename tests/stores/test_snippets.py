"""Every store keeps snippets alike: one version after the other, under one name of one agent."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from onehop.runs.saved import Snippet
from onehop.stores.base import Store
from tests.stores.records import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEEKLY = Snippet(
    agent_id="bot π",
    name="weekly",
    language="typescript",
    code="return context.week as number",
    code_hash="0" * 16,
    description="The week's numbers: “ok”",
    input_schema='{"type":"object"}',
    tools='{"crm.find":"0123456789abcdef"}',
    request_id="r1",
    source_agent="bot π",
    saved_by="ada",
    saved_at=NOW,
)
FOR_ALL = dataclasses.replace(WEEKLY, agent_id="", tools="{}")
SECOND = dataclasses.replace(WEEKLY, version=2, code="return 2", saved_by="bob", saved_at=NOW + 1)


async def test_what_is_kept_comes_back_by_agent_and_name(store: Store) -> None:
    other = dataclasses.replace(WEEKLY, name="daily")
    for each in (WEEKLY, FOR_ALL, other):
        assert await store.snippet(each.agent_id, each.name) is None
        assert await store.keep_snippet(each)
    assert await store.snippet("bot π", "weekly") == WEEKLY
    assert await store.snippet("", "weekly") == FOR_ALL
    assert await store.snippets() == [FOR_ALL, other, WEEKLY]
    assert await store.snippets("") == [FOR_ALL]
    assert await store.snippets("bot π") == [other, WEEKLY]
    assert await store.snippets("nobody") == []


async def test_only_the_version_after_the_last_one_takes_its_place(store: Store) -> None:
    assert not await store.keep_snippet(SECOND)
    assert await store.keep_snippet(WEEKLY)
    assert not await store.keep_snippet(dataclasses.replace(WEEKLY, code="return 0"))
    assert not await store.keep_snippet(dataclasses.replace(SECOND, version=3))
    assert await store.keep_snippet(SECOND)
    assert await store.snippet("bot π", "weekly") == SECOND


@pytest.mark.parametrize("first", [WEEKLY, SECOND], ids=["a free name", "the next version"])
async def test_of_several_who_save_at_once_one_is_first(store: Store, first: Snippet) -> None:
    if first.version > 1:
        assert await store.keep_snippet(WEEKLY)
    people = [dataclasses.replace(first, saved_by=f"person {number}") for number in range(6)]
    told = await asyncio.gather(*map(store.keep_snippet, people))
    assert sum(told) == 1
    assert await store.snippet("bot π", "weekly") == people[told.index(True)]


async def test_a_snippet_that_was_dropped_is_gone_and_its_name_is_free(store: Store) -> None:
    assert await store.keep_snippet(WEEKLY)
    assert await store.keep_snippet(FOR_ALL)
    assert await store.drop_snippet("bot π", "weekly")
    assert not await store.drop_snippet("bot π", "weekly")
    assert await store.snippets() == [FOR_ALL]
    assert await store.keep_snippet(WEEKLY)


async def test_snippets_are_never_pruned(store: Store) -> None:
    assert await store.keep_snippet(WEEKLY)
    await store.prune(NOW + 400 * 86_400_000)
    assert await store.snippets() == [WEEKLY]


async def test_text_that_no_database_takes_is_kept_with_replacements(store: Store) -> None:
    odd = dataclasses.replace(WEEKLY, description="a\x00b\ud800", agent_id="x\x00")
    assert await store.keep_snippet(odd)
    kept = await store.snippet("x\x00", "weekly")
    assert kept is not None
    if not store.url.startswith("memory:"):
        assert kept.description == "a\ufffdb\ufffd"
