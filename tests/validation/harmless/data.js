//// sum by key
const orders = [{ who: "ann", total: 10 }, { who: "bob", total: 5 }, { who: "ann", total: 7 }];
return orders.reduce((sums, { who, total }) => ({ ...sums, [who]: (sums[who] ?? 0) + total }), {});
//// group with Object.groupBy
return Object.groupBy([1, 2, 3, 4], (n) => (n % 2 ? "odd" : "even"));
//// group with a Map
const groups = new Map();
for (const word of "the quick brown fox the lazy dog".split(" ")) { const k = word.length; groups.set(k, [...(groups.get(k) ?? []), word]); }
return groups;
//// pivot
const rows = [["jan", "a", 1], ["jan", "b", 2], ["feb", "a", 3]];
const pivot = {};
for (const [month, kind, n] of rows) (pivot[month] ??= {})[kind] = n;
return pivot;
//// join two tables
const users = [{ id: 1, name: "ann" }, { id: 2, name: "bob" }], posts = [{ user: 2, title: "x" }];
const byId = new Map(users.map((u) => [u.id, u]));
return posts.map((p) => ({ ...p, user: byId.get(p.user)?.name ?? null }));
//// deduplicate by key
const seen = new Set();
return [{ id: 1 }, { id: 2 }, { id: 1 }].filter(({ id }) => !seen.has(id) && seen.add(id));
//// sort by several keys
const people = [{ n: "b", a: 1 }, { n: "a", a: 2 }, { n: "a", a: 1 }];
return people.toSorted((x, y) => x.n.localeCompare(y.n) || x.a - y.a);
//// top n
const top = (list, n, by) => [...list].sort((a, b) => by(b) - by(a)).slice(0, n);
return top([{ v: 3 }, { v: 9 }, { v: 5 }], 2, (x) => x.v);
//// statistics
const xs = [2, 4, 4, 4, 5, 5, 7, 9];
const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
const sd = Math.sqrt(xs.reduce((s, x) => s + (x - mean) ** 2, 0) / xs.length);
const sorted = xs.toSorted((a, b) => a - b), mid = sorted.length >> 1;
return { mean, sd, median: sorted.length % 2 ? sorted[mid] : (sorted[mid - 1] + sorted[mid]) / 2 };
//// percentiles
const percentile = (list, p) => { const s = [...list].sort((a, b) => a - b); const i = (s.length - 1) * p; const lo = Math.floor(i); return s[lo] + (s[Math.min(lo + 1, s.length - 1)] - s[lo]) * (i - lo); };
return [0.5, 0.9, 0.99].map((p) => percentile(Array.from({ length: 100 }, (_, i) => i), p));
//// histogram
const counts = Array(5).fill(0);
for (const x of [0.1, 0.5, 0.55, 0.9, 0.95]) counts[Math.min(4, Math.floor(x * 5))]++;
return counts;
//// linear regression
const pts = [[1, 2], [2, 4.1], [3, 6.2]];
const n = pts.length, sx = pts.reduce((s, [x]) => s + x, 0), sy = pts.reduce((s, [, y]) => s + y, 0);
const sxy = pts.reduce((s, [x, y]) => s + x * y, 0), sxx = pts.reduce((s, [x]) => s + x * x, 0);
const slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
return { slope, intercept: (sy - slope * sx) / n };
//// moving average
const series = [1, 2, 3, 4, 5, 6], k = 3;
return series.slice(k - 1).map((_, i) => series.slice(i, i + k).reduce((a, b) => a + b) / k);
//// flatten nested data
const flatten = (node, path = "") => Object.entries(node).flatMap(([key, v]) => (v && typeof v === "object" ? flatten(v, `${path}${key}.`) : [[path + key, v]]));
return Object.fromEntries(flatten({ a: { b: 1, c: { d: 2 } }, e: 3 }));
//// unflatten
const tree = {};
for (const [path, value] of Object.entries({ "a.b": 1, "a.c.d": 2 })) {
  const parts = path.split("."), last = parts.pop();
  parts.reduce((o, k) => (o[k] ??= {}), tree)[last] = value;
}
return tree;
//// deep equality
const same = (a, b) => Object.is(a, b) || (typeof a === "object" && typeof b === "object" && a && b && Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((k) => same(a[k], b[k])));
return [same({ a: [1] }, { a: [1] }), same({ a: 1 }, { a: 2 })];
//// difference of two lists
const before = new Set([1, 2, 3]), after = new Set([2, 3, 4]);
return { gone: [...before.difference(after)], come: [...after.difference(before)] };
//// chunk
const chunk = (list, size) => Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
return chunk([1, 2, 3, 4, 5], 2);
//// matrix product
const A = [[1, 2], [3, 4]], B = [[5, 6], [7, 8]];
return A.map((row) => B[0].map((_, j) => row.reduce((s, x, k) => s + x * B[k][j], 0)));
//// transpose
const m = [[1, 2, 3], [4, 5, 6]];
return m[0].map((_, i) => m.map((row) => row[i]));
//// three nested loops
const out = [];
for (let i = 0; i < 2; i++) for (let j = 0; j < 2; j++) for (let k = 0; k < 2; k++) out.push(i * 4 + j * 2 + k);
return out;
//// binary search
const find = (list, x) => { let lo = 0, hi = list.length - 1; while (lo <= hi) { const mid = (lo + hi) >> 1; if (list[mid] === x) return mid; if (list[mid] < x) lo = mid + 1; else hi = mid - 1; } return -1; };
return find([1, 3, 5, 7, 9], 7);
//// breadth first search
const graph = { a: ["b", "c"], b: ["d"], c: ["d"], d: [] };
const queue = [["a", 0]], depth = {};
while (queue.length) { const [node, d] = queue.shift(); if (node in depth) continue; depth[node] = d; for (const next of graph[node]) queue.push([next, d + 1]); }
return depth;
//// shortest path
const edges = { a: { b: 1, c: 4 }, b: { c: 2, d: 5 }, c: { d: 1 }, d: {} };
const dist = Object.fromEntries(Object.keys(edges).map((k) => [k, Infinity])); dist.a = 0;
const open = new Set(Object.keys(edges));
while (open.size) { const u = [...open].reduce((x, y) => (dist[x] <= dist[y] ? x : y)); open.delete(u); for (const [v, w] of Object.entries(edges[u])) dist[v] = Math.min(dist[v], dist[u] + w); }
return dist;
//// topological order
const deps = { app: ["lib", "log"], lib: ["core"], log: [], core: [] };
const order = [], state = {};
const visit = (n) => { if (state[n]) return; state[n] = 1; deps[n].forEach(visit); order.push(n); };
Object.keys(deps).forEach(visit);
return order;
//// sieve
const limit = 50, composite = new Uint8Array(limit + 1), primes = [];
for (let i = 2; i <= limit; i++) { if (composite[i]) continue; primes.push(i); for (let j = i * i; j <= limit; j += i) composite[j] = 1; }
return primes;
//// greatest common divisor with big integers
let a = 2n ** 64n, b = 2n ** 40n * 3n;
while (b) [a, b] = [b, a % b];
return a;
//// a memo
const memo = new Map();
const fib = (n) => { if (n < 2n) return n; if (!memo.has(n)) memo.set(n, fib(n - 1n) + fib(n - 2n)); return memo.get(n); };
return fib(90n);
//// a queue that ends
const jobs = [1, 2, 3], done = [];
while (true) { const job = jobs.shift(); if (job === undefined) break; done.push(job * 2); }
return done;
//// a loop that ends in a nested loop by label
outer: while (true) { for (const x of [1, 2, 3]) { if (x === 2) break outer; } }
return "out";
//// a loop that ends by return
for (let i = 0; ; i++) { if (i ** 2 > 200) return i; }
//// a loop that ends by an error
const take = (list) => { try { for (;;) { if (!list.length) throw new RangeError("empty"); list.pop(); } } catch (e) { return e.message; } };
return take([1, 2]);
//// do while
let n = 27, steps = 0;
do { n = n % 2 ? 3 * n + 1 : n / 2; steps++; } while (n !== 1);
return steps;
//// currency
const totals = [["EUR", 1234.5], ["USD", 99.99]];
return totals.map(([currency, v]) => new Intl.NumberFormat("en", { style: "currency", currency }).format(v));
//// rounding in cents
const cents = (x) => Math.round((x + Number.EPSILON) * 100) / 100;
return [1.005, 2.675, 10.1].map(cents);
//// invoices
const items = [{ qty: 2, price: 9.99, tax: 0.2 }, { qty: 1, price: 100, tax: 0.1 }];
const net = items.reduce((s, i) => s + i.qty * i.price, 0);
const tax = items.reduce((s, i) => s + i.qty * i.price * i.tax, 0);
return { net, tax, gross: +(net + tax).toFixed(2) };
//// inventory with a Map
const stock = new Map([["a", 5], ["b", 0]]);
for (const [sku, delta] of [["a", -2], ["c", 4]]) stock.set(sku, (stock.get(sku) ?? 0) + delta);
return [...stock].filter(([, n]) => n > 0);
//// a heap
class Heap { #h = []; push(x) { this.#h.push(x); this.#h.sort((a, b) => a - b); return this; } pop() { return this.#h.shift(); } get size() { return this.#h.length; } }
const h = new Heap().push(3).push(1).push(2);
return [h.pop(), h.pop(), h.size];
//// least recently used
class Lru { constructor(n) { this.n = n; this.m = new Map(); } get(k) { if (!this.m.has(k)) return; const v = this.m.get(k); this.m.delete(k); this.m.set(k, v); return v; } set(k, v) { this.m.delete(k); this.m.set(k, v); if (this.m.size > this.n) this.m.delete(this.m.keys().next().value); } }
const c = new Lru(2); c.set("a", 1); c.set("b", 2); c.get("a"); c.set("c", 3);
return [...c.m.keys()];
//// permutations
const permute = (l) => (l.length < 2 ? [l] : l.flatMap((x, i) => permute(l.toSpliced(i, 1)).map((p) => [x, ...p])));
return permute([1, 2, 3]).length;
//// knapsack
const best = Array(11).fill(0);
for (const [w, v] of [[5, 10], [4, 40], [6, 30]]) for (let c = 10; c >= w; c--) best[c] = Math.max(best[c], best[c - w] + v);
return best[10];
//// game of life
let cells = new Set(["1,0", "1,1", "1,2"]);
const neighbours = (c) => { const [x, y] = c.split(",").map(Number); return [-1, 0, 1].flatMap((i) => [-1, 0, 1].map((j) => [x + i, y + j])).filter(([i, j]) => i !== x || j !== y).map(String); };
const candidates = new Set([...cells].flatMap((c) => [c, ...neighbours(c)]));
return [...candidates].filter((c) => { const n = neighbours(c).filter((d) => cells.has(d)).length; return n === 3 || (n === 2 && cells.has(c)); }).sort();
//// levenshtein
const lev = (a, b) => { let row = Array.from({ length: b.length + 1 }, (_, i) => i); for (let i = 1; i <= a.length; i++) { const next = [i]; for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1])); row = next; } return row.at(-1); };
return lev("kitten", "sitting");
//// typed arrays
const samples = Float32Array.from({ length: 8 }, (_, i) => Math.sin(i));
const view = new DataView(new ArrayBuffer(8)); view.setUint32(0, 0xdeadbeef); view.setInt16(4, -2, true);
return [samples.length, view.getUint8(0), view.getInt16(4, true)];
//// context with defaults
const { items = [], options: { limit = 10, sort = "asc" } = {} } = context ?? {};
return items.slice(0, limit).length + sort;
//// computed keys of own objects
const actions = { add: (a, b) => a + b, mul: (a, b) => a * b };
return ["add", "mul"].map((name) => actions[name](2, 3));
//// a dispatcher in this
class Bot { constructor() { this.handlers = {}; } on(k, f) { this.handlers[k] = f; return this; } run(k) { return this[k] ?? this.handlers[k]?.(); } }
return new Bot().on("hi", () => "hello").run("hi");
