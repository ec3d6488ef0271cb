"""Very many sessions: what is known of them is bounded, and what is kept of them is found."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from onehop.config import SessionConfig
from onehop.errors import TooManySessionsError
from onehop.sandbox.sessions import Sessions, StoreKeeping
from onehop.sandbox.sessions import _session as session
from onehop.stores.memory import MemoryStore
from onehop.types import ExecutionResult, ResourceUsage

MANY = 10_000
_RESULT = ExecutionResult(success=True, code_hash="", resource_usage=ResourceUsage(memory=0))


class Worker:
    """A session of a backend that does nothing, and has declared a name."""

    def __init__(self, names: dict[str, None]) -> None:
        self.names = names
        self.ended: str | None = None

    async def run(self, *_given: Any) -> Any:
        """Nothing runs here."""

    async def aclose(self) -> None:
        self.ended = "it was closed"


async def _opened(_agent: str) -> Any:
    return Worker({"a": None})


async def _call(worker: Any) -> ExecutionResult:
    """A call that ends its worker, as a bomb does."""
    worker.ended = "its worker used more memory than it may"
    return _RESULT


async def _stays(_worker: Any) -> ExecutionResult:
    """A call whose worker stays."""
    return _RESULT


async def test_of_very_many_agents_sessions_a_bounded_number_is_known() -> None:
    sessions = Sessions(SessionConfig(most=8, per_agent=2), _opened)
    for number in range(MANY):
        await sessions.run(f"agent-{number}", "s", _call)
        assert len(sessions.list(None)) <= 4 * 8 + 8
    assert len(sessions._known) <= 4 * 8 + 8
    await sessions.aclose()


async def test_one_agent_that_begins_very_many_sessions_is_told_how_many_it_may_have() -> None:
    sessions = Sessions(SessionConfig(most=8, per_agent=2), _opened)
    refused = 0
    for number in range(MANY):
        try:
            await sessions.run("ada", f"s-{number}", _stays)
        except TooManySessionsError:
            refused += 1
    assert refused == MANY - 2
    assert [each.session for each in sessions.list("ada")] == ["s-0", "s-1"]
    await sessions.aclose()


async def test_a_session_that_was_forgotten_is_known_again_by_what_is_kept() -> None:
    sessions = Sessions(SessionConfig(most=1, per_agent=1), _opened)
    await sessions.run("ada", "s", _stays)
    values = sessions.values("ada", "s")
    await values.set("k", "1")
    for number in range(20):
        await sessions.run(f"agent-{number}", "s", _call)
    assert [each.agent_id for each in sessions.list("ada")] == []
    assert await sessions.values("ada", "s").get("k") == "1"
    assert await sessions.end("ada", "s")
    assert not await sessions.end("ada", "s")
    with pytest.raises(TooManySessionsError):
        await _two(sessions)
    await sessions.aclose()


async def _two(sessions: Sessions) -> None:
    for name in ("one", "two"):
        await sessions.run("eve", name, _stays)


@pytest.mark.parametrize("many", [300, pytest.param(MANY, marks=pytest.mark.soak)])
async def test_of_very_many_sessions_of_an_agent_those_are_kept_that_were_used_last(
    many: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryStore()
    sessions = Sessions(SessionConfig(most=8, per_agent=2, kept=20), _opened)
    sessions.keeping = StoreKeeping(store)

    async def store_something(worker: Any, name: str) -> ExecutionResult:
        await sessions.values("ada", name).set("k", "1")
        return await _call(worker)

    names = [f"s-{number}" for number in range(many)]
    for name in names:
        await sessions.run("ada", name, partial(store_something, name=name))
        await asyncio.sleep(0)
    await sessions.aclose()
    noted = [name for name in names if await store.session_note("ada", name) is not None]
    assert len(noted) == 20
    assert noted[-1] == names[-1]
    assert [name for name in names if await store.session_keys("ada", name)] == noted
    assert "agent 'ada' has begun more than 20 sessions" in caplog.text


async def test_a_session_in_use_is_noted_again_also_when_it_declares_nothing_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    sessions = Sessions(SessionConfig(), _opened)
    sessions.keeping = StoreKeeping(store)
    monkeypatch.setattr(session, "_NOTED_SECONDS", 0.0)
    used = []
    for _ in range(2):
        await sessions.run("ada", "s", _stays)
        await asyncio.sleep(0.005)
        note = await store.session_note("ada", "s")
        assert note is not None
        used.append(note.used_at)
    assert used[1] > used[0]
    await sessions.aclose()
