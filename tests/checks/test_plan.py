"""A plan lists the calls that a program would make, and runs nothing."""

from __future__ import annotations

from typing import Any

from onehop import Rule, Sandbox, Tools, tool
from onehop.execution.executor import Executor
from onehop.stores.memory import MemoryStore
from onehop.types import PlannedCall
from tests.checks.tools import CONFIG, opened
from tests.waiting import soon


async def plan(sandbox: Sandbox, code: str, **options: Any) -> list[PlannedCall]:
    result = await sandbox.execute(code, plan=True, **options)
    assert result.success, result.error
    assert result.plan is not None
    return result.plan


async def test_a_plan_runs_nothing() -> None:
    called = []

    @tool(effect="write")
    def note(text: str) -> int:
        called.append(text)
        return 1

    code = "console.log('never'); return await tools.note({text: 'a'})"
    async with Sandbox(CONFIG, tools=Tools(note)) as sandbox:
        result = await sandbox.execute(code, plan=True)
        assert result.plan is not None
        assert (result.success, result.output, result.logs) == (True, None, [])
        assert result.tool_calls is None
        assert called == []
        await sandbox.execute(code)
    assert called == ["a"]


async def test_what_a_loop_evaluates_before_its_turns_is_called_once(sandbox: Sandbox) -> None:
    code = """\
for (const row of await tools.crm.find_person({name: 'a'})) await tools.echo({text: row.id});
for (const key in await tools.crm.find_person({name: 'b'})) await tools.echo({text: key});
for (let row = await tools.crm.find_person({name: 'c'}); row.next;) await tools.echo({text: 'd'});
while (await tools.crm.find_person({name: 'e'})) await tools.echo({text: 'f'});
"""
    calls = await plan(sandbox, code)
    assert [call.repeats for call in calls] == [False, True] * 3 + [True, True]


async def test_a_plan_tells_of_each_call_where_it_is_and_how_often(sandbox: Sandbox) -> None:
    code = """\
const rows = await tools.crm.find_person({name: 'a', limit: context.n});
for (const row of rows) await tools.crm.send_mail({to: row.id, text: 'x'});
if (rows.length > 5) await tools.echo({text: 'many'});
return await tools[context.ns].any({});
"""
    calls = await plan(sandbox, code, context={"n": 1, "ns": "crm"})
    assert [call.tool for call in calls] == ["crm.find_person", "crm.send_mail", "echo", None]
    assert [call.effect for call in calls] == ["read", "write", "read", None]
    assert [call.certain for call in calls] == [True, False, False, True]
    assert [call.repeats for call in calls] == [False, True, False, False]
    assert [call.arguments for call in calls] == [
        {"name": "a"},
        {"text": "x"},
        {"text": "many"},
        {},
    ]
    assert [(call.line, call.column) for call in calls] == [(1, 20), (2, 31), (3, 28), (4, 14)]


async def test_a_plan_says_which_calls_would_be_asked_about() -> None:
    rules = [
        Rule("ask", "crm.send_mail"),
        Rule("ask", "crm.find_person", when="limit > 100"),
        Rule("deny", "echo", when='text == "no"'),
    ]
    code = """\
await tools.crm.send_mail({to: context.a, text: 'x'});
await tools.crm.find_person({name: 'a', limit: 5});
await tools.crm.find_person({name: 'a', limit: 500});
await tools.crm.find_person({name: 'a', limit: context.n});
await tools.echo({text: 'no'});
await tools.echo({text: 'yes'});
await tools.echo({text: context.text});
"""
    async with opened(rules=rules) as sandbox:
        calls = await plan(sandbox, code)
    found = [(call.action, call.depends) for call in calls]
    assert found == [
        ("ask", False),
        ("allow", False),
        ("ask", False),
        ("ask", True),
        ("deny", False),
        ("allow", False),
        ("deny", True),
    ]
    assert calls[0].rule == "ask crm.send_mail"


async def test_a_plan_of_what_must_fail_is_a_refusal(sandbox: Sandbox) -> None:
    result = await sandbox.execute("await tools.crm.nope({})", plan=True)
    off = await sandbox.execute("await tools.crm.nope({})", plan=True, typecheck="off")
    assert result.plan is None
    assert result.error_info is not None
    assert result.error_info.type == "validation"
    assert off.plan is not None
    assert [call.effect for call in off.plan] == [None]


async def test_a_plan_without_a_checker_is_not_an_empty_one() -> None:
    async with opened(config=CONFIG.replace(checkers=0)) as sandbox:
        result = await sandbox.execute("return 1", plan=True)
    assert not result.success
    assert result.plan is None
    assert "the plan could not be made: this sandbox has no checkers" in (result.error or "")


async def test_a_plan_is_not_recorded_and_leaves_its_request_id_free(sandbox: Sandbox) -> None:
    store = MemoryStore()
    code = "return await tools.echo({text: 'a'})"
    async with Executor(sandbox, store=store) as executor:
        planned = await executor.execute(code, plan=True, request_id="one")
        ran = await executor.execute(code, request_id="one")
        await executor.flush()
        record = await store.get("one")
    assert planned.plan is not None
    assert planned.request_id == "one"
    assert ran.output == {"text": "a"}
    assert record is not None
    assert record.output == {"text": "a"}


async def test_a_plan_of_repaired_code_has_places_of_the_code_as_it_was_sent(
    sandbox: Sandbox,
) -> None:
    code = "```js\nreturn await tools.echo({text: 'a'})\n```"
    async with Executor(sandbox) as executor:
        result = await executor.execute(code, plan=True)
        refused = await executor.execute(code.replace("text", "texd"))
    assert result.plan is not None
    assert [(call.line, call.column) for call in result.plan] == [(2, 14)]
    assert refused.error_info is not None
    assert (refused.error_info.line, refused.error_info.column) == (2, 26)
    assert [(finding.line, finding.column) for finding in refused.findings or ()] == [(2, 26)]


async def test_a_refused_run_tells_of_validation_and_never_starts(sandbox: Sandbox) -> None:
    store = MemoryStore()
    async with Executor(sandbox, store=store) as executor:
        seen: list[str] = []
        executor.bus.subscribe(lambda event: seen.append(event.event_type))
        result = await executor.execute("await tools.crm.nope({})", request_id="one")
        await executor.flush()
        record = await store.get("one")
        await soon(lambda: "code:execution:failed" in seen, "the last event")
    assert seen == [
        "code:validation:started",
        "code:validation:completed",
        "code:execution:failed",
    ]
    assert record is not None
    assert record.error_type == "validation"
    assert record.details["typecheck"] == {"verdict": "checked", "reason": None}
    assert result.status == "failed"
