"""While the store does not answer, a run says so, and what was known before holds for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from onehop import Sandbox, SandboxConfig
from onehop.errors import StoreUnavailableError
from onehop.execution._snippets import ExecutorSnippets
from onehop.execution.executor import Executor
from onehop.runs.saved import Snippet
from onehop.stores.memory import MemoryStore
from tests.stores.test_snippets import WEEKLY

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Fickle(MemoryStore):
    """A store that may be away, and counts how often it was asked for snippets."""

    away = False
    asked = 0

    async def snippets(self, agent_id: str | None = None) -> list[Snippet]:
        self.asked += 1
        if self.away:
            raise StoreUnavailableError(self.url, "it is away")
        return await super().snippets(agent_id)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxConfig(pool_size=1)) as opened:
        yield opened


async def test_a_run_that_calls_one_hears_that_nobody_knows_now(sandbox: Sandbox) -> None:
    store = Fickle()
    store.away = True
    async with Executor(sandbox, store=store) as executor:
        code = "return snippets.weekly({}).catch((e) => [e.code, e.message, e.retryable])"
        result = await executor.execute(code, agent_id="bot")
        words = "the snippets are not known now: the store does not answer"
        assert result.output == ["unavailable", words, True], result.error
        store.away = False
        result = await executor.execute(code, agent_id="bot")
        assert result.output[0] == "unknown_tool"


async def test_what_was_known_holds_for_five_minutes_and_is_asked_for_once_a_moment(
    sandbox: Sandbox,
) -> None:
    store, now = Fickle(), [100.0]
    snippets = ExecutorSnippets(store, sandbox, lambda: now[0])
    await store.keep_snippet(WEEKLY)
    first = await snippets.shelf("bot π")
    assert first is not None
    assert await snippets.shelf("bot π") is first
    assert store.asked == 2  # for all, and for the agent
    now[0] += 1
    assert await snippets.shelf("bot π") is first  # nothing is new: nothing is made anew
    assert store.asked == 4
    store.away = True
    now[0] += 299
    assert await snippets.shelf("bot π") is first
    now[0] += 2
    later = await snippets.shelf("bot π")
    assert later is not None
    assert later.fault is not None


async def test_code_without_a_word_of_them_asks_the_store_nothing(sandbox: Sandbox) -> None:
    store = Fickle()
    async with Executor(sandbox, store=store) as executor:
        assert (await executor.execute("return 1", agent_id="bot")).output == 1
        assert store.asked == 0
        assert (await executor.execute("return typeof snippets", agent_id="bot")).success
        assert store.asked == 2
