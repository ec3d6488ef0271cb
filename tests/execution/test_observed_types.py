"""The types of answers that tools do not declare are observed, kept, and only ever a hint."""

from __future__ import annotations

from typing import Any

import pytest

from onehop import Tool, ToolFailed, Tools, tool
from onehop.config import AuditConfig, SandboxConfig
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = {"type": "object", "properties": {"q": {"type": "string"}}}
ROWS = [{"id": 1, "name": "Ada-Secret"}, {"id": 2, "name": "Bob-Secret", "mail": "b@x"}]


async def find(q: str = "") -> Any:
    """Find people."""
    if q == "fail":
        raise ToolFailed("no such person")
    return {"rows": ROWS, "by_mail": {"ada@example.org": 1}} if q != "text" else "nothing"


@tool(effect="read")
def total() -> int:
    """Count people."""
    return 2


def granted(input_schema: dict[str, Any] = OPEN) -> Tools:
    return Tools(total, crm=[Tool("find", find, "Finds people.", input_schema, effect="read")])


async def looked_at(executor: Executor) -> None:
    await executor.sandbox.toolbox.observer.settle()


async def described(executor: Executor) -> str:
    code = 'return (await tools.$describe("crm.find")).declarations'
    result = await executor.execute(code, agent_id="bob")
    assert result.success, result.error
    return str(result.output)


async def test_an_observed_type_is_marked_has_no_values_and_outlives_the_process(
    audit: AuditConfig,
) -> None:
    async with open_executor(SandboxConfig(pool_size=1), audit=audit, tools=granted()) as executor:
        assert "Promise<unknown>" in await described(executor)
        description = executor.sandbox.toolbox.offer
        for code in ("return tools.crm.find({})", "return [await tools.crm.find({}), 1]"):
            assert (await executor.execute(code, agent_id="ada")).success
        await looked_at(executor)
        text = await described(executor)
        assert "@observed in 2 answers, the last on 20" in text
        assert "rows: {id: number; name: string; mail?: string}[]" in text
        assert "by_mail: {[name: string]: number}" in text
        assert "Secret" not in text
        assert "example.org" not in text
        assert executor.sandbox.toolbox.offer == description  # the same bytes for the same tools
        hits = await executor.execute('return tools.$search("people find")')
        assert "Promise</* observed */ {rows:" in hits.output[0]["signature"]
        await executor.execute('return tools.crm.find({q: "text"})')
        await executor.execute('return tools.crm.find({q: "fail"}).catch((e) => e.code)')
    async with open_executor(SandboxConfig(pool_size=1), audit=audit, tools=granted()) as later:
        text = await described(later)
        assert "@observed in 3 answers" in text
        assert "| string>" in text
    changed = granted({**OPEN, "required": ["q"]})
    async with open_executor(SandboxConfig(pool_size=1), audit=audit, tools=changed) as other:
        assert "Promise<unknown>" in await described(other)  # not the tool that was observed


@pytest.mark.thorough
async def test_servers_on_one_store_add_up_what_they_have_seen(audit: AuditConfig) -> None:
    one = open_executor(SandboxConfig(pool_size=1), audit=audit, tools=granted())
    two = open_executor(SandboxConfig(pool_size=1), audit=audit, tools=granted())
    async with one as first, two as second:
        for executor in (first, second):
            await executor.execute("await tools.crm.find({}); return tools.crm.find({})")
        for executor in (first, second):
            await looked_at(executor)
        assert "@observed in 4 answers" in await described(second)


@pytest.mark.thorough
async def test_no_policy_refuses_what_contradicts_an_observed_type(audit: AuditConfig) -> None:
    """It is a hint after a failure; another answer may well be different."""
    code = "const r = await tools.crm.find({ q: 'text' }); return r.nope ?? r.length"
    patient = SandboxConfig(pool_size=1, check_wait=30_000)
    async with open_executor(patient, audit=audit, tools=granted()) as executor:
        await executor.execute("await tools.crm.find({}); return tools.crm.find({})")
        await looked_at(executor)
        assert "by_mail" in await described(executor)
        for policy in ("provable", "strict"):
            result = await executor.execute(code, "typescript", typecheck=policy)
            assert result.success, (policy, result.error)
            assert result.output == len("nothing")
        wrong = "const r = await tools.crm.find({});\nreturn r.rowz.length"
        failed = await executor.execute(wrong)
        assert not failed.success
        assert any("rowz" in hint and "rows" in hint for hint in failed.hints or [])


async def test_what_others_hand_in_is_not_observed(audit: AuditConfig) -> None:
    async with open_executor(SandboxConfig(pool_size=1), audit=audit, tools=granted()) as executor:
        handed = [Tool("own", find, "Mine.", OPEN)]
        code = "await tools.own({}); return tools.own({})"
        assert (await executor.execute(code, tools=handed)).success
        await looked_at(executor)
        assert await executor.store.observed_types() == []
