"""An agent's rules come from its record; a change counts within a second, wherever it calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from onehop import Tools, tool
from onehop.config import AuditConfig, SandboxConfig
from onehop.errors import InvalidRequestError, StoreError, StoreUnavailableError
from onehop.execution._agent_rules import AgentRules
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.server.agents import Agents
from onehop.stores.base import AgentRecord
from onehop.stores.memory import MemoryStore
from tests.waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = """
const ended = await Promise.allSettled([tools.crm.find({}), tools.crm.pay({ amount: 6 })]);
return ended.map((each) => each.value ?? each.reason.code);
"""


@tool(effect="read")
def find() -> str:
    """Find somebody."""
    return "found"


@tool
def pay(amount: float) -> str:
    """Pay somebody."""
    return f"paid {amount:g}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Executor]]:
    """Two on one store; each test has an agent of its own."""
    folder = tmp_path_factory.mktemp("rules")
    audit = AuditConfig(store=f"sqlite:///{folder / 'onehop.db'}", journal=str(folder / "journal"))
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                open_executor(
                    SandboxConfig(pool_size=1),
                    audit=audit,
                    tools=Tools(crm=[find, pay]),
                    rules={"deny": ["crm.nothing"]},
                )
            )
            for _ in range(2)
        ]


async def outcomes(executor: Executor, agent: str, **more: Any) -> Any:
    result = await executor.execute(CODE, agent_id=agent, **more)
    assert result.success, result.error
    return result.output


async def test_a_change_of_rules_counts_within_a_second_on_every_server(
    servers: list[Executor],
) -> None:
    agents = Agents(servers[0].store)
    await agents.add("ada", rules=[{"action": "deny", "tool": "crm.pay", "when": "amount > 5"}])
    for server in servers:
        assert await outcomes(server, "ada") == ["found", "denied"]
    await agents.set_rules("ada", [])
    servers[0].forget_rules("ada")
    assert await outcomes(servers[0], "ada") == ["found", "paid 6"]  # at once where it was changed

    async def has_heard() -> bool:
        return bool(await outcomes(servers[1], "ada") == ["found", "paid 6"])

    await soon(has_heard, "the other server heard of it")
    for server in servers:
        other = await server.execute(CODE, agent_id="bob")
        assert other.output == ["found", "paid 6"]


async def test_the_call_can_only_narrow_what_the_agent_may(servers: list[Executor]) -> None:
    await Agents(servers[0].store).add("eve", rules={"deny": ["crm.pay"]})
    allowed = await servers[0].execute(CODE, agent_id="eve", rules={"allow": ["*"]})
    assert allowed.output == ["found", "denied"]
    assert allowed.tool_calls is not None
    assert [call.rule for call in allowed.tool_calls] == ["allow *", "deny crm.pay"]
    assert await outcomes(servers[0], "eve", rules={"deny": ["crm.find"]}) == ["denied", "denied"]


async def test_what_an_agent_is_always_denied_it_does_not_find(servers: list[Executor]) -> None:
    await Agents(servers[0].store).add("kim", rules={"deny": ["crm.pay"]})
    result = await servers[0].execute("return tools.$list('crm')", agent_id="kim")
    assert result.output == ["crm.find"]
    view = await servers[0].view("kim")
    assert "pay" not in view.offer
    assert "pay" in (await servers[0].view("bob")).offer
    assert view.effects == {"read"}


async def test_the_store_is_asked_once_in_a_while_and_after_a_change_at_once() -> None:
    store, now = MemoryStore(), [0.0]
    rules, agents = AgentRules(store, lambda: now[0]), Agents(store)
    await agents.add("ada")
    assert await rules.of("ada") == ()
    await agents.set_rules("ada", {"deny": ["*"]})
    now[0] = 0.7
    assert await rules.of("ada") == ()
    now[0] = 0.9
    assert len(await rules.of("ada")) == 1
    await agents.set_rules("ada", [])
    rules.forget("ada")
    assert await rules.of("ada") == ()


async def test_a_revoked_agent_keeps_its_rules_until_it_is_made_anew() -> None:
    store = MemoryStore()
    agents = Agents(store)
    await agents.add("ada", rules={"deny": ["*"]})
    await agents.revoke("ada")
    assert len(await AgentRules(store).of("ada")) == 1
    await agents.add("ada")
    assert await AgentRules(store).of("ada") == ()


async def test_wrong_rules_are_refused_and_change_nothing() -> None:
    agents = Agents(MemoryStore())
    await agents.add("ada", rules={"deny": ["crm.*"]})
    with pytest.raises(InvalidRequestError, match="did you mean deny"):
        await agents.set_rules("ada", {"dney": ["*"]})
    assert (await agents.get("ada")).rules == '[{"action": "deny", "tool": "crm.*"}]'


# --- the store is away


class Away(MemoryStore):
    """A store that may be away."""

    away = False

    async def get_agent(self, agent_id: str) -> AgentRecord | None:
        if self.away:
            raise StoreUnavailableError("postgresql://db", "connection refused")
        return await super().get_agent(agent_id)


async def test_the_last_known_rules_hold_for_a_while_when_the_store_is_away() -> None:
    store, now = Away(), [0.0]
    await Agents(store).add("ada", rules={"deny": ["crm.*"]})
    rules = AgentRules(store, lambda: now[0])
    (known,) = await rules.of("ada")
    store.away = True
    now[0] = 299
    assert await rules.of("ada") == (known,)
    now[0] = 301
    with pytest.raises(StoreUnavailableError):
        await rules.of("ada")


async def test_nobody_calls_tools_by_rules_that_nobody_knows() -> None:
    store = Away()
    store.away = True
    with pytest.raises(StoreUnavailableError):
        await AgentRules(store).of("stranger")


@pytest.mark.parametrize("text", ["", "{", '[{"action": "forbid"}]', "7"])
async def test_rules_that_cannot_be_read_allow_nothing(text: str) -> None:
    store = MemoryStore()
    await Agents(store).add("ada")
    await store.set_rules("ada", text)
    with pytest.raises(StoreError, match="onehop agents rules"):
        await AgentRules(store).of("ada")
