"""What must fail does not begin to run, and the refusal says where and what to write."""

from __future__ import annotations

from typing import Literal

import pytest

from onehop import ExecutionResult, Sandbox
from onehop.source import position
from tests.checks.tools import TOOLS, is_checked, opened

MISTAKES = {
    # unknown members
    "await tools.crm.find_persn({name: 'a'})": "there is no tool tools.crm.find_persn",
    "await tools.cmr.find_person({name: 'a'})": "there is no tool tools.cmr.find_person",
    "await tools.nope()": "there is no tool tools.nope",
    "await tools.crm({})": "tools.crm is a namespace",
    "await tools['crm']['nope']({})": "there is no tool tools.crm.nope",
    "const {crm} = tools; await crm.nope({})": "there is no tool tools.crm.nope",
    "const {crm: {nope: f}} = tools; await f({})": "there is no tool tools.crm.nope",
    "const crm = tools.crm, f = crm.nope; await f({})": "there is no tool tools.crm.nope",
    # arguments
    "await tools.crm.find_person({})": "name is missing",
    "await tools.crm.find_person()": "name is missing",
    "await tools.crm.find_person(undefined)": "name is missing",
    "await tools.crm.find_person({name: undefined, limit: 1})": "name is missing",
    "await tools.crm.find_person({nam: 'a'})": "did you mean name?",
    "await tools.crm.find_person({name: 5})": "it must be string",
    "await tools.crm.find_person({name: null})": "it must be string",
    "await tools.crm.find_person({name: ['a']})": "it must be string",
    "await tools.crm.find_person({name: 'a', kind: 'other'})": 'one of "staff", "guest"',
    "const kind = 'other'; await tools.crm.find_person({name: 'a', kind})": "one of",
    "await tools.crm.find_person({name: context.a, kind: 'other'})": "one of",
    "await tools.crm.find_person({name: context.a, lmit: 1})": "did you mean limit?",
    "await tools.crm.find_person({limit: context.a})": "name is missing",
    "await tools.crm.find_person({name: `a`, limit: -1.5})": "limit",
    "await tools.crm.send_mail({to: 1, text: 'a', tags: [1]})": "tags.0",
    "await tools.echo({text: 'a', deep: {}})": "deep.n is missing",
    "await tools.echo({text: context.a, deep: {n: 'x'}})": "deep.n",
    "await tools.crm.find_person('a')": "one argument, an object",
    "await tools.crm.find_person(['a'])": "one argument, an object",
    "await tools.crm.find_person(null)": "one argument, an object",
    "await tools.crm.find_person({name: 'a'}, 2)": "this call has 2",
    "await tools.crm.find_person(context.a, undefined)": "this call has 2",
    # where each run gets to it
    "return tools.crm.nope({})": "no tool",
    "return await (tools.crm.nope({}))": "no tool",
    "const x = (await tools.crm.nope({})).length": "no tool",
    "if (await tools.crm.nope({})) return 1": "no tool",
    "for (const x of await tools.crm.nope({})) {}": "no tool",
    "for (const x of [1, 2]) await tools.crm.nope({x})": "no tool",
    "const ids = [1, 2]; for (const id of ids) await tools.crm.nope({id})": "no tool",
    "for (let i = 0; i < 3; i++) await tools.crm.nope({i})": "no tool",
    "const a = [1]; for (let i = 0; i < a.length; i++) await tools.crm.nope({i})": "no tool",
    "do { await tools.crm.nope({}) } while (false)": "no tool",
    "while (true) { await tools.crm.nope({}); break }": "no tool",
    "await Promise.all([tools.crm.find_person({name: 'a'}), tools.crm.nope({})])": "no tool",
    "await Promise.all([1, 2].map((id) => tools.crm.nope({id})))": "no tool",
    "const ids = [1]; await Promise.all(ids.map(async (id) => { await tools.crm.nope({id}) }))": (
        "no tool"
    ),
    "const p = tools.crm.nope({}); return (await p).x": "no tool",
    "return tools.crm.nope({}).then((x) => x.y)": "no tool",
    "async function main() { return await tools.crm.nope({}) }\nreturn await main()": "no tool",
    "const main = async () => { const x = await tools.crm.nope({}); return x }; return main()": (
        "no tool"
    ),
    "return await (async () => tools.crm.nope({}))()": "no tool",
    "try { await tools.crm.nope({}) } finally { console.log(1) }": "no tool",
    "try { 1 } catch {} finally { await tools.crm.nope({}) }": "no tool",
    "if (!context.a) throw new Error('a'); await tools.crm.nope({})": "no tool",
    "if (context.a) { console.log(1) } await tools.crm.nope({})": "no tool",
    "return {people: await tools.crm.nope({})}": "no tool",
    "return [...await tools.crm.nope({})]": "no tool",
    "return `${await tools.crm.nope({})}`": "no tool",
    "class A { x = 1 } await tools.crm.nope({})": "no tool",
    # nothing of it runs
    "return await tools.crm.find_person({name: 'a'}": "missing )",
    "const a = 1; const a = 2; await tools.echo({text: 'a'})": "already been declared",
}


async def refused(sandbox: Sandbox, code: str, language: str) -> ExecutionResult:
    """The refusal; the same program fails when it is not checked."""
    result = await sandbox.execute(code, language, typecheck="provable", context={"a": "x"})
    assert is_checked(result), (code, result.typecheck)
    assert not result.success, code
    assert result.error_info is not None
    assert result.error_info.type == "validation", (code, result.error)
    assert result.tool_calls is None
    return result


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_a_program_that_must_fail_is_refused(language: str, sandbox: Sandbox) -> None:
    for code, words in MISTAKES.items():
        result = await refused(sandbox, code, language)
        if words not in ("missing )", "already been declared"):  # TypeScript has other words
            assert words in (result.error or ""), (code, result.error)
        unchecked = await sandbox.execute(code, language, typecheck="off", context={"a": "x"})
        assert not unchecked.success, code
        assert unchecked.typecheck is None


async def test_a_refusal_says_where_in_the_text_and_what_to_write(sandbox: Sandbox) -> None:
    code = "const a = 1;\n  const rows = await tools.crm.find_persn({name: 'a'});\nreturn rows"
    result = await sandbox.execute(code)
    info = result.error_info
    assert info is not None
    assert (info.type, info.line, info.column) == ("validation", 2, 22)
    assert info.excerpt is not None
    assert "find_persn" in info.excerpt
    assert "did you mean tools.crm.find_person?" in info.message
    assert result.hints is not None
    assert result.hints[0].startswith("tools.crm.find_person(args: {name: string")


@pytest.mark.parametrize(
    ("call", "place"),
    [
        ("tools.crm.find_person({\n  name: 'a',\n  limt: 5,\n})", "limt: 5"),
        ("tools.crm.find_person({ name: 'name: 5', // name: 5\n  name: 5 })", "name: 'name"),
        ("tools.crm.find_person({\n  name: ['limit'].join(),\n  'limit': 'x' })", "'limit': "),
        ("tools\n  .crm\n  .find_persn({})", "find_persn"),
        ("tools.crm.find_person({\n  limit: 5,\n})", "tools"),
    ],
)
async def test_a_refusal_of_a_call_of_many_lines_shows_the_one_to_mend(
    sandbox: Sandbox, call: str, place: str
) -> None:
    code = f"const a = 1;\nreturn await {call}"
    result = await sandbox.execute(code)
    info = result.error_info
    assert info is not None
    assert info.type == "validation"
    assert position(code, code.index(place)) == (info.line, info.column)


async def test_a_hint_from_the_types_speaks_of_what_can_be_done_here(sandbox: Sandbox) -> None:
    code = "const a: { b: number } | null = JSON.parse('null');\nreturn a.b + process.x"
    failed = await sandbox.execute(code, "typescript")
    said = ["'a' is possibly 'null'.", "Cannot find name 'process'."]
    assert failed.hints == [f"the types say of that line: {each}" for each in said]
    unknown = await sandbox.execute("return process.x")
    assert unknown.hints is None


async def test_a_refusal_shows_the_signature_as_the_list_of_tools_does(sandbox: Sandbox) -> None:
    result = await sandbox.execute("await tools.crm.find_person({nam: 'a'})")
    assert result.hints is not None
    (hint,) = result.hints
    assert hint.startswith("tools.crm.find_person(args: {name: string; limit?: number; kind?: ")


@pytest.mark.parametrize(
    ("typecheck", "arguments"),
    [
        ("provable", "{items: [1]}"),
        ("provable", "{items: [context.a]}"),
        ("off", "{items: [1]}"),
    ],
)
async def test_what_is_missing_is_named_where_something_is_unknown(
    sandbox: Sandbox, typecheck: Literal["off", "provable"], arguments: str
) -> None:
    code = f"await tools.crm.find_person({arguments})"
    result = await sandbox.execute(code, context={"a": 1}, typecheck=typecheck)
    assert result.error is not None
    assert "name is missing" in result.error


async def test_a_name_that_is_suggested_is_not_called_missing_too(sandbox: Sandbox) -> None:
    result = await sandbox.execute("await tools.crm.find_person({nam: 'a'})")
    assert result.error is not None
    assert "nam is unknown; did you mean name?" in result.error
    assert "missing" not in result.error


async def test_all_mistakes_are_told_at_once_with_the_one_that_is_certain_first(
    sandbox: Sandbox,
) -> None:
    code = """\
if (context.a) await tools.crm.find_person({nam: 'a'});
await tools.crm.nope({});
for (const x of context.rows) await tools.crm.send_mail({to: 1, txt: 'x'});
"""
    result = await sandbox.execute(code, context={"rows": []})
    assert [finding.line for finding in result.findings or ()] == [2, 1, 3]
    assert result.error_info is not None
    assert result.error_info.line == 2
    assert "and 2 more" in result.error_info.message


async def test_without_tools_a_call_of_one_is_refused_if_the_check_is_asked_for() -> None:
    async with opened(tools=None) as sandbox:
        off = await sandbox.execute("return await tools.crm.find_person({})")
        on = await sandbox.execute("return await tools.crm.find_person({})", typecheck="provable")
    assert off.typecheck is None
    assert "no tools are granted" in (on.error or "")


async def test_a_tool_of_another_run_is_unknown(sandbox: Sandbox) -> None:
    code = "return await tools.echo({text: 'a'})"
    assert (await sandbox.execute(code)).success
    result = await sandbox.execute(code, tools=["crm.*"])
    assert "there is no tool tools.echo" in (result.error or "")


async def test_a_library_caller_may_ask_once_without_a_sandbox() -> None:
    import asyncio

    import onehop

    call = asyncio.to_thread(onehop.run, "await tools.crm.nope({})", tools=TOOLS)
    result = await call
    assert result.error_info is not None
    assert result.error_info.type in ("validation", "runtime")  # unchecked on a slow machine
