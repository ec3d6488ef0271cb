//// a local called process
const process = { pid: 1, env: { HOME: "here" } };
return process.env.HOME + process.pid;
//// a function called require, used before its declaration
const loaded = require("a");
function require(name) { return { name }; }
return loaded;
//// a function called eval in an object
const calculator = { eval: (a, b) => a + b, Function: 1, require: [2] };
return calculator.eval(1, 2) + calculator.Function + calculator.require[0];
//// parameters that bear forbidden names
const run = (process, require, Deno = 3) => process + require + Deno;
return run(1, 2);
//// a parameter taken apart
function area({ eval: e = 2, Function = 3 }, [Bun, ...require]) { return e * Function * Bun * require.length; }
return area({}, [4, 5, 6]);
//// a property of a row
const rows = [{ process: "milling", eval: 5, Function: "x", require: true }];
return rows.filter((row) => row.require && row.process === "milling").map((row) => row.eval);
//// keys in data
return { process: 1, "eval": 2, ["require"]: 3, Deno: { Bun: [4] }, constructor: "Ferrari" };
//// strings about forbidden things
const advice = "never call eval() or new Function('x'), use require('fs') or process.env with care";
return [advice, 'globalThis.process', `Deno.readFile and import("x")`].join("; ");
//// comments about forbidden things
// eval("x"); require("fs"); process.exit(); import x from "y"; with (a) {}
/* globalThis.process.env; [].constructor.constructor("x")(); __proto__ */
return "ok";
//// regular expressions about forbidden things
const suspicious = /eval\(|new Function\(|require\(|process\.env|__proto__|import /g;
return ("x = eval(1)".match(suspicious) ?? []).length;
//// labels
process: for (const x of [1, 2, 3]) {
  require: for (const y of [1, 2, 3]) { if (y === 2) continue process; if (x === 3) break process; }
}
return "done";
//// a class called Process with methods that bear such names
class Process {
  static Deno = 1;
  #eval = 2;
  constructor(name) { this.process = name; }
  eval() { return this.#eval; }
  require(x) { return x ?? this.process; }
  get Function() { return Process.Deno; }
}
const p = new Process("a");
return [p.eval(), p.require(), p.Function, p.process];
//// catch parameters
try { throw new Error("x"); } catch (process) { return process.message; }
//// a catch parameter taken apart
try { throw new Error("x"); } catch ({ message: eval_, name: require }) { return eval_ + require; }
//// shadowed in a block
const names = [];
{ const Deno = "d"; names.push(Deno); { let Bun = Deno + "b"; names.push(Bun); } }
return names;
//// a var in a nested block holds in the whole function
if (true) { var process = { id: 7 }; }
return process.id;
//// a function in a block
{ function importScripts(x) { return x; } }
return importScripts(5);
//// loop variables
const out = [];
for (const process of ["a", "b"]) out.push(process.toUpperCase());
for (let require = 0; require < 2; require++) out.push(require);
for (const [eval_, { Deno }] of [[1, { Deno: 2 }]]) out.push(eval_ + Deno);
return out;
//// a named function expression
const f = function process(n) { return n < 2 ? n : process(n - 1) + process(n - 2); };
return f(10);
//// closures over such locals
function make() { let process = 0; return { next: () => ++process, get value() { return process; } }; }
const counter = make(); counter.next(); counter.next();
return counter.value;
//// assignments to such locals
let require; require = (x) => x * 2; let Bun = 1; Bun += require(3);
return Bun;
//// generators and async functions with such names
async function process(x) { return x + 1; }
function* require(n) { for (let i = 0; i < n; i++) yield i; }
return [await process(1), ...require(3)];
//// asking for a type
const where = typeof process !== "undefined" ? "node" : typeof Deno !== "undefined" ? "deno" : "sandbox";
return [where, typeof require, typeof window, typeof globalThis.process];
//// a method called import and one called with
const api = { import(x) { return x; }, with: (x) => x, export: 3 };
return [api.import(1), api.with(2), api.export, [3, 1, 2].with(0, 9)];
//// array with
return [1, 2, 3].with(1, 20).toSorted((a, b) => b - a);
//// a Map of handlers by such names
const handlers = new Map([["eval", (x) => x + 1], ["process", (x) => x * 2]]);
return handlers.get("eval")(1) + handlers.get("process")(2);
//// an enumeration of words
const KEYWORDS = new Set(["eval", "Function", "require", "import", "process", "constructor", "__proto__", "with"]);
return "let x = eval ( y ) with z".split(" ").filter((word) => KEYWORDS.has(word));
//// keys refused when objects are merged
function merge(target, source) {
  for (const [key, value] of Object.entries(source)) {
    if (key === "__proto__" || key === "constructor" || key === "prototype") continue;
    target[key] = value && typeof value === "object" && !Array.isArray(value) ? merge(target[key] ?? {}, value) : value;
  }
  return target;
}
return merge({ a: { b: 1 } }, { a: { c: 2 }, d: [3] });
//// dangerous keys in a list
const BLOCKED = ["__proto__", "constructor", "prototype"];
return Object.keys({ a: 1, b: 2 }).filter((key) => !BLOCKED.includes(key));
//// hasOwn with such keys
return [Object.hasOwn({ process: 1 }, "process"), "eval" in { eval: 1 }, { a: 1 }.hasOwnProperty("require")];
//// the name of a constructor
const kinds = [1, "a", [], {}, new Map(), /x/, new Date(0)].map((v) => v.constructor.name);
return kinds;
//// comparing constructors
const isPlain = (v) => v !== null && typeof v === "object" && (v.constructor === Object || Object.getPrototypeOf(v) === null);
return [isPlain({}), isPlain([]), isPlain(new Date())];
//// a copy by constructor
class Money { constructor(amount) { this.amount = amount; } times(n) { return new this.constructor(this.amount * n); } }
return new Money(5).times(3).amount;
//// an error of the same kind
function wrap(error, text) { return new error.constructor(text + ": " + error.message); }
return wrap(new RangeError("low"), "outer").message;
//// static members by the constructor
class Base { static table = "base"; describe() { return this.constructor.table + ":" + this.constructor.name; } }
class User extends Base { static table = "users"; }
return new User().describe();
//// async functions by the name of their constructor
const isAsync = (f) => f.constructor.name === "AsyncFunction";
return [isAsync(async () => {}), isAsync(() => {})];
//// functions by instanceof
const call = (f, ...args) => (f instanceof Function ? f(...args) : f);
return [call((x) => x + 1, 1), call(5), typeof call === "function", call.constructor === Function];
//// the prototype of Function
return [Function.prototype.toString.call(() => 1).length > 0, Function.prototype === Object.getPrototypeOf(() => {})];
//// racing constructors
const results = [{ driver: "HAM", constructor: "Mercedes", points: 25 }, { driver: "LEC", constructor: "Ferrari", points: 18 }];
const points = {};
for (const { constructor, points: earned } of results) points[constructor] = (points[constructor] ?? 0) + earned;
return Object.entries(points).sort(([, a], [, b]) => b - a);
//// the global object read by plain names
return [globalThis.Math.max(1, 2), globalThis.JSON.stringify([1]), globalThis["parseInt"]("7")];
//// checking for a global
return ["structuredClone" in globalThis, typeof globalThis.fetch, globalThis.foo === undefined];
//// code that writes code
const fields = ["name", "age"];
const source = `export class Person {\n  constructor(${fields.join(", ")}) {\n${fields.map((f) => `    this.${f} = ${f};`).join("\n")}\n  }\n}`;
return source;
//// text that looks like imports
const program = ['import fs from "fs";', 'const x = require("y");', "export default x;"].join("\n");
return program.split("\n").map((line) => /^(import|export)\b/.test(line));
//// arrays of text in brackets
const table = [["eval", "require"], ["constructor", "process"]];
const pick = { a: ["process"][0], b: table[1][0] };
return pick;
//// text put together
const prefix = "con"; const key = prefix + "tent"; const record = { content: 1 };
return record[key] + record["con" + "tent"] + record[`${prefix}tent`];
//// shorthand properties
const eval_ = 1, process = 2, require = () => 3;
return { eval_, process, r: require() };
//// window functions over rows
const values = [3, 1, 4, 1, 5, 9, 2, 6]; const window = 3;
return values.map((_, i) => values.slice(Math.max(0, i - window + 1), i + 1)).map((w) => Math.max(...w));
//// self and top as locals
const self = { top: 5 }; const { top } = self; const global = top + 1;
return [self, top, global];
//// timers with functions
const order = [];
await new Promise((done) => { setTimeout(() => { order.push(2); done(); }, 1); order.push(1); });
const id = setInterval(order.push.bind(order, 3), 1000); clearInterval(id);
return order;
//// a timer by name
const wait = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
return await Promise.all([wait(2, "a"), wait(1, "b")]);
//// arguments by destructuring of data about such words
const { process: { name: processName } = { name: "none" }, eval: score = 0 } = { eval: 9 };
return processName + score;
//// switch over such words
const describe = (word) => { switch (word) { case "eval": return 1; case "require": return 2; default: { let process = 3; return process; } } };
return ["eval", "require", "x"].map(describe);
//// unicode in names and text
const größe = 5, 名前 = "太郎", π = Math.PI, café = "naïve \u00e9\u{1F600} 😀";
return [größe, 名前, π > 3, café.length];
//// kinds by their constructor
const kind = (v) => { switch (v.constructor) { case String: return "text"; case Array: return "list"; case Function: return "function"; default: return v.constructor.name; } };
return ["a", [], () => 1, new Map()].map(kind);
//// functions of own objects named like timers
const { setTimeout: note } = { setTimeout: (text) => text.length };
return note("text") + [1].map(String).length;
//// keys looked for in data
const data = JSON.parse('{"a": 1}');
if (["__proto__", "constructor"].some((key) => Object.keys(data).includes(key))) throw new Error("bad key");
return "process" in data || Object.hasOwn(data, "constructor");
//// this of own functions and objects
function Job() { this.process = 1; this["eval"] = 2; }
const handler = { process: 3, run() { return this.process; }, get(key) { return this[key]; } };
return [new Job().process, handler.run(), handler.get("process"), (function () { return this.process; }).call({ process: 4 })];
//// accessors and methods with such names
class Shop { static process() { return 1; } static { this.total = this.process(); } get eval() { return 2; } set require(v) { this.v = v; } async Deno() { return 3; } *Bun() { yield 4; } }
return [Shop.total, new Shop().eval, await new Shop().Deno(), ...new Shop().Bun()];
