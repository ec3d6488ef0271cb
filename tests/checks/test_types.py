"""What the types say: all of it blocks in a strict check, and otherwise it helps after a failure."""

from __future__ import annotations

import pytest

from onehop import Sandbox
from tests.checks.tools import executed, is_checked

PEOPLE = {"rows": [{"id": 1, "name": "Ada"}, {"id": 2, "name": None, "age": 3}], "note": "x"}

WRONG_TYPES = {
    "const n: number = 'a'; return n": "not assignable to type 'number'",
    "return context.rowz": "'rowz' does not exist",
    "return context.note.map((x) => x)": "'map' does not exist on type 'string'",
    "const r = await tools.echo({text: 'a'}); return r.texd": "'texd' does not exist",
    "const r = tools.echo({text: 'a'}); return r.text": "'text' does not exist on type 'Promise",
    "return await tools.echo({text: context.rows[0].id})": "'number' is not assignable to type 's",
    "return await tools.echo({})": "text is missing",
    "if ('nope' in tools.crm) await tools.crm.nope({})": "there is no tool tools.crm.nope",
    "return undeclared": "Cannot find name 'undeclared'",
    "return document.title": "Cannot find name 'document'",
    "function f(): string { return 1 } return f()": "not assignable",
    "/// <reference path='/etc/passwd' />\nreturn 1 as string": "may be a mistake",
    "const x: Gone = 1; return x": "Cannot find name 'Gone'",
}
RIGHT_TYPES = """\
const rows: {id: number}[] = context.rows; return rows.map((row) => row.id)
return context.rows.filter((row) => (row.age ?? 0) > 1).map(({name}) => name?.toUpperCase())
const r = await tools.echo({text: 'a', deep: {n: 1}}); return r.text.length
const all = await Promise.all(context.rows.map((row) => tools.crm.find_person({name: `${row.id}`})));\
 return all.flat().map((one) => one.name)
let best = null; for (const row of context.rows) if (!best || row.id > best.id) best = row; return best
const by = new Map<string, number>(); by.set('a', 1); return Object.fromEntries(by)
try { await tools.crm.find_person({name: 'a'}) } catch (e) { if (e instanceof ToolError) return e.code; \
return e.message }
return [new URL('a:b').href, atob('YQ=='), crypto.randomUUID().length, structuredClone({a: 1}).a]
const hits = await tools.$search('person'); return hits.map((hit) => hit.path)
const fn = tools["crm"]["find_person"]; return await fn({name: 'a', kind: 'staff'})
await new Promise((done) => setTimeout(done, 1)); console.table([{a: 1}]); return performance.now() > 0
return Temporal.Now.instant().toString().length > 3
return new TextDecoder().decode(new TextEncoder().encode('ä')) + [3, 1].toSorted().join()
type Row = {id: number; name: string | null}; const rows = context.rows as Row[]; return rows.length
interface A { a: number } const a: A = {a: 1}; return a satisfies A
enum Kind { A, B } return Kind.A
using x = {[Symbol.dispose]() {}}; return Object.groupBy([1, 2], (n) => n % 2 ? 'odd' : 'even')
return context['rows'].length + (context as any).anything?.length
"""


async def test_a_strict_check_refuses_what_typescript_refuses(sandbox: Sandbox) -> None:
    for code, words in WRONG_TYPES.items():
        result = await sandbox.execute(code, "typescript", context=PEOPLE, typecheck="strict")
        assert is_checked(result), (code, result.typecheck)
        assert result.error_info is not None, code
        assert result.error_info.type == "validation"
        assert words in (result.error or ""), (code, result.error)


async def test_a_strict_check_refuses_nothing_that_is_right(sandbox: Sandbox) -> None:
    for code in RIGHT_TYPES.splitlines():
        result = await sandbox.execute(code, "typescript", context=PEOPLE, typecheck="strict")
        assert is_checked(result), (code, result.typecheck)
        assert result.success, (code, result.error, result.findings)


async def test_a_strict_check_of_javascript_knows_its_ways(sandbox: Sandbox) -> None:
    codes = [
        "const o = {}; o.a = 1; return o",
        "let x = null; x = {b: 1}; return x.b",
        "const list = []; list.push(1); return list",
        "function f(a, b) { return a } return f(1)",
        "/** @param {number} n */ function f(n) { return n } return f(1)",
    ]
    for code in codes:
        result = await sandbox.execute(code, typecheck="strict")
        assert result.success, (code, result.error)
    result = await sandbox.execute("return [1].mapp((x) => x)", typecheck="strict")
    assert "mapp" in (result.error or "")


async def test_the_types_know_every_name_that_code_finds(sandbox: Sandbox) -> None:
    names = "return Object.getOwnPropertyNames(globalThis)"
    found = (await sandbox.execute(names, typecheck="off")).output
    assert len(found) > 100
    uses = "\n".join(f"void {name};" for name in found)
    result = await sandbox.execute(f"{uses}\nreturn 1", "typescript", typecheck="strict")
    assert is_checked(result)
    assert result.success, (result.error, result.findings)


async def test_the_types_know_every_member_that_code_finds(sandbox: Sandbox) -> None:
    """Static members of each global, and those of what constructors make."""
    names = """
    const skip = new Set(["globalThis", "self", "Function", "Object", "eval", "Temporal"]);
    const out = [];
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      const value = globalThis[name];
      if (skip.has(name) || !["object", "function"].includes(typeof value) || !value) continue;
      for (const key of Object.getOwnPropertyNames(value)) {
        if (/^[A-Za-z]\\w*$/.test(key) && !["arguments", "caller"].includes(key)) {
          out.push(`void ${name}.${key};`);
        }
      }
      if (typeof value !== "function" || !value.prototype) continue;
      for (const key of Object.getOwnPropertyNames(value.prototype)) {
        if (/^[a-z]\\w*$/.test(key)) out.push(`void ${name}.prototype.${key};`);
      }
    }
    return out;
    """
    found = await sandbox.execute(names, typecheck="off", timeout=20_000)
    assert found.success, found.error
    assert len(found.output) > 500
    code = "\n".join(found.output) + "\nreturn 1"
    checked = await sandbox.execute(code, "typescript", typecheck="strict", plan=True)
    assert is_checked(checked), checked.typecheck
    assert checked.success, [finding.message for finding in checked.findings or ()]


async def test_a_failure_comes_with_what_the_types_say_of_its_line(sandbox: Sandbox) -> None:
    code = "const r = await tools.echo({text: 'a'});\nconst n = 1;\nreturn r.txt.length"
    result = await sandbox.execute(code)
    assert result.error_info is not None
    assert result.error_info.type == "runtime"
    assert result.hints is not None
    assert "'txt' does not exist on type '{ text: string; }'" in result.hints[0]


async def test_what_the_types_say_of_other_lines_is_not_told(sandbox: Sandbox) -> None:
    code = "const r = await tools.echo({text: 'a'}); r.txt;\nreturn null.x"
    result = await sandbox.execute(code, typecheck="provable")
    assert not any("txt" in hint for hint in result.hints or ())


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "code",
    [
        "const p = tools.crm.find_person({name: 'a'}); return p.map((x) => x.id)",
        "for (const row of tools.crm.find_person({name: 'a'})) console.log(row)",
        "return [...tools.crm.find_person({name: 'a'})]",
        "const rows = tools.crm.find_person({name: 'a'});\nfor (const row of rows) return row",
    ],
)
async def test_a_missing_await_is_named_when_the_run_fails(code: str, sandbox: Sandbox) -> None:
    result = await sandbox.execute(code)
    assert not result.success
    assert any("put `await` before the call" in hint for hint in result.hints or ()), result.hints


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "code",
    [
        "const p = tools.crm.find_person({name: 'a'}); return p.length",
        "return {people: tools.crm.find_person({name: 'a'})}",
        "return [tools.crm.find_person({name: 'a'})]",
        "return `${tools.crm.find_person({name: 'a'})}`",
        "return JSON.stringify(tools.crm.find_person({name: 'a'}))",
        "return tools.crm.find_person({name: 'a'}) + 1",
    ],
)
async def test_a_missing_await_is_one_warning_when_the_run_does_not_fail(
    code: str, sandbox: Sandbox
) -> None:
    """Of the check, or of the run where that met the promise. A run that was faster than the call
    says that as well."""
    result = await executed(sandbox, code)
    assert result.success, result.error
    assert result.warnings is not None
    [warning] = [each for each in result.warnings if "was not over when the run ended" not in each]
    assert "the promise of tools.crm.find_person(…)" in warning
    assert "await" in warning


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "code",
    [
        "const p = tools.crm.find_person({name: 'a'}); return (await p).length",
        "return await Promise.all([tools.crm.find_person({name: 'a'})])",
        "return tools.crm.find_person({name: 'a'})",
        "const p = tools.crm.find_person({name: 'a'}); return p.then((rows) => rows.length)",
        "const all = ['a'].map((name) => tools.crm.find_person({name})); return await Promise.all(all)",
        "const o = {p: tools.crm.find_person({name: 'a'})}; return await o.p",
    ],
)
async def test_a_promise_that_is_waited_for_is_no_warning(code: str, sandbox: Sandbox) -> None:
    result = await sandbox.execute(code)
    assert result.success, result.error
    assert result.warnings is None
