"""Both compilers that a compiler's process has make the same of a program."""

from __future__ import annotations

import pytest

from tests.compiler.test_programs import FEATURES
from tests.guest.worker import Run, RunGuest, run_guest

BOTH = "\nnamespace Both {}"
"""With it, TypeScript's own compiler is asked."""

FIELDS_LAST = "fields that need parameter properties"

PROGRAMS = {
    # TypeScript's compiler defines the fields first.
    **{name: code for name, (code, _) in FEATURES.items() if name != FIELDS_LAST},
    "a thrown error": (
        "type A = 1\nfunction f<T>(x: T): never { throw new RangeError(`${x}`) }\n"
        "/* 😀 */ f<string>('é')"),
    "a missing property": "const a: { b?: { c: number } } = {};\nreturn (a.b as any)!.c.d",
    "no function": "interface F { (x: number): void }\nconst f = 1 as unknown as F;\n  f(2)",
    "an error in a method": (
        "abstract class A { private x = 1; abstract m(): void }\n"
        "class B extends A {\n  override m(): void { (this as any).y.z }\n}\nnew B().m()"),
    "an error in a callback": "const xs: number[] = [1];\nxs.map((x: number): number =>\n  x!.y.z)",
    "an error later": (
        "const wait = (): Promise<void> => new Promise(r => setTimeout(r, 1));\n"
        "await wait();\n\tnull!.x"),
    "an error with a cause": "throw new Error('a' as string, { cause: new TypeError('b') })",
    "a redeclaration": "let a: number = 1;\nlet a: string = 'b'",
    "await in a plain function": "function f(): void {\n  await g()\n}",
    "sloppy mode": (
        "undeclared = 5 as number;\nconst f = function (): any { return this };\n"
        "return [undeclared, f() === globalThis]"),
    "statements that end in types": (
        "let a: number\nlet b = 2 as number\nconst c = [1]\n"
        "type D = 1\n[a] = c\nreturn [a, b] as number[]"),
    "fields that end in types": (
        "class A {\n  a: number\n  b = 1\n  private ['c'] = 2\n"
        "  static e?: string\n  [k: string]: unknown\n}\n"
        "return [Object.keys(new A()), Object.keys(A)]"),
    "generic calls and comparisons": (
        "const f = <T, U>(x: T, y?: U): T => x, a = 1, b = 2, c = 3;\n"
        "return [f<number, string>(1), f(a < b, c > (2)), a < b && c > (2), a < b ? c > b : b]"),
    "names that are keywords elsewhere": (
        "const type = 1, of = 2, as = 3;\n"
        "const o = { type, as, readonly: 5, get: 6, private: 7 };\n"
        "return [o.type! + as, of as number, o]"),
    "an arrow on another line": "const f = (x: number):\n  number => x;\nreturn f(1)",
    "a stack in the console": (
        "class A { f(): void { console.log(new Error('x'), 1 as any) } }\n  new A()!.f()"),
    "operators in all their brackets": (
        "const a: number = 2, b = 3, o = { p: { q: 4 } as any, get r() { return 5 } };\n"
        "return [(-a) ** 2, (a, b), -(-a), +(+b), - -a, typeof (() => {}), !(a in [1, 2, 3]),\n"
        "  (a || b) && 0, a ?? (b || 1), (o?.p).q, new (class { x = 1 })().x, (0, o.r), void 0,\n"
        "  a ** (b ** 1), (a ** b) ** 2, a-- - --b, a + +b, 0..toFixed(1), (1).toFixed(), `${a}`,\n"
        "  (a => a)(1), (function () { return 7 })(), ((x: any) => ({ x }))(1).x]"),
    "literals": (
        "return ['\\u{1F600}\\x41\\0', `a\\u0041\\n`, String.raw`\\x`, /[/]\\/\\u2028/giu.source,\n"
        "  1_000, 0b11, .5, 5., 1e21,\n"
        "  0xFFn, 9007199254740993, 'it\\'s', \"\\\"\", '\\ud800'.length]"),
    "statements of every kind": (
        "const out: any[] = [];\nouter: for (var i: number = 0, j = 9; i < j; i++, j--) {\n"
        "  if (i === 1) continue outer; else if (i > 3) break outer\n  out.push(i) }\n"
        "do out.push('d'); while (out.length < 4)\nfor (const k in { a: 1, b: 2 }) out.push(k)\n"
        "switch (out.length as number) { case 1: break; default: out.push('s'); case 2: { } }\n"
        "try { throw out } catch { out.push('c') } finally { out.push('f') }\n;;\n"
        "{ function hoisted() { return 1 } }\nout.push(typeof hoisted)\nreturn out"),
    "classes of every kind": (
        "class A<T = 1> { static #n = 0; static { A.#n = 5 } static get n() { return A.#n }\n"
        "  get = 1; set = 2; static async = 3; async *g() { yield* [1] } ['c' + 1]() { return 9 }\n"
        "  'a b'?: number = 1; 5 = 6; declare z: T; #p?: T; has(o: any) { return #p in o } }\n"
        "const a = new A(), B = class extends A { override get = 7 }\n"
        "return [A.n, a.get, A.async, (a as any).c1(), a['a b'], a[5], a.has(a), new B().get,\n"
        "  B.name, Object.keys(a)]"),
}  # fmt: skip


def _seen(run: Run) -> object:
    return run.end, run.lines


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", PROGRAMS)
def test_both_compilers_make_the_same_of_a_program(name: str, run: RunGuest) -> None:
    code = PROGRAMS[name]
    given = {"language": "typescript", "context": {"n": 7}}
    one, other = run(code, **given), run(code + BOTH, **given)
    assert _seen(one) == _seen(other)


@pytest.fixture
def run() -> RunGuest:
    return run_guest
