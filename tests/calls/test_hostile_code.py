"""What code that is granted tools can do beside calling them: nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from onehop import Rule, Sandbox, SandboxConfig, Tool, ToolError, Tools, tool
from onehop.sandbox.calls import Toolbox, call_directly, make_desk
from tests.isolation import isolation  # noqa: F401 - both classes


@tool(effect="read")
def echo(value: Any) -> Any:
    """The same."""
    return value


@tool(effect="destructive")
def destroy() -> str:
    """Never to be called."""
    raise AssertionError("a denied tool was called")


TOOLS = Tools(echo, destroy)
RULES = [Rule("deny", "destroy")]


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxConfig(pool_size=2), tools=TOOLS, rules=RULES) as opened:
        yield opened


HOOKS = """
const seen = [];
for (const name of "error more id token kind names v code settle bytes".split(" "))
  Object.defineProperty(Object.prototype, name, {
    configurable: true,
    get() { seen.push(Object.getOwnPropertyNames(this).join()); return undefined; },
    set(value) { Object.defineProperty(this, name, { value, writable: true }); },
  });
const then = Promise.prototype.then;
Promise.prototype.then = function (...args) { seen.push("then"); return then.apply(this, args); };
Uint8Array.prototype.set = function () { seen.push("set"); };
JSON.parse = () => { seen.push("parse"); };
const { call } = Function.prototype;
Function.prototype.call = function (...args) {
  seen.push("call"); return Reflect.apply(call, this, args);
};
const answer = await tools.echo({ value: [1, { a: "b" }] });
let failure; try { await tools.echo({}) } catch (error) { failure = error.code }
Promise.prototype.then = then;
return [answer, failure, seen.filter((each) => /token|set|parse|call/.test(each))];
"""


async def test_code_that_hooks_the_language_sees_no_frame(sandbox: Sandbox) -> None:
    result = await sandbox.execute(HOOKS)
    assert result.success, result.error
    assert result.output == [[1, {"a": "b"}], "invalid_arguments", []]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "code",
    [
        "Array.prototype[Symbol.iterator] = function* () { yield 1 }; return await CALL",
        "Object.setPrototypeOf(ToolError, null); return await CALL",
        "delete globalThis.Promise; delete globalThis.JSON; return await CALL",
        "Function.prototype.bind = Function.prototype.call = () => 7; return await CALL",
        "Object.freeze(Object.prototype); Object.freeze(Array.prototype); return await CALL",
        "const original = tools; globalThis.tools = null; return await original.echo({value: 5})",
    ],
)
async def test_code_that_changes_the_language_still_gets_its_answer(
    sandbox: Sandbox, code: str
) -> None:
    result = await sandbox.execute(code.replace("CALL", "tools.echo({value: 5})"))
    assert (result.output, result.error) == (5, None)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "code",
    [
        "return await tools.destroy().catch(e => e.code)",
        "return await tools['destroy']().catch(e => e.code)",
        "return await Reflect.get(tools, 'destroy').call(null).catch(e => e.code)",
        "const { destroy } = tools; return await destroy({}).catch(e => e.code)",
        "return await Object.values(tools)[1]().catch(e => e.code)",
        "return await tools.destroy.bind(tools)().catch(e => e.code)",
    ],
)
async def test_no_spelling_leads_past_a_rule(sandbox: Sandbox, code: str) -> None:
    assert (await sandbox.execute(code)).output == "denied"


async def test_a_denied_tool_is_not_found(sandbox: Sandbox) -> None:
    code = (
        "return [await tools.$list(''), await tools.$search('destroy never called'),"
        "await tools.$describe('destroy').catch(e => e.code),"
        "(await tools.destoy().catch(e => e.nearest))]"
    )
    paths, hits, described, nearest = (await sandbox.execute(code)).output
    assert paths == ["echo"]
    assert all(hit["path"] != "destroy" for hit in hits)
    assert described == "unknown_tool"
    assert "destroy" not in (nearest or [])


async def test_code_that_fixes_what_calls_need_ends_its_run(sandbox: Sandbox) -> None:
    code = (
        "Object.defineProperty(Function.prototype, 'call',"
        " {value: () => 7, configurable: false});"
        "return await tools.echo({value: 5})"
    )
    result = await sandbox.execute(code)
    assert not result.success


async def test_code_finds_its_own_changes_after_a_call(sandbox: Sandbox) -> None:
    code = (
        "const mine = () => 7; Function.prototype.call = mine;"
        "delete Promise.prototype.constructor;"
        "const got = await tools.echo({value: 5});"
        "return [got, Function.prototype.call === mine, 'constructor' in Promise.prototype"
        " && Object.hasOwn(Promise.prototype, 'constructor')]"
    )
    assert (await sandbox.execute(code)).output == [5, True, False]


async def test_what_is_in_tools_cannot_be_changed(sandbox: Sandbox) -> None:
    code = (
        "const tries = [() => { 'use strict'; tools.echo = 1 },"
        "() => { 'use strict'; delete tools.echo },"
        "() => Object.defineProperty(tools, 'x', {value: 1}),"
        "() => Object.setPrototypeOf(tools, {}),"
        "() => { 'use strict'; tools.echo.y = 1 }];"
        "return tries.map(each =>"
        " { try { each(); return 'changed' } catch (e) { return e.name } })"
    )
    assert (await sandbox.execute(code)).output == ["TypeError"] * 5


async def test_a_value_with_odd_names_is_data(sandbox: Sandbox) -> None:
    odd = {"__proto__": {"polluted": True}, "constructor": 1, "then": "no", "toJSON": 2}
    give = Tool("give", lambda: odd, input_schema={"type": "object"}, effect="read")
    code = (
        "const got = await tools.give();"
        "return [Object.keys(got).sort(), ({}).polluted === undefined, got.then]"
    )
    result = await sandbox.execute(code, tools=[give])
    assert result.output == [["__proto__", "constructor", "then", "toJSON"], True, "no"]


async def test_a_flood_of_unknown_names_is_answered_one_by_one(sandbox: Sandbox) -> None:
    code = (
        "const all = Array.from({length: 150}, (_, n) => tools[`ech${n}`]().catch(e => e.nearest));"
        "return (await Promise.all(all)).every(near => near.includes('echo'))"
    )
    flood = asyncio.create_task(sandbox.execute(code))
    assert (await sandbox.execute("return await tools.echo({value: 1})")).output == 1
    assert (await flood).output is True


async def test_a_failure_of_the_host_is_an_error_of_that_call_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    grant = Toolbox(TOOLS).grant()
    assert grant is not None
    broken = dataclasses.replace(grant, policy=cast("Any", None))
    with pytest.raises(ToolError) as caught:
        await call_directly(make_desk(broken), "echo", {"value": 1})
    assert caught.value.code == "internal"
    assert "AttributeError" not in str(caught.value)
    assert "AttributeError" in caplog.text


async def test_a_flood_of_questions_is_bounded(sandbox: Sandbox) -> None:
    code = (
        "const all = Array.from({length: 3000}, () => tools.$list().then(() => 'ok', e => e.code));"
        "const seen = {};"
        "for (const each of await Promise.all(all)) seen[each] = (seen[each] ?? 0) + 1;"
        "return seen"
    )
    assert (await sandbox.execute(code, timeout=30_000)).output == {"ok": 1000, "budget": 2000}
