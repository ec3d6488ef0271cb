"""What real runs leave for the statistics of tools, also where much of a record is not kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onehop import Tools, tool
from onehop.config import AuditConfig, SandboxConfig
from onehop.execution.compose import open_executor
from onehop.stores.analytics import Analytics

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = """
await tools.crm.find({ name: context.password });
await tools.crm.find({ name: "x".repeat(2000) });
await tools.crm[context.password]({}).catch(() => 0);
await tools.crm.pay({ amount: 1 }).catch(() => 0);
await tools.crm.find({ nam: 1 }).catch(() => 0);
return null;
"""


@tool(effect="read")
def find(name: str) -> str:
    """Find somebody."""
    return f"{name} is found"


@tool
def pay(amount: float) -> float:
    """Pay."""
    return amount


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"keep_output": False, "keep_logs": False, "keep_context": False},
        {"mask": ("password", "tool", "tokens"), "omit": ("outcome", "duration")},
        {"max_field": 1024},
    ],
)
@pytest.mark.parametrize("password", ["hunter2!", "crm.find", "find"])
async def test_calls_are_counted_whatever_is_masked_or_left_out_of_a_record(
    tmp_path: Path, kept: dict[str, Any], password: str
) -> None:
    store = f"sqlite:///{tmp_path / 'onehop.db'}"
    audit = AuditConfig(
        store=store, journal=str(tmp_path / "journal"), **{"mask": ("password",), **kept}
    )
    async with open_executor(
        SandboxConfig(pool_size=1),
        audit=audit,
        tools=Tools(crm=[find, pay]),
        rules={"deny": ["crm.pay"]},
    ) as executor:
        result = await executor.execute(CODE, context={"password": password}, agent_id="ada")
        assert result.success, result.error
        assert result.avoided is not None
        assert await executor.flush()
        asked = Analytics(executor.store)
        found = {each.tool: each for each in await asked.get_tool_stats("ada")}
        extra = 1 if password == "find" else 0
        assert {name: each.calls for name, each in found.items()} == {
            "crm.find": 3 + extra,
            "crm.pay": 1,
        }
        assert (found["crm.find"].failed, found["crm.pay"].denied) == (1 + extra, 1)
        assert 0 < found["crm.find"].p50_duration <= found["crm.find"].p95_duration
        assert found["crm.find"].bytes_out > 2000
        stats = await asked.get_agent_stats("ada")
        assert stats.tool_calls == 5
        assert stats.avoided_turns == result.avoided.turns == 3
        assert stats.avoided_tokens == result.avoided.tokens > 500
        assert (await asked.get_agent_stats("bob")).tool_calls == 0
