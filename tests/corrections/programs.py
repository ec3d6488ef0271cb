"""Programs, and what they give without and with the repair of what is missing."""

# ruff: noqa: RUF001 - marks that look like others are what some of them are about

from __future__ import annotations

WHOLE_JS = """\
return 1
return
return { a: 1 }
return [1, 2].map((x) => x * 2)
const a = 1; return a
let a = 1⏎return a
if (true) { return 1 } else { return 2 }
if (true) return 1; 2
for (const x of [1, 2, 3]) { if (x === 2) return x }⏎"none"
for (let i = 0; ; i++) if (i > 3) return i
while (true) { return 7 }
do { return 1 } while (true)
switch (2) { case 1: return "a"; default: return "b" }⏎"never"
try { return JSON.parse("[1]") } catch { return null } finally { }
try { throw 1 } catch (e) { return e }⏎5
outer: for (;;) { for (;;) { break outer } }⏎return "out"
label: { return 4 }
const f = () => { return 1 };⏎return f()
function f() { return 1 }⏎return f()
return (() => { return 3 })()
return await Promise.resolve(5)
return `a⏎b`
return /return/.test("return")
return "```js⏎".length
return "a" // comment
return "a" /* comment⏎over lines */
return function () { return 1 }.call()
// return⏎return 1
/* return */ return 1
const s = `⏎return 5`;⏎return s
const o = { return: 1 };⏎return o.return
return⏎1
return { a: [⏎  1,⏎] };
class A { m() { return 1 } }⏎return new A().m()
const { a, ...rest } = { a: 1, b: 2 };⏎return rest
return [..."añ😀"].length
return context
return typeof context
var x = 1;{ var x = 2 }⏎return x
return 0b101 + 0o17 + 0xff + 1_000
return 1 /2/ 1
return a;⏎function a() {}
x: return 1
{ return 1 }
{{ return 1 }}
return x;⏎var x = 1
return new.target === undefined
return [,1].length
return null ?? "b"
return (1, 2)
console.log("a")
console.log("a"); console.error("b");
console.table([{ a: 1 }])
let a⏎a = 5
let a = 1⏎a++
let a = 1⏎a += 1⏎
const o = { a: 1 }⏎delete o.a
void 0
const a = 1
const a = 1;⏎;;
let n = 0⏎for (let i = 0; i < 3; i++) n += i
class A {}
if (true) { 1 }
[1].forEach((x) => console.log(x))
throw new Error("no")
throw new TypeError("a\\nb")
"use strict"
"use strict";⏎return (function () { return this === undefined })()
// only a comment
/* only */⏎// comments
;
{ }
{}
{ const a = 1; console.log(a) }
(a, b) => a + b
function* g() { yield 1 }
function* () { yield 1 }
var a = 1, b = 2
try { console.log("x") } finally { }
await null; console.log("done")
setTimeout(() => console.log("late"), 1)
queueMicrotask(() => console.log("micro"))
return 1 +
const = 5
(
}
const a = `unterminated
return undefinedName
undefinedCall(1); return 1
return context.a.b
null.x; return 1
const a = 1; a = 2; return a
return JSON.parse("{")
const a = {}; a.a = a; return JSON.stringify(a)
return new Array(-1)
return eval("1")
import x from "y"
label: 5
debugger
return import.meta
#!/usr/bin/env node⏎return 1
<!-- html⏎return 1
```python⏎print(1)⏎```
```js⏎return 1⏎```⏎```js⏎return 2⏎```
`template`; return 1
if (a) { b c }
for (a of b) { x y }
Here is code:⏎```python⏎print(1)⏎```
const a = 5;⏎```js⏎return a⏎```
""".strip("\n").split("\n")
"""JavaScript that is not changed."""

WHOLE_TS = """\
const a: number = 1; return a
interface A { x: number }⏎const a: A = { x: 1 };⏎return a
type T = string | number;⏎return ("a" as T)
enum E { A, B }⏎return E.B
enum E { A, B }
namespace N { export const a = 1 }
return <any>5
return (x: number): number => x
abstract class A { abstract m(): void }⏎return 1
declare const z: number;⏎return 1
let a!: number;⏎a = 5
function f(a: string): void; function f(a: any) {}⏎return f("x")
const f = <T,>(x: T): T => x;⏎return f(4)
return 5 satisfies number
class P { constructor(public x: number) {} }⏎return new P(3)
if (1 as number) { return 1 }⏎2
type Only = number
(a: number, b: number) => a + b
return 1 +
const x: = 5
""".strip("\n").split("\n")
"""TypeScript that is not changed."""

REPAIRED_JS = """\
1 + 1 => 2
42; => 42
"hello" => "hello"
`a${1 + 1}` => "a2"
`a⏎b` => "a\\nb"
[1, 2, 3] => [1, 2, 3]
({ a: 1 }) => {"a": 1}
{ a: 1 } => {"a": 1}
{ "a": 1, "b": [2] } => {"a": 1, "b": [2]}
{ a: 1, ...{ b: 2 } } => {"a": 1, "b": 2}
const t = 3⏎{ total: t } => {"total": 3}
const t = 3;⏎t => 3
const t = 3; t; => 3
const t = 3⏎⏎t⏎⏎ => 3
const t = 3⏎t // comment => 3
const t = 3⏎t /* a⏎b */ => 3
/* a */ 5 /* b */; // c => 5
const t = 3\r⏎t\r⏎ => 3
\ufeff5 => 5
"añ😀"; "😀".length => 2
await Promise.resolve(5) => 5
await (async () => 6)() => 6
(async () => { return 7 })() => 7
(async () => { return 7 })(); => 7
(() => 8)() => 8
;(function () { return 9 })() => 9
(async function () { return 10 }()) => 10
!function () { return 1 }() => false
async () => { return 11 } => 11
async () => { return 11 }; // done => 11
() => 12 => 12
(() => 12) => 12
((() => 12)) => 12
async function () { return 13 } => 13
function named() { return 14 } && 1 => null
(function () { return 15 }) => 15
(context) => context => {}
ctx => Object.keys(ctx).length => 0
({ a = 5 }) => a => 5
async (options = { a: 1 }) => options.a => null
(...all) => all.length => 1
"use strict";⏎() => 16 => 16
function main() { return 17 } => 17
async function main(context) { return typeof context } => "object"
async function run() { await null; return 18 } => 18
async function handler({ a }) { return a === undefined } => true
async function main() { return 19 }⏎main() => 19
async function main() { return 19 }⏎await main(); => 19
main()⏎async function main() { return 20 } => 20
function a() { return 1 }⏎a()⏎function b() { return 2 }⏎function c() {} => 1
const f = function () { return 1 };⏎f() => 1
Promise.resolve(21).then((x) => x + 1) => 22
[3, 1, 2]⏎  .sort()⏎  // in order⏎  .map((x) => x * 2) => [2, 4, 6]
const a = [1, 2]⏎a.reduce((x, y) => x + y, 0) => 3
const a = [1, 2];[a.length] => [2]
const s = `⏎return 5⏎`⏎s.trim() => "return 5"
const o = { return: 1 }⏎o.return => 1
// return⏎1 => 1
"return" => "return"
if (false) { console.log(1) } "after" => "after"
let x = 1⏎x, x + 1 => 2
(1, 2) => 2
true ? "a" : "b" => "a"
null ?? "b" => "b"
typeof 5 => "number"
!0 => true
-5 => -5
new Date(0) => "1970-01-01T00:00:00.000Z"
new Map([["a", 1]]) => {"a": 1}
new (class { x = 1 })() => {"x": 1}
/a/.test("a") => true
/a/g => "/a/g"
1 /2/ 1 => 0.5
context => {}
context.missing => null
context?.a?.b => null
JSON.stringify({ a: 1 }) => "{\\"a\\":1}"
String.raw`\\n` => "\\\\n"
(x => x * 2)(4) => 8
[..."ab"].map((c) => { return c.toUpperCase() }) => ["A", "B"]
[1, 2, 3].filter((x) => {⏎return x > 1⏎}) => [2, 3]
(() => {⏎return 5⏎})() => 5
() => {⏎return 5⏎} => 5
() => {⏎return {⏎a: 5⏎}⏎} => {"a": 5}
class A { m() { return 1 } }⏎new A().m() => 1
const { a } = { a: 1 }⏎a => 1
for (const x of [1]) { }⏎"done" => "done"
try { null.x } catch { }⏎"caught" => "caught"
label: for (;;) { break label }⏎"x" => "x"
switch (1) { case 1: break }⏎5 => 5
console.log("a"); 5 => 5
  const indented = 1⏎  indented => 1
var a = 1; var b = 2⏎a + b => 3
import.meta && 1 => null
```js⏎return 1⏎``` => 1
```⏎return 1⏎``` => 1
~~~js⏎return 1⏎~~~ => 1
````js⏎return "```"⏎```` => "```"
⏎⏎```javascript title="x.js"⏎return 1⏎```⏎⏎ => 1
```js⏎return 1 => 1
```js⏎return 1``` => 1
```js\r⏎return 1\r⏎```\r⏎ => 1
```js⏎1 + 1⏎``` => 2
```js⏎async () => {⏎  return 5⏎}⏎``` => 5
```js⏎const s = `a`⏎s⏎``` => "a"
```JS⏎[1]⏎``` => [1]
```tool_code⏎return 1⏎``` => 1
```ts,ignore⏎return 1⏎``` => 1
```{.js}⏎return 1⏎``` => 1
```js return 1``` => 1
```return 1``` => 1
return 1;⏎```⏎ => 1
Here is the code:⏎```js⏎return 1⏎``` => 1
Here's `x`, as you asked:⏎⏎```⏎const x = 1⏎x⏎```⏎It gives one. Run it! => 1
# Result⏎~~~js⏎return 1 => 1
<script>⏎return 1⏎</script> => 1
<tool_code>return 1</tool_code> => 1
#!/usr/bin/env node⏎5 => 5
```js⏎#!/usr/bin/env node⏎5⏎``` => 5
function f() { return 1 } => 1
async main() { return 1 } => 1
help(x) { return x }⏎main(context) {⏎  return help(2)⏎} => 2
async (context) { return typeof context } => "object"
export default async run() { return 3 } => 3
function f() { return 4 }⏎f => 4
Use `map()` like this:⏎```js⏎return 1⏎``` => 1
Sure! ```js⏎return 1⏎``` => 1
```js⏎return 1⏎``` done => 1
const a = () => 1;⏎() => a() => 1
const a = 1⏎class B { c = a }⏎async function solve() { return new B().c } => 1
function twice(x) { return x * 2 }⏎const main = async () => twice(4) => 8
function twice(x) { return x * 2 }⏎const main = async () => twice(4); // done => 8
const RATE = 0.2;⏎function main() { return 100 * RATE } => 20
function a() { return b() }⏎function b() { return 1 } => 1
function main() { return help() }⏎function help() { return 2 }⏎function unused() { return 3 } => 2
function main() { return main.length }⏎function run() { return 2 } => 0
function main(a, b = 2) { return typeof a + b } => "object2"
function main() { const one = await 1; return one } => 1
() => { return await 1 } => 1
const data = { n: 2 };⏎export default function (context) { return data.n } => 2
export default async () => 3 => 3
export default class A {} => null
export const a = 1;⏎export default a => 1
export async function main() { return 4 } => 4
export { main as default };⏎function main() { return 5 } => 5
function main() { return 6 }⏎module.exports = main => 6
function main() { return 7 }⏎module.exports = { main }; => 7
exports.handler = async (event) => Object.keys(event).length => 0
export default 5 => 5
module.exports = 5 => 5
const total = 3;⏎{ total, ok: true } => {"total": 3, "ok": true}
const a = 3⏎{ a, inner: { a, list: [a] } }; // done => {"a": 3, "inner": {"a": 3, "list": [3]}}
const a = 1, b = 2⏎{ a, b } => {"a": 1, "b": 2}
const a = 1;⏎{ a } => {"a": 1}
const a = 1; { a, "b c": 2, [`d`]: 3 } /* end */ => {"a": 1, "b c": 2, "d": 3}
const a = 1;⏎[{ a, b: 2 }] => [{"a": 1, "b": 2}]
{ ...context, ok: true } => {"ok": true}
if (1 &lt; 2 &amp;&amp; true) return &quot;a &amp; b&quot; => "a & b"
if (1 &lt; 2) return "<b>&amp;".length => null
if (1 &lt; 2) return "<b>" => "<b>"
return “it’s” => "it’s"
return ‘a’ + “b” => "ab"
return 5 – 3 => 2
return [...[1], …[2]].length => 2
return （1 ＋ 2）； => 3
return\u200b 1 => 1
const s = “–”; return s.replace(/–/, “—”) => "—"
const re = /[“”]/g; const s = '“'; re.test(s) => true
""".strip("\n").split("\n")
"""JavaScript that is repaired, and what it gives then. Behind ``=> null`` it fails all the same."""

REPAIRED_TS = """\
const a: number = 1⏎a => 1
5 as number => 5
(5 satisfies number) => 5
const a: number | undefined = 5⏎a! => 5
async (): Promise<number> => 5 => 5
(context: Record<string, unknown>) => Object.keys(context) => []
({ a }: { a?: number }) => a ?? 4 => 4
async function main(): Promise<string> { return "m" } => "m"
interface A { x: number }⏎const a: A = { x: 1 }⏎a.x => 1
[1].map(f)⏎function f(x: number): string { return `${x}` } => ["1"]
f(2)⏎type T = number⏎interface I { a: T }⏎function f(x: T) { return x } => 2
enum E { A, B }⏎E.B => 1
<any>5 => 5
((x: number) => x * 2)(4) => 8
{ a: 1 as number } => {"a": 1}
```ts⏎const a: number = 3⏎a⏎``` => 3
interface P { n?: number }⏎async function main(c: P): Promise<number> { return c.n ?? 3 } => 3
type T = { n?: number }⏎async ({ n }: T = {}) => n ?? 4 => 4
enum E { A = 5 }⏎const main = (c: unknown): E => E.A => 5
type T = number⏎declare const z: number⏎function solve(this: void, c?: T) { return 6 } => 6
interface I {}⏎abstract class B implements I {}⏎const solve = function () { return 6 } => 6
namespace N { export const a = 7 }⏎export default function run(): number { return N.a } => 7
export interface I {}⏎export async function main(c: I): Promise<any> { return typeof c } => "object"
#!/usr/bin/env -S deno run⏎const x: number = 8; x => 8
const total: number = 9⏎{ total, ok: true } => {"total": 9, "ok": true}
const a: string = “it’s” + ‘!’⏎a => "it’s!"
""".strip("\n").split("\n")
"""TypeScript that is repaired."""


def written(line: str) -> str:
    """The program that stands on a line of these lists."""
    return line.replace("⏎", "\n")
