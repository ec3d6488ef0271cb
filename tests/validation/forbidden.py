"""Spellings of what must be found, by the rule that finds them.

Each is the body of a function. Where it would work it returns something, and where it does not it
fails or returns nothing: so each can be run to see that validation is not what prevents it.
"""

from __future__ import annotations

from onehop.types import Language

EVAL = r"""
return eval("1 + 1")
return eval?.("1 + 1")
return (0, eval)("1 + 1")
return (eval)("1 + 1")
return eval.call(null, "1 + 1")
return eval.apply(null, ["1 + 1"])
return eval.bind(null)("1 + 1")
const e = eval; return e("1 + 1")
let e; e = eval; return e("1 + 1")
const { eval: e } = globalThis; return e("1 + 1")
const { ["eval"]: e } = globalThis; return e("1 + 1")
return globalThis.eval("1 + 1")
return globalThis?.eval?.("1 + 1")
return globalThis["eval"]("1 + 1")
return globalThis["ev" + "al"]("1 + 1")
return globalThis[`eval`]("1 + 1")
return globalThis[`ev${"al"}`]("1 + 1")
return globalThis["\x65val"]("1 + 1")
return globalThis["\u0065\u{76}al"]("1 + 1")
return globalThis[["ev", "al"].join("")]("1 + 1")
return globalThis["ev".concat("al")]("1 + 1")
return globalThis[String.fromCharCode(101, 118, 97, 108)]("1 + 1")
return globalThis[atob("ZXZhbA==")]("1 + 1")
return globalThis["lave".split("").reverse().join("")]("1 + 1")
return globalThis["EVAL".toLowerCase()]("1 + 1")
const a = "ev", b = "al"; return globalThis[a + b]("1 + 1")
const name = "eval"; return globalThis[name]("1 + 1")
const g = globalThis; return g.eval("1 + 1")
const g = globalThis, h = g; return h["eval"]("1 + 1")
const g = globalThis; const { eval: run } = g; return run("1 + 1")
return \u0065val("1 + 1")
return \u{65}val("1 + 1")
return ev\u0061l("1 + 1")
return Reflect.get(globalThis, "eval")("1 + 1")
return Reflect.apply(eval, null, ["1 + 1"])
return Reflect["apply"](globalThis.eval, null, ["1 + 1"])
return ["1 + 1"].map(eval).filter((v) => v === 2)[0]
return ((f) => f("1 + 1"))(eval)
return ((g) => g.eval("1 + 1"))(globalThis)
return (function ({ eval: f }) { return f("1 + 1") })(globalThis)
return (() => globalThis)().eval("1 + 1")
return (function () { return this })().eval("1 + 1")
return (function () { return this }).call(null)["ev" + "al"]("1 + 1")
return this.eval("1 + 1")
return (this || globalThis).eval("1 + 1")
return globalThis.globalThis.eval("1 + 1")
{ const eval = 1; } return eval("1 + 1")
const f = (eval) => eval; return eval("1 + 1")
const o = { eval: 1 }; return eval("1 + 1")
"""

FUNCTION_CONSTRUCTOR = r"""
return Function("return 2")()
return new Function("return 2")()
return new Function("a", "b", "return a + b")(1, 1)
return Function.call(null, "return 2")()
return Function.apply(null, ["return 2"])()
return Function.bind(null, "return 2")()()
return Function?.("return 2")()
return (0, Function)("return 2")()
const F = Function; return F("return 2")()
const { Function: F } = globalThis; return new F("return 2")()
return globalThis.Function("return 2")()
return globalThis["Fun" + "ction"]("return 2")()
return new globalThis[`Function`]("return 2")()
return \u0046unction("return 2")()
return Reflect.construct(Function, ["return 2"])()
return Reflect.apply(Function, null, ["return 2"])()
return ["return 2"].map(Function)[0]()
return Function.prototype.constructor("return 2")()
return (() => {}).constructor("return 2")()
return (function () {}).constructor("return 2")()
return (async () => {}).constructor("return 2")()
return new (async function () {}).constructor("return 2")()
return (function* () {}).constructor("return 2")().next().value
return (async function* () {}).constructor("return 2")()
return (class {}).constructor("return 2")()
function f() {} return f.constructor("return 2")()
const f = () => 1; return f.constructor("return 2")()
const f = async () => 1; const A = f.constructor; return A("return 2")()
const { constructor: F } = () => {}; return F("return 2")()
const { constructor } = function () {}; return constructor("return 2")()
return parseInt.constructor("return 2")()
return Math.max.constructor("return 2")()
return [].map.constructor("return 2")()
return "".sub.constructor("return 2")()
return Object.constructor("return 2")()
return Array.prototype.map.constructor("return 2")()
return Object.getPrototypeOf(async function () {}).constructor("return 2")()
const A = Object.getPrototypeOf(async () => {}).constructor; return new A("return 2")()
const G = Object.getPrototypeOf(function* () {}).constructor; return G("return 2")
return Reflect.getPrototypeOf(async () => {}).constructor("return 2")()
const f = async () => {}; return Object.getPrototypeOf(f).constructor("return 2")()
const { constructor: A } = Object.getPrototypeOf(async () => {}); return A("return 2")()
return Reflect.get(() => {}, "constructor")("return 2")()
const C = console.log; return C.constructor("return 2")()
const { ["constructor"]: C } = () => {}; return C("return 2")()
return (() => {})["constructor"]("return 2")()
AsyncFunction("return 2")()
return new GeneratorFunction("return 2")()
"""

CONSTRUCTOR_CHAIN = r"""
return [].constructor.constructor("return 2")()
return "".constructor.constructor("return 2")()
return (5).constructor.constructor("return 2")()
return context.constructor.constructor("return 2")()
return ({})?.constructor.constructor("return 2")()
return [].constructor["constructor"]("return 2")()
return []["constructor"]["constructor"]("return 2")()
return []["constr" + "uctor"]["constr" + "uctor"]("return 2")()
return [][`constructor`][`constructor`]("return 2")()
return []["\x63onstructor"]["\x63onstructor"]("return 2")()
const k = "constructor"; return [][k][k]("return 2")()
const k = ["constr", "uctor"].join(""); return [][k][k]("return 2")()
const C = [].constructor; return C.constructor("return 2")()
const C = [].constructor, F = C.constructor; return F("return 2")()
const { constructor: { constructor: F } } = []; return F("return 2")()
const { constructor: C } = []; const { constructor: F } = C; return F("return 2")()
return [].c\u006fnstructor.constructor("return 2")()
return Reflect.get(Reflect.get([], "constructor"), "constructor")("return 2")()
const o = {}; const i = "constructor"; return o.constructor[i]("return 2")()
return constructor.constructor("return 2")()
"""

STRING_TIMER = r"""
setTimeout("globalThis.done = 2", 0)
setTimeout('globalThis.done = 2')
setTimeout(`globalThis.done = 2`, 0)
setInterval("globalThis.done = 2", 1)
setImmediate("globalThis.done = 2")
setTimeout("globalThis." + "done = 2", 0)
setTimeout("globalThis.done = " + context, 0)
const code = "globalThis.done = 2"; setTimeout(code, 0)
globalThis.setTimeout("globalThis.done = 2", 0)
globalThis["setTimeout"]("globalThis.done = 2", 0)
setTimeout.call(null, "globalThis.done = 2", 0)
setTimeout.apply(null, ["globalThis.done = 2", 0])
setTimeout.bind(null, "globalThis.done = 2")()
Reflect.apply(setTimeout, null, ["globalThis.done = 2", 0])
setInterval(String("globalThis.done = 2"), 1)
const { setTimeout: later } = globalThis; later("globalThis.done = 2", 0)
const { setTimeout } = globalThis; setTimeout("globalThis.done = 2", 0)
const later = setTimeout; later("globalThis.done = 2", 0)
"""

WEBASSEMBLY = r"""
return new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
return await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
return await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
return WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
return globalThis.WebAssembly.Memory.name
const { WebAssembly: W } = globalThis; return W.Module.name
return globalThis["Web" + "Assembly"].Module.name
const W = globalThis?.WebAssembly; return W.Module.name
"""

REQUIRE = r"""
return require("fs").readFileSync("/etc/passwd", "utf8")
return require?.("child_process").execSync("id")
const r = require; return r("os").hostname()
return globalThis.require("fs")
return globalThis["req" + "uire"]("fs")
return (0, require)("fs")
const { require: r } = globalThis; return r("fs")
return require.resolve("fs")
return r\u0065quire("fs")
"""

IMPORT = r"""
import fs from "fs"; return fs
import { readFileSync } from "node:fs"; return 2
import * as os from "node:os"; return 2
import "node:fs"; return 2
import data from "./data.json" with { type: "json" }; return data
return await import("node:fs")
return await import("https://example.com/x.js")
return await import("data:text/javascript,export default 2")
const name = "node:os"; return await import(name)
const fs = await import("fs").then((m) => m.default); return fs
return await (async () => import("node:os"))()
return import.meta.url
export * from "node:fs"; return 2
export { readFileSync } from "node:fs"; return 2
return import.meta?.resolve("x")
"""

IMPORT_SCRIPTS = r"""
importScripts("https://example.com/x.js"); return 2
globalThis.importScripts("x.js"); return 2
const load = importScripts; load("x.js"); return 2
"""

PROCESS = r"""
return process.env
return process.env.HOME
return process?.env.HOME
return process["env"]
process.exit(0); return 2
const { env } = process; return env
const { env: { HOME } } = process; return HOME
const p = process; return p.pid
return globalThis.process.env
return globalThis?.process.env
return globalThis?.["process"].env
return globalThis["pro" + "cess"].env
const { process: p } = globalThis; return p.env
const { process } = globalThis; return process.env
return Reflect.get(globalThis, "process").env
return Object.getOwnPropertyDescriptor(globalThis, "process").value
return global.process.env
return self.process.env
return window["process"].env
return this.process.env
return this["process"].env
const g = this; return g.process.env
return p\u0072ocess.env
const f = (p = process) => p.env; return f()
const f = ({ env } = process) => env; return f()
return (({ process: p }) => p.env)(globalThis)
const key = "process"; const g = globalThis; return g[key].env
return process.mainModule.require("fs")
return process.binding("fs")
const out = []; for (const k of process.argv) out.push(k); return out
return `${process.version}`
label: { return process.pid }
return typeof process === "object" ? 2 : process.pid
class A { pid = process.pid } return new A().pid
"""

CHILD_PROCESS = r"""
return child_process.execSync("id").toString()
const { execSync } = child_process; return execSync("id").toString()
return globalThis.child_process.execSync("id")
"""

DENO = r"""
return Deno.env.toObject()
return Deno?.version
return await Deno.readTextFile("/etc/passwd")
return new Deno.Command("id").outputSync()
const { Deno: d } = globalThis; return d.version
const d = globalThis.Deno; return d.version
return globalThis["De" + "no"].version
return Reflect.get(globalThis, "Deno").version
return Deno[Deno.internal].core.ops
const { version } = Deno; return version
return D\u0065no.version
return window.Deno.version
"""

BUN = r"""
return Bun.version
return Bun.spawnSync(["id"])
return globalThis.Bun.version
const { Bun: b } = globalThis; return b.version
return await Bun.file("/etc/passwd").text()
"""

PROTO = r"""
const o = {}; return o.__proto__
const o = {}; o.__proto__ = { a: 1 }; return o.a
const o = {}; o.__proto__.polluted = 1; return {}.polluted
const o = {}; return o["__proto__"]
const o = {}; return o[`__proto__`]
const o = {}; return o["__pro" + "to__"]
const o = {}; const k = "__proto__"; return o[k]
const o = {}; return o?.__proto__
return { __proto__: { a: 1 } }
return { "__proto__": { a: 1 } }
return { ["__proto__"]: { a: 1 } }
return { ["__pro" + "to__"]: { a: 1 } }
const { __proto__: p } = {}; return p
const o = {}; Object.defineProperty(o, "__proto__", { value: 1 }); return o
const o = {}; Reflect.set(o, "__proto__", null); return o
return Reflect.get({}, "__proto__")
return Object.getOwnPropertyDescriptor(Object.prototype, "__proto__")
return {}.__lookupGetter__("__proto__")
class A { __proto__() { return 1 } } return new A()
class A { __proto__ = 1 } return new A()
return __proto__
return context.__proto_\u005f
"""

WITH = r"""
with (Math) { return max(1, 2) }
with ({ a: 1 }) return a
"""

TYPESCRIPT: dict[str, str] = {
    "eval": """
const run: (code: string) => unknown = eval; return run("1 + 1")
return (eval as any)("1 + 1")
return eval!("1 + 1")
return (globalThis as any).eval("1 + 1")
return (globalThis as Record<string, any>)["ev" + "al"]("1 + 1")
declare const eval: any; return eval("1 + 1")
""",
    "function_constructor": """
return new (Function as any)("return 2")()
const F: FunctionConstructor = Function; return F("return 2")()
return ((() => {}) as any).constructor("return 2")()
""",
    "process": """
declare const process: any; return process.env
const p = (globalThis as any).process!; return p.env
const { process } = globalThis as any; return process.env
interface process { env: string } return process.env
function f(p: any = process) { return p.env } return f()
enum E { A = process.pid } return E.A
""",
    "import": """
import fs = require("fs"); return fs
import fs, { type Stats } from "fs"; return fs
const fs: typeof import("fs") = await import("fs"); return fs
""",
    "require": """
declare function require(name: string): any; return require("fs")
const r: NodeRequire = require; return r("fs")
""",
    "constructor_chain": """
return ([] as any).constructor.constructor("return 2")()
""",
    "deno": """
return (globalThis as { Deno?: any }).Deno!.version
""",
}

JAVASCRIPT = {
    "eval": EVAL,
    "function_constructor": FUNCTION_CONSTRUCTOR,
    "constructor_chain": CONSTRUCTOR_CHAIN,
    "string_timer": STRING_TIMER,
    "webassembly": WEBASSEMBLY,
    "require": REQUIRE,
    "import": IMPORT,
    "import_scripts": IMPORT_SCRIPTS,
    "process": PROCESS,
    "child_process": CHILD_PROCESS,
    "deno": DENO,
    "bun": BUN,
}

WORKS = {"proto": PROTO, "with": WITH}
"""What works, and harms nobody but the code itself: found, and let run."""

NOT_CERTAIN = r"""
return ({})?.constructor?.constructor("return 2")()
let e; ({ eval: e } = globalThis); return e("1 + 1")
return Object.getOwnPropertyDescriptor(globalThis, "eval").value("1 + 1")
const run = (f = eval) => f("1 + 1"); return run()
const { run = eval } = {}; return run("1 + 1")
const tools = { run: eval }; return tools.run("1 + 1")
const tools = { eval }; return tools.eval("1 + 1")
const f = true ? eval : null; return f("1 + 1")
return (await eval)("1 + 1")
class F extends Function {} return new F("return 2")()
const { process = null } = globalThis; return process.env
try { missing() } catch (e) { return process.pid }
switch (1) { case 1: return process.pid }
"""
"""What fails when it is run, though the tree does not show that it must: found, and let run."""

BEYOND_THE_TREE = r"""
return context.constructor("return 2")()
const k = true ? "con" + "structor" : ""; return (() => {})[k]("return 2")()
const [f] = [() => {}]; const c = f.constructor; return [c].map((x) => x("return 2")())
for (const k of ["constructor"]) { const F = (() => {})[k]; return F("return 2")() }
const k = ["rotcurtsnoc"].map((s) => [...s].reverse().join("")); return (() => {})[k]("return 2")()
const get = (o, k) => o[k]; return get(get([], "con" + "structor"), "constructor")("return 2")()
function self2() { return this } return Object.values({ g: self2.call(undefined) })[0].process.env
return [..."eval"].reduce((g, _, i, all) => (i ? g : globalThis[all.join("")]), null)("1 + 1")
const [g] = [globalThis]; return g.process.env
const o = { g: globalThis }; return o.g.process.env
const all = Object.getOwnPropertyDescriptors(globalThis); return all.Function.value("return 2")()
const all = Object.getOwnPropertyDescriptors(globalThis); return Object.values(all)[0].process.env
return JSON.parse('["constructor"]', (i, v) => (i ? (() => {})[v] : v))("return 2")()
"""
"""What only a run tells: not found, and impossible all the same."""


def spellings() -> list[tuple[str, Language, str]]:
    """Rule, language and code of each."""
    found: list[tuple[str, Language, str]] = []
    for rule, block in JAVASCRIPT.items():
        found += [(rule, "javascript", line) for line in lines(block)]
    for rule, block in TYPESCRIPT.items():
        found += [(rule, "typescript", line) for line in lines(block)]
    return found


def lines(block: str) -> list[str]:
    """The programs of a block, one a line."""
    return [line for line in block.splitlines() if line]
