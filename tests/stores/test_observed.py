"""Every store keeps alike what the answers of tools have looked like."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from onehop.stores.base import Store
from onehop.tools.observed import ObservedType
from tests.stores.records import DAY, NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIND = ObservedType(
    namespace="crm",
    tool="crm.find π",
    fingerprint="0" * 16,
    shape='{"kinds":["string"]}',
    count=3,
    observed_at=NOW,
)
MAIL = dataclasses.replace(FIND, namespace="", tool="mail", observed_at=NOW + 1)
KEPT = dataclasses.replace(FIND, revision=1)


async def test_what_is_kept_comes_back_the_latest_first(store: Store) -> None:
    assert await store.observed_type("crm", FIND.tool) is None
    assert await store.keep_observed_type(FIND)
    assert await store.keep_observed_type(MAIL)
    assert await store.observed_type("crm", FIND.tool) == KEPT
    assert await store.observed_types() == [dataclasses.replace(MAIL, revision=1), KEPT]


async def test_of_several_who_keep_at_once_one_is_first(store: Store) -> None:
    for revision in range(2):
        others = [dataclasses.replace(FIND, revision=revision, count=n) for n in range(4)]
        told = await asyncio.gather(*(store.keep_observed_type(each) for each in others))
        assert sorted(told) == [False, False, False, True]
        kept = await store.observed_type("crm", FIND.tool)
        assert kept == dataclasses.replace(others[told.index(True)], revision=revision + 1)
    assert not await store.keep_observed_type(dataclasses.replace(FIND, revision=7))


async def test_what_nobody_has_seen_for_the_retention_goes(store: Store) -> None:
    assert await store.keep_observed_type(FIND)
    await store.prune(NOW + 29 * DAY)
    assert await store.observed_types() == [KEPT]
    await store.prune(NOW + 31 * DAY)
    if "mongo" not in store.url:  # its server looks once in a minute
        assert await store.observed_types() == []
