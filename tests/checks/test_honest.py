"""No program that would run without an error is refused: the first quality of the check."""

from __future__ import annotations

from pathlib import Path

import pytest

from onehop import Sandbox
from tests.checks.programs import BOX, Writer
from tests.checks.tools import CONFIG, is_checked, opened
from tests.corrections.programs import WHOLE_JS
from tests.sampling import some

HARMLESS = Path(__file__).parent.parent / "validation" / "harmless"

GUARDED = """\
if (tools.crm.nope2) return 1
if ('nope' in tools.crm) await tools.crm.nope({})⏎return 1
if (context.a) return 1⏎await tools.crm.nope({})
if (!context.a) await tools.crm.nope({})⏎return 1
if (false) await tools.crm.nope({})⏎return 1
try { await tools.crm.nope({}) } catch { return 1 }
try { return await tools.crm.find_person({}) } catch (error) { return error.code }
try { await Promise.all([1, 2].map((id) => tools.crm.nope({id}))) } catch { return 1 }
return await tools.crm.nope({}).catch(() => 1)
return await tools.crm.nope({}).then(() => 1, () => 2)
return await Promise.allSettled([tools.crm.nope({})])
return await Promise.any([tools.crm.nope({}), 1])
return await Promise.race([1, tools.crm.nope({}).catch(() => 1)])
const settled = [tools.crm.nope({}).catch(() => 1)]; return await Promise.all(settled)
const p = tools.crm.nope({}); try { await p } catch { return 1 }
return typeof tools.crm.nope
return [typeof tools.nope, 'x' in tools, Object.keys(tools.crm)]
const f = tools.crm.nope; return typeof f
for (const id of []) await tools.crm.nope({id})⏎return 1
for (const id of context.none) await tools.crm.nope({id})⏎return 1
const ids = [1]; ids.pop(); for (const id of ids) await tools.crm.nope({id})⏎return 1
const ids = [1]; drop(ids); for (const id of ids) await tools.crm.nope({id})⏎function drop(x) { x.length = 0 }
const ids = [1]; const o = {ids}; o.ids.pop(); for (const id of ids) await tools.crm.nope({id})
const ids = [1, 2].filter((x) => x > 5); for (const id of ids) await tools.crm.nope({id})
for (let i = 0; i < context.none.length; i++) await tools.crm.nope({i})⏎return 1
for (let i = 3; i < 3; i++) await tools.crm.nope({i})⏎return 1
for (const id of [1]) { if (id) break; await tools.crm.nope({}) }⏎return 1
for (const id of [1]) { if (id) continue; await tools.crm.nope({}) }⏎return 1
while (context.none.length) await tools.crm.nope({})⏎return 1
do { if (context.a) break; await tools.crm.nope({}) } while (true)⏎return 1
out: { if (context.a) break out; await tools.crm.nope({}) }⏎return 1
switch (context.a) { case 'y': await tools.crm.nope({}); break; default: return 1 }
async function unused() { await tools.crm.nope({}) }⏎return 1
const later = () => tools.crm.nope({}); return typeof later
async function main() { if (context.a) return 1; await tools.crm.nope({}) }⏎return await main()
function* all() { tools.crm.nope({}) }⏎all(); return 1
class Box { async go() { await tools.crm.nope({}) } }⏎return typeof new Box().go
const {nope = async () => 1} = tools.crm; return 1
return await (context.a || tools.crm.nope({}))
return await (context.a ?? tools.crm.nope({}))
return context.a ? 1 : await tools.crm.nope({})
return context.b?.x(await tools.crm.nope({}))
return await context.tools?.crm.nope({})
const tools = {crm: {nope: async () => 1}}; return await tools.crm.nope({})
const go = async (tools) => await tools.crm.nope(1, 2); return await go({crm: {nope: async () => 1}})
{ const tools = {crm: {find_person: async () => 1}}; await tools.crm.find_person(3) }⏎return 1
for (const tools of [{crm: {nope: async () => 1}}]) await tools.crm.nope()⏎return 1
try { throw {crm: {nope: async () => 1}} } catch (tools) { return await tools.crm.nope() }
globalThis.tools = {crm: {nope: async () => 1}}; return await tools.crm.nope()
tools = {crm: {nope: async () => 1}}; return await tools.crm.nope()
Object.defineProperty(globalThis, 'tools', {value: {nope: async () => 1}}); return await tools.nope()
(function () { this.tools = {nope: async () => 1} })(); return await tools.nope()
Promise.all = async () => 1; return await Promise.all([tools.crm.nope({}).catch(() => 1)])
let crm = tools.crm; crm = {nope: async () => 1}; return await crm.nope()
let go = async () => tools.crm.nope({}); go = async () => 1; return await go()
async function go() { return await tools.crm.nope({}) }⏎go = async () => 1; return await go()
const args = {}; args.name = 'a'; return await tools.crm.find_person(args)
const args = {name: 5}; args.name = 'a'; return await tools.crm.find_person({...args})
return await tools.crm.find_person({...{name: 'a'}, limit: 1})
return await tools.crm.find_person({name: 5, ...{name: 'a'}})
return await tools.crm.find_person({['na' + 'me']: 'a'})
return await tools.crm.find_person({name: 5, name: 'a'})
return await tools.crm.find_person({name: 'a', lmit: undefined})
return await tools.crm.find_person({name: 'a', lmit: context.missing})
return await tools.crm.find_person({name: 'a', limit: undefined})
return await tools.crm.find_person({get name() { return 'a' }})
return await tools.crm.find_person(...[{name: 'a'}])
return await tools.crm.find_person({name: new String('a')})
return await tools.crm.find_person({name: 'a', limit: 2.0})
return await tools.crm.find_person({name: 'a', toJSON() { return {name: 'b'} }})
return await tools.crm.find_person({toJSON: () => ({name: 'b'})})
return await tools.crm.find_person(new Map([['name', 'a']]))
return await tools.crm.find_person.call(null, {name: 'a'})
return await tools.crm.find_person.bind(null, {name: 'a'})()
return await tools["crm"].find_person({"name": 'a'})
const name = 'a'; return await tools.crm.find_person({name})
return await tools['cr' + 'm']['find_person']({name: 'a'})
const which = context.a ? 'find_person' : 'nope'; return await tools.crm[which]({name: 'a'})
return await tools.$search('person')
return await tools.$describe('crm.find_person')
return (await tools.$list()).length
return await tools.echo({text: 'a', deep: {n: 1, more: [1]}})
return await tools.crm.send_mail({to: 1, text: 'a', tags: null})
const people = await Promise.all(['a'].map((name) => tools.crm.find_person({name})))⏎return people.flat()
return (await tools.crm.find_person({name: 'a'})).map((p) => p.id)
const p = tools.crm.find_person({name: 'a'}); return await p
return await tools.crm.find_person({name: 'a'}).then((rows) => rows.length)
var x = 010; var tools2 = tools; return await tools2.crm.find_person({name: 'a'})
return await tools.crm.find_person({name: /[/]/.source})
return await tools.crm.find_person({name: `</script>${1}`})
label: for (;;) { for (;;) { await tools.crm.find_person({name: 'a'}); break label } }⏎return 1
return await tools.crm.find_person({name: "a\\u{62}\\x63"})
let n; ({n = await tools.crm.nope({})} = {n: 1}); return n
let n; [n = await tools.crm.nope({})] = [1]; return n
let n; ({a: [n = await tools.crm.nope({})]} = {a: [1]}); return n
const m = {}; ({a: m.x = await tools.crm.nope({})} = {a: 2}); return m.x
let a, b; ({a = await tools.crm.nope({}), ...b} = {a: 2}); return a
let n; for ([n = await tools.crm.nope({})] of [[1]]); return n
async function run() { await tools.crm.nope({}) } var run = async () => 1; return await run()
async function run() { await tools.crm.nope({}) } { run = async () => 1 } return await run()
async function run() { await tools.crm.nope({}) } { function run() { return 1 } } return 1
{ function tools() {} tools.nope = async () => 1 } return await tools.nope()
for (let i = 0, n = (i = 9); i < 5; i++) await tools.crm.nope({})⏎return 1
for (let i = 0, n = (() => { i = 9 })(); i < 5; i++) await tools.crm.nope({})⏎return 1
for (var i = 0, n = go(); i < 5; i++) await tools.crm.nope({})⏎function go() { i = 9 }
const ids = [1]; ids["pop"](); for (const id of ids) await tools.crm.nope({id})
const ids = [1]; (ids["pop"])(); for (const id of ids) await tools.crm.nope({id})
const ids = [1]; ids.pop``; for (const id of ids) await tools.crm.nope({id})
const ids = [1]; const {pop} = ids; pop.call(ids); for (const id of ids) await tools.crm.nope({id})
const ids = [1]; ids.forEach((id, i, all) => all.pop()); for (const id of ids) await tools.crm.nope({id})
const ids = [1]; ids.map((x, i, a) => { a.length = 0 }); for (const id of ids) await tools.crm.nope({id})
const ids = [1]; ids.map((...a) => a[2].pop()); for (const id of ids) await tools.crm.nope({id})
const ids = [1]; ids.map(function () { arguments[2].pop() }); for (const id of ids) await tools.crm.nope({id})
const ids = [1]; ids.reduce((a, b, i, all) => all.pop(), 0); for (const id of ids) await tools.crm.nope({id})
const drop = (x, i, a) => a.pop(); const ids = [1]; ids.map(drop); for (const id of ids) await tools.crm.nope({id})
const ids = [1]; ids[Symbol.iterator] = function* () {}; for (const id of ids) await tools.crm.nope({id})
Array.prototype.map = () => []; return await Promise.all([1].map(() => tools.crm.nope({})))
Array.prototype[Symbol.iterator] = function* () {}; for (const id of [1]) await tools.crm.nope({id})
Reflect.getPrototypeOf([]).map = () => []; return await Promise.all([1].map(() => tools.crm.nope({})))
[].constructor.prototype.map = () => []; return await Promise.all([1].map(() => tools.crm.nope({})))
Object.getPrototypeOf([]).map = () => []; return await Promise.all([1].map(() => tools.crm.nope({})))
Object["getPrototype" + "Of"]([]).map = () => []; return await Promise.all([1].map(() => tools.crm.nope({})))
const P = Promise; P.all = async () => 5; const p = tools.crm.nope({}); p.catch(() => {}); return await Promise.all([p])
const p = tools.crm.nope({}); p.catch(() => {}); p.then = (f) => f(1); return await Promise.all([p])
const p = tools.crm.nope({}); p.catch(() => {}); const q = p; q.then = (f) => f(1); return await Promise.all([p])
const p = tools.crm.nope({}); p.catch(() => {}); Object.assign(p, {then: (f) => f(1)}); return await Promise.all([p])
const p = tools.crm.nope({}); p.catch(() => {}); const get = () => p; get().then = (f) => f(1); return await Promise.all([p])
""".splitlines()


@pytest.mark.sample(1)
@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_a_guarded_or_honest_program_runs(language: str, sandbox: Sandbox) -> None:
    context = {"a": "x", "none": []}
    for line in some(GUARDED, 25):
        code = line.replace("⏎", "\n")
        free = await sandbox.execute(code, language, context=context, typecheck="off")
        if language == "javascript" or free.error_info is None:
            assert free.success, (code, free.error)
        held = await sandbox.execute(code, language, context=context, typecheck="provable")
        assert is_checked(held), (code, held.typecheck)
        assert held.success == free.success, (code, held.error)
        assert held.output == free.output, code


@pytest.mark.thorough
async def test_random_programs_are_refused_only_if_they_fail() -> None:
    refused = 0
    async with opened(tools=BOX) as sandbox:
        for seed in range(60):
            code = Writer(seed).program()
            free = await sandbox.execute(code, typecheck="off")
            held = await sandbox.execute(code, typecheck="provable", plan=True)
            assert is_checked(held), (code, held.typecheck)
            refused += not held.success
            assert held.success or not free.success, (held.error, code)
    assert refused > 0


async def test_programs_without_mistakes_are_not_refused(sandbox: Sandbox) -> None:
    corpus = [line.replace("⏎", "\n") for line in WHOLE_JS]
    files = [(file.read_text("utf-8"), file.suffix) for file in HARMLESS.iterdir()]
    whole = [(code, ".js") for code in corpus] + files
    for code, suffix in some(whole, 30):
        language = "typescript" if suffix == ".ts" else "javascript"
        held = await sandbox.execute(code, language, typecheck="provable", plan=True)
        assert is_checked(held), (code[:200], held.typecheck)
        if not held.success:  # some of them are not programs
            free = await sandbox.execute(code, language, typecheck="off")
            assert not free.success, (code[:200], held.error)


async def test_what_a_server_may_have_when_the_code_runs_is_not_refused() -> None:
    from onehop import McpUpstream, Tools

    gone = McpUpstream(command=["/nonexistent/server"])
    async with opened(config=CONFIG, tools=Tools(far=gone)) as sandbox:
        held = await sandbox.execute("return await tools.far.find({})")
    assert held.error_info is not None
    assert held.error_info.name == "ToolError"
