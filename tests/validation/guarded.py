"""Programs that hold forbidden words and do without them: each runs, so none may be refused."""

from __future__ import annotations

GUARDED = r"""
const d = typeof process !== 'undefined' && process.env && process.env.DEBUG; return d || 'off'
if (typeof process !== 'undefined') { return process.env.X } return 1
if (typeof process === 'undefined') return 'x'; return process.env
if (typeof require === 'function') { const fs = require('fs'); return fs } else { return 1 }
const x = typeof require === 'undefined' ? 5 : require('fs'); return x
let z; try { z = require('lodash') } catch { z = null } return z === null
try { return process.env.A } catch (e) { return e.name }
try { eval('1') } catch {} return 1
try { new Function('return 1') } catch (e) { return e.name }
try { await import('fs') } catch { return 2 }
return await import('fs').catch(() => 5)
return await import('fs').then((m) => m, () => 6)
const fs = await import('fs').catch(() => null); return fs
return (await Promise.allSettled([import('fs')]))[0].status
return globalThis.process?.env?.HOME ?? 'none'
return globalThis?.process?.env ?? 1
return globalThis.process ?? 'none'
return globalThis.process === undefined
return globalThis['process']?.env ?? 'a'
const { process: p } = globalThis; return p?.env ?? 3
const { process } = globalThis; return process ? process.env : 'no'
const p = globalThis.process; if (p) return p.env; return 'no'
const p = globalThis.process; return p && p.env || 'no'
const { process = { env: { A: 4 } } } = globalThis; return process.env.A
if (false) { eval('1') } return 1
if (0) { require('fs') } return 1
if (context.x) { require('fs') } return 1
return true || process.env
return 1 ?? process.env
const a = context.a ?? 5; return a || process.env.A
function f() { return require('fs') } return 1
const f = () => process.env; return typeof f
class A { m() { return process.pid } } return new A() instanceof A
class A { x = process.pid } return typeof A
const o = { get env() { return process.env }, b: 2 }; return o.b
return 1; process.exit()
for (const k of []) { process.exit() } return 1
for (let i = 0; i < (context.n ?? 0); i++) process.exit(); return 1
while (context.more) eval('1'); return 1
switch (context.mode) { case 'node': return process.env; default: return 'other' }
const run = context.node ? process : null; return run
process = { env: { A: 1 } }; return process.env.A
globalThis.process = { env: { A: 1 } }; return process.env.A
globalThis['process'] = { env: { A: 1 } }; return process.env.A
Object.assign(globalThis, { process: { env: { A: 1 } } }); return process.env.A
Object.defineProperty(globalThis, 'process', { value: { env: { A: 1 } } }); return process.env.A
for (const k of ['process']) globalThis[k] = { env: 1 }; return process.env
globalThis.require = (n) => n; return require('fs')
var require = (n) => n; return require('fs')
(function (root) { root.process = { pid: 3 } })(globalThis); return process.pid
const env = (typeof process !== "undefined" && process.env) || {}; return env.MODE ?? "default";
const now = typeof performance !== 'undefined' ? performance.now() : process.hrtime(); return now
return typeof eval
return eval(5)
return eval() ?? 'u'
const e = eval; return typeof e
return [eval, Function].length
return Function.prototype === Object.getPrototypeOf(parseInt)
const AsyncFunction = (async () => {}).constructor; return (async () => 1) instanceof AsyncFunction
return Object.getPrototypeOf(async function () {}).constructor.name
return (() => 1).constructor === Function
return [Function, String].includes(Function)
const x = {}; return x.constructor === Object
return 'abc'.constructor('5')
return (5).constructor('7')
return [].length.constructor('7')
return 'abc'[0].constructor('5')
return /x/.source.constructor('5')
return context.constructor.name
const o = { constructor: { constructor: (t) => t } }; return o.constructor.constructor('a')
const rows = [{ constructor: 'Ferrari' }]; return rows[0]['constructor']
const race = { constructor: [{ name: 'F' }] }; return race.constructor[0].name
const d = { __proto__: null, a: 1 }; return d.a
const o = JSON.parse('{"__proto__":1,"a":2}'); delete o.__proto__; return o
const { __proto__: p, ...rest } = context; return rest
with ({ a: 1 }) { return a }
with ({ process: { env: 5 } }) { return process.env }
const count = { __proto__: null }; for (const w of ["constructor"]) count[w] = 1; return count
try { setTimeout('x', 1) } catch (e) { return e.name }
if (context.never) setTimeout('x'); return 1
return typeof WebAssembly === 'undefined' ? 'none' : new WebAssembly.Module(new Uint8Array())
return globalThis.WebAssembly ? 1 : 2
const has = typeof Deno !== 'undefined'; return has ? Deno.version : 'no'
return 'process' in globalThis ? process.env : 'no'
return (() => { try { return process.env } catch { return 'c' } })()
const load = (n) => { try { return require(n) } catch { return null } }; return load('fs')
const isNode = () => typeof process !== 'undefined'; if (isNode()) process.exit(); return 1
delete globalThis.process; return 1
return delete process
let f = () => process.env; f = () => 1; return f()
function f() { return process.env } f = () => 1; return f()
const e = { run: (t) => t }; return e.run('1')
let run = eval; run = (x) => x; return run('1')
label: { if (context.a !== 1) break label; process.exit() } return 1
do { if (!context.a) break; process.exit() } while (false); return 1
try { process.exit() } finally { return 1 }
const r = await Promise.resolve().then(() => process.env).catch(() => 'c'); return r
const r = await new Promise((res, rej) => { res(1); process.exit() }); return r
const p = new Proxy({}, { get: (t, k) => eval(k) }); return 1
function* g() { yield 1; process.exit() } return g().next().value
async function f() { process.exit() } try { await f() } catch { return 'c' }
async function f() { process.exit() } return await f().catch(() => 'c')
const fn = async () => { const m = await import('x'); return m }; return fn().catch(() => 'c')
return [].map((x) => eval(x))
return context.rows?.map((x) => eval(x)) ?? 1
const o = { process: 1 }; with (o) { return process + 1 }
return ((process) => process.env)({ env: 3 })
return a?.b?.(process.env); var a
return context.q?.constructor.constructor('a')
return await import('fs').then(...[() => 1, () => 2])
class A { static constructor() { process.exit() } } return new A() instanceof A
return context.q?.constructor?.constructor?.('a')
const d = Object.create(null); return d.constructor?.constructor('a')
return Math.nope?.constructor('a')
return [].nope?.constructor('a')
return context.run?.call(eval, '1')
const f = context.f; return f?.constructor.constructor('a')
const cb = undefined; return cb?.(process.env) ?? 1
let g = false ? globalThis : { process: { env: 1 } }; return g.process.env
let g = context.g || { process: { env: 1 } }; return g.process.env
const f = (p = process) => p; return f(1)
const f = ({ env } = process) => env; return f({ env: 2 })
const { a = process.env } = { a: 1 }; return a
const [a = process.env] = [1]; return a
x ??= 1; var x; return x
let x = 1; x ||= process.env; return x
const s = Symbol.iterator.constructor('x'); return typeof s
const t = setTimeout; return typeof t
globalThis.setTimeout = (x) => x; return setTimeout('a')
const setTimeout = (x) => x; return setTimeout('a')
const k = Object.keys(globalThis).length; return k >= 0
Reflect.has(globalThis, 'process'); return 1
return Reflect.get(globalThis, 'process') ?? 1
return Object.getOwnPropertyDescriptor(globalThis, 'process') ?? 1
return Object.getOwnPropertyDescriptor(globalThis, 'eval').value.name
const g = { eval: (x) => x }; return g.eval('1')
const m = new Map([['eval', (x) => x]]); return m.get('eval')('1')
import('fs').catch(() => 0); return 1
const mods = await Promise.all(['fs'].map((m) => import(m).catch(() => null))); return mods
return import('fs').then(() => 1, () => 2)
try { await (async () => import("node:os"))() } catch { return 1 }
return await (import('fs')).catch(() => 5)
return await (async () => { throw 1 })().catch(() => process ? 1 : 2).catch(() => 3)
await (0, Math.max)(1); return 1
"""
"""One a line."""

LIBRARIES = (
    """
(function (root, factory) {
  if (typeof define === "function" && define.amd) define(["b"], factory);
  else if (typeof module === "object" && module.exports) module.exports = factory(require("b"));
  else root.lib = factory(root.b);
})(globalThis, function (b) { return { v: 2 } });
return globalThis.lib.v
""",
    """
!function (t, e) {
  "object" == typeof exports && "undefined" != typeof module ? module.exports = e(require("b"))
    : "function" == typeof define && define.amd ? define(e)
    : (t = "undefined" != typeof globalThis ? globalThis : t || self).lib = e();
}(this, function () { return 7 });
return globalThis.lib
""",
    """
var root = (typeof globalThis === "object" && globalThis) ||
  (typeof global === "object" && global.global === global && global) || Function("return this")();
return 1
""",
    """
const isNode = typeof process !== "undefined" && process.versions != null
  && process.versions.node != null;
function load(name) { return isNode ? require(name) : null }
return load("fs")
""",
    """
(function () {
  var freeGlobal = typeof global == "object" && global && global.Object === Object && global;
  var freeSelf = typeof self == "object" && self && self.Object === Object && self;
  var root = freeGlobal || freeSelf || globalThis;
  var freeProcess = freeGlobal && freeGlobal.process;
  var util = (function () {
    try { return freeProcess.binding("util") } catch (e) {}
  }());
  root.lib = { util };
}.call(this));
return typeof globalThis.lib
""",
)
"""How libraries find out where they are."""

USES = (
    "process.env",
    "require('fs')",
    "eval('1 + 1')",
    "new Function('return 1')()",
    "globalThis.process.env",
    "[].constructor.constructor('return 1')()",
    "await import('fs')",
    "setTimeout('1')",
    "WebAssembly.compile(new Uint8Array())",
)
"""What fails wherever it is reached."""

AROUND = r"""
return $
const v = $; return v
if (context.y) { return $ } return 1
if (context.x) { return $ } return 1
if (!context.x) return 5; return $
return context.y && $
return context.y || $
return context.y ?? $
return context.x ? 1 : $
return context.x ? $ : 1
try { return $ } catch { return 1 }
try { return $ } finally { console.log(1) }
try { return $ } finally { return 3 }
try { throw 1 } catch { return $ }
async function f() { return $ } return 1
async function f() { return $ } return await f()
async function f() { return $ } return f()
async function f() { return $ } f().catch(() => 0); return 1
async function f() { return $ } return f().catch(() => 0)
async function f() { return $ } return f().then(() => 1, () => 2)
async function f() { return $ } return f().then(() => 1)
async function f() { return $ } try { return await f() } catch { return 4 }
async function f() { return $ } const p = f(); try { return await p } catch { return 4 }
const f = async () => $; return 1
const f = async () => $; return await f()
let f = async () => $; f = async () => 1; return await f()
const f = async (x = $) => x; return await f(1)
const f = async (x = $) => x; return await f()
const f = async (a, x = $) => x; return await f(1)
const f = async () => { try { return $ } catch { return 7 } }; return await f()
const f = async () => { if (context.y) return $; return 7 }; return await f()
const f = async () => { if (context.x) return 7; return $ }; return await f()
return await (async () => $)()
return await (async () => { return $ })().catch(() => 1)
await Promise.all([1, 2].map(async (x) => $)); return 1
await Promise.all([].map(async (x) => $)); return 1
await Promise.allSettled([1].map(async (x) => $)); return 1
for (const x of [1]) { await $ } return 1
for (const x of []) { await $ } return 1
for (let i = 0; i < 1; i++) { await $ } return 1
for (;;) { await $; break } return 1
for (;;) { if (context.x) break; await $ } return 1
while (context.y) { await $ } return 1
while (true) { if (context.x) break; await $ } return 1
do { await $ } while (false); return 1
do { if (context.x) continue; await $ } while (false); return 1
a: { if (context.x) break a; await $ } return 1
a: { await $ } return 1
switch (context.x) { case 1: return 1; default: return $ }
switch (context.x) { case $: return 1; default: return 2 }
switch (context.x) { case 1: return 1; case $: return 3; default: return 2 }
class A { async m() { return $ } } return 1
class A { async m() { return $ } } return await new A().m()
class A { async m() { return $ } } await new A().m().catch(() => 1); return 1
const o = { async m() { return $ } }; return 1
const o = { async m() { return $ } }; return await o.m()
const { a = await $ } = { a: 1 }; return a
const { a = await $ } = {}; return a
const [b = await $] = [1]; return b
return [1, await $].length
return { a: await $ }
return `${await $}`
let x = 1; x ||= await $; return x
let x; x ??= await $; return x
return context.q?.(await $)
return context.q?.[await $]
return typeof (await $)
void (await $); return 1
return 1; await $
if (false) await $; return 1
if (true) await $; return 1
if (!0) { await $ } return 1
if (typeof process !== 'undefined') await $; return 1
if (typeof process === 'undefined') await $; return 1
return typeof require === 'function' ? $ : 1
return typeof require === 'function' ? 1 : $
globalThis.process = { env: 1 }; globalThis.require = (x) => 1; return $
var process = { env: 1 }; var require = (x) => 1; return $
with ({ process: { env: 1 }, require: (x) => 1, eval: (x) => 1 }) { return $ }
function* g() { yield 1 } for (const x of g()) await $; return 1
async function* g() { yield await $ } return 1
async function* g() { yield 1; await $ } for await (const x of g()) return x
const g = { get x() { return 1 } }; return g.x && $
new Promise(async (r) => { await $ }).catch(() => 0); return 1
return await new Promise(async (r) => { r(1); await $ }).catch(() => 0)
return await Promise.race([1, (async () => $)()])
return await Promise.any([(async () => $)(), 1])
return (await Promise.allSettled([(async () => $)()])).length
queueMicrotask(() => 0); return $
const r = await (async () => $)().finally(() => 1).catch(() => 2); return r
const r = await (async () => $)().finally(() => 1); return r
return await (async () => { if (context.x) return 3; return await $ })()
const fs = context.x ? {} : await $; return 1
let out; try { out = await $ } catch (e) { out = e.name } return out
const safe = async (f) => { try { return await f() } catch {} }; return await safe(async () => $)
const attempt = (f) => f().catch(() => null); return await attempt(async () => $)
throw new Error('first'); await $
await null; return $
class A { static x = 1; static { if (context.y) throw 1 } } return $
const f = async () => { return 1; await $ }; return await f()
const f = async function g(n) { if (n > 1) return 2; return g(n + 1) }; await f(0); return $
const run = { a: async () => $, b: async () => 2 }; return await run.b()
const o = Object.freeze({}); o.process = 1; return $
"""
"""Programs around a use, which stands for the dollar sign; ``context`` has ``x`` and no ``y``."""


def combined() -> list[str]:
    """Each use in each of the programs around it."""
    programs = [line for line in AROUND.splitlines() if line]
    codes = [program.replace("$", use) for program in programs for use in USES]
    return [code for code in codes if "x = await" not in code]  # which does not parse
