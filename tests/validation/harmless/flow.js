//// await in order
const steps = [];
for (const ms of [2, 1]) { await new Promise((r) => setTimeout(r, ms)); steps.push(ms); }
return steps;
//// all settled
const runs = await Promise.allSettled([Promise.resolve(1), Promise.reject(new Error("no"))]);
return runs.map((r) => r.status);
//// retry
async function retry(f, n) { for (let i = 0; ; i++) { try { return await f(i); } catch (e) { if (i >= n) throw e; } } }
return await retry(async (i) => { if (i < 2) throw new Error("again"); return i; }, 5);
//// a race with a deadline
const slow = new Promise((r) => setTimeout(r, 50, "slow")), deadline = new Promise((r) => setTimeout(r, 5, "deadline"));
return await Promise.race([slow, deadline]);
//// limited concurrency
async function pool(tasks, n) { const out = []; let i = 0; const worker = async () => { while (i < tasks.length) { const k = i++; out[k] = await tasks[k](); } }; await Promise.all(Array.from({ length: n }, worker)); return out; }
return await pool([1, 2, 3].map((x) => async () => x * 2), 2);
//// a generator without end
function* naturals() { let n = 0; while (true) yield n++; }
const first = []; for (const n of naturals()) { if (n > 4) break; first.push(n); }
return first;
//// helpers of iterators
function* squares() { for (let i = 1; ; i++) yield i * i; }
return squares().filter((x) => x % 2).take(3).toArray();
//// an async generator
async function* pages() { for (let p = 1; p <= 3; p++) { await null; yield { page: p, rows: [p, p * 10] }; } }
const rows = []; for await (const { rows: r } of pages()) rows.push(...r);
return rows;
//// pages until there is no next
const source = { 1: { rows: [1], next: 2 }, 2: { rows: [2], next: null } };
const load = async (id) => source[id];
let id = 1; const all = [];
while (true) { const page = await load(id); all.push(...page.rows); if (!page.next) break; id = page.next; }
return all;
//// an event emitter
class Emitter { #on = new Map(); on(k, f) { this.#on.set(k, [...(this.#on.get(k) ?? []), f]); return () => this.off(k, f); } off(k, f) { this.#on.set(k, this.#on.get(k).filter((g) => g !== f)); } emit(k, ...a) { for (const f of this.#on.get(k) ?? []) f(...a); } }
const e = new Emitter(), got = []; const stop = e.on("process", (x) => got.push(x)); e.emit("process", 1); stop(); e.emit("process", 2);
return got;
//// a state machine
const machine = { idle: { start: "busy" }, busy: { done: "idle", fail: "broken" }, broken: {} };
return ["start", "done", "start", "fail", "start"].reduce((s, ev) => machine[s][ev] ?? s, "idle");
//// middleware
const compose = (...fs) => (x) => fs.reduceRight((next, f) => (y) => f(y, next), (y) => y)(x);
return compose((x, next) => next(x + 1) * 2, (x, next) => next(x * 10))(1);
//// pipe and curry
const pipe = (...fs) => (x) => fs.reduce((v, f) => f(v), x), curry = (f) => (a) => (b) => f(a, b);
return pipe(curry((a, b) => a + b)(1), String, (s) => s.padStart(3, "0"))(41);
//// debounce
const debounce = (f, ms) => { let t; return (...a) => { clearTimeout(t); t = setTimeout(() => f(...a), ms); }; };
const calls = []; const d = debounce((x) => calls.push(x), 1); d(1); d(2); await new Promise((r) => setTimeout(r, 10));
return calls;
//// a proxy
const log = []; const watched = new Proxy({ a: 1 }, { get: (t, k, r) => { log.push(String(k)); return Reflect.get(t, k, r); }, set: Reflect.set });
watched.a; watched.b = 2;
return [log, watched.b];
//// reflect on own objects
const o = { x: 1 }; Reflect.set(o, "y", 2); Object.defineProperty(o, "z", { value: 3, enumerable: true });
return [Reflect.ownKeys(o), Reflect.get(o, "x"), Reflect.has(o, "process")];
//// symbols
class Range { constructor(a, b) { Object.assign(this, { a, b }); } *[Symbol.iterator]() { for (let i = this.a; i < this.b; i++) yield i; } get [Symbol.toStringTag]() { return "Range"; } [Symbol.toPrimitive]() { return this.b - this.a; } }
return [[...new Range(1, 4)], String(Object.prototype.toString.call(new Range(0, 1))), +new Range(2, 9)];
//// inheritance
class Shape { area() { return 0; } toString() { return `${this.constructor.name}(${this.area()})`; } }
class Circle extends Shape { constructor(r) { super(); this.r = r; } area() { return Math.round(Math.PI * this.r ** 2); } }
return [new Shape(), new Circle(2)].map(String);
//// private members and statics
class Account { static #count = 0; #balance = 0; static { Account.currency = "EUR"; } constructor() { Account.#count++; } deposit(n) { if (!(#balance in this)) throw new TypeError(); this.#balance += n; return this; } get balance() { return this.#balance; } static get count() { return Account.#count; } }
return [new Account().deposit(5).balance, Account.count, Account.currency];
//// own errors
class ValidationError extends Error { constructor(field, message) { super(message); this.name = "ValidationError"; this.field = field; } }
try { throw new ValidationError("age", "too low"); } catch (e) { if (!(e instanceof ValidationError)) throw e; return [e.name, e.field, e.message]; } finally { console.log("checked"); }
//// the cause of an error
try { try { null.x; } catch (cause) { throw new Error("outer", { cause }); } } catch (e) { return e.cause.name; }
//// prototypes
const animal = { speak() { return this.sound; } }, dog = Object.create(animal, { sound: { value: "woof" } });
return [dog.speak(), Object.getPrototypeOf(dog) === animal, Object.setPrototypeOf({}, null) instanceof Object];
//// old style classes
function Point(x, y) { this.x = x; this.y = y; }
Point.prototype.norm = function () { return Math.hypot(this.x, this.y); };
Point.prototype.constructor = Point;
return new Point(3, 4).norm();
//// call, apply and bind
const greet = function (a, b) { return this.name + a + b; };
return [greet.call({ name: "x" }, 1, 2), greet.apply({ name: "y" }, [3, 4]), greet.bind({ name: "z" }, 5)(6)];
//// disposal
{ using file = { [Symbol.dispose]() { console.log("closed"); } }; console.log(typeof file); }
return "end";
//// weak references
const cache = new WeakMap(), key = {}; cache.set(key, 1); const ref = new WeakRef(key);
return [cache.get(key), ref.deref() === key];
//// structured clone
const copy = structuredClone({ d: new Date(0), m: new Map([[1, { a: [1] }]]), process: "x" });
return [copy.d.getTime(), copy.m.get(1).a, copy.process];
//// random with a seed
let seed = 42; const random = () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
return Array.from({ length: 3 }, () => Math.floor(random() * 100));
//// a timer of the work
const start = performance.now(); let s = 0; for (let i = 0; i < 1e4; i++) s += Math.sqrt(i);
return [s > 0, performance.now() - start >= 0];
//// dates
const day = 864e5, due = new Date(Date.UTC(2024, 1, 28)); const next = new Date(+due + 2 * day);
return [next.toISOString().slice(0, 10), (Date.UTC(2024, 2, 1) - due) / day, due.getUTCDay()];
//// dates by month
const add = (d, n) => { const r = new Date(d); const m = r.getUTCMonth() + n; r.setUTCMonth(m); if (r.getUTCMonth() !== ((m % 12) + 12) % 12) r.setUTCDate(0); return r.toISOString().slice(0, 10); };
return [add("2024-01-31T00:00:00Z", 1), add("2024-03-31T00:00:00Z", -1)];
//// formatted dates
return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(new Date(0));
//// weeks
const week = (d) => { const t = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate())); t.setUTCDate(t.getUTCDate() + 4 - (t.getUTCDay() || 7)); return Math.ceil(((t - Date.UTC(t.getUTCFullYear(), 0, 1)) / 864e5 + 1) / 7); };
return week(new Date("2024-12-30T00:00:00Z"));
//// console
console.log("a", { b: 1 }, [2]); console.error("%s is %d", "x", 5); console.table([{ a: 1 }]); console.info("process done");
return null;
//// nested functions and defaults
const f = (a, { b = a * 2, c: { d = b } = {} } = {}, ...rest) => [a, b, d, rest];
return f(1, { c: {} }, 3, 4);
//// logical assignment and chains
const o = { a: { b: null } }; o.a.b ??= 5; o.x ||= 1; o.x &&= 2;
return [o?.a?.b, o.none?.(), o.none?.[0], o.x];
//// a switch with blocks
const kind = (x) => { switch (typeof x) { case "number": { const r = x > 5 ? "big" : "small"; return r; } case "string": return "text"; default: return "other"; } };
return [kind(9), kind("a"), kind({})];
//// comma and conditional operators
let i = 0, j = 10; while (i < j) i += 2, j--; const r = i > j ? "over" : i === j ? "even" : "under";
return [i, j, r];
//// an immediately called function with this
const self = { n: 5, get() { return (() => this.n)(); } };
return [self.get(), (function () { return this?.n; }).call(self)];
//// streams
const stream = new ReadableStream({ start(c) { c.enqueue("a"); c.enqueue("b"); c.close(); } });
const parts = []; for await (const p of stream) parts.push(p);
return parts;
//// abort
const c = new AbortController(); const p = new Promise((_, no) => c.signal.addEventListener("abort", () => no(new Error("stopped")))); c.abort();
return await p.catch((e) => e.message);
