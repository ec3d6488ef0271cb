"""Console calls to compare with Node: written by hand, and made at random from a seed."""

# ruff: noqa: E501, RUF001

from __future__ import annotations

from random import Random

_VALUES = r"""
undefined
null
-0
[0, -0, NaN, -Infinity, 1e21, 1e-7, 123456789012345680000]
12345678901234567890n
[1n, -5n, Object(1n)]
'text'
['text', "it's", 'say "x"', `both ' and "`, `all ' " \``, '\n', '\t\\', '\x1d\x7f\x9b', '\0']
['\ud800', 'a\udc00b', '😀', '\u2028', 'é', '\u200b']
{ '\ud800': 1, 'a\nb': 2, "it's": 3, 'a-b': 4, 5: 6, é: 7, '': 8, $a_1: 9 }
Symbol('a b')
[Symbol('a b'), Symbol(), Symbol.iterator, Symbol('x\ny'), Symbol.for('z')]
{ [Symbol('a b')]: 1, [Symbol()]: 2, [Symbol.iterator]: 3 }
Object.defineProperty({ a: 1 }, Symbol('hidden'), { value: 1 })
Object.defineProperty({ a: 1 }, 'hidden', { value: 1 })
{}
[]
[[]]
[{}]
{ a: {} }
{ a: { b: { c: {} } } }
{ a: { b: { c: { d: 1 } } } }
{ a: { b: { c: [] } } }
{ a: { b: { c: [1] } } }
{ a: { b: { c: new Map([[1, 2]]) } } }
{ a: { b: { c: new (class Foo { x = 1 })() } } }
{ a: { b: { c: () => 1 } } }
{ a: { b: { c: new Date(0) } } }
{ a: { b: { c: new Error('e').message } } }
[[[[1]]]]
[[[[]]]]
Array(5)
[1, , 3]
[, , 1, , ]
[undefined, , null]
Object.assign([1, 2], { key: 'v', '-1': 0, [Symbol('s')]: 1 })
Object.assign([], { key: 'v' })
Array.from({ length: 101 }, (_, i) => i)
Array.from({ length: 250 }, (_, i) => i * 1000)
Array.from({ length: 7 }, (_, i) => i)
Array.from({ length: 30 }, (_, i) => 'item ' + i)
Array.from({ length: 30 }, (_, i) => i % 3 ? 'x'.repeat(i) : i)
Array.from({ length: 27 }, (_, i) => ({ i }))
Array.from({ length: 10 }, (_, i) => [i, i + 1])
Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i))
Array.from({ length: 40 }, (_, i) => -i / 3)
Array.from({ length: 12 }, (_, i) => BigInt(i) ** 5n)
Array.from({ length: 12 }, (_, i) => '日本'.repeat(i % 3 + 1))
Array.from({ length: 8 }, (_, i) => i % 2 ? undefined : null)
Array(120).fill()
Array(7).fill('a'.repeat(20))
['a'.repeat(70)]
['a'.repeat(80), 'b']
['a'.repeat(30), 'b'.repeat(30), 'c'.repeat(30)]
{ a: 'a'.repeat(60), b: 1 }
{ a: 'a'.repeat(72) }
{ a: 'a'.repeat(200) }
'a'.repeat(20000).length
{ text: 'line one\nline two\nline three' }
{ text: ('word '.repeat(10) + '\n').repeat(3) }
['line one that is long enough to break\nline two of the text\nline three of the text end']
{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10, k: 11, l: 12, m: 13, n: 14, o: 15 }
{ alpha: 'aaaaaaaaaa', beta: 'bbbbbbbbbb', gamma: 'cccccccccc', delta: 'dddddddddd', e: 'eeee' }
{ alpha: 'aaaaaaaaaa', beta: 'bbbbbbbbbb', gamma: 'cccccccccc', delta: 'ddddddddd' }
{ alpha: 'aaaaaaaaaa', beta: 'bbbbbbbbbb', gamma: 'cccccccccc', delta: 'dd' }
{ alpha: { beta: { gamma: 1 } }, x: [1, [2, [3]]] }
{ alpha: { beta: { gamma: { delta: 1 } } }, x: [1, [2, [3, [4]]]] }
{ a: [{ b: { c: 1 } }], d: [[{ e: 1 }]] }
{ id: 1, name: 'Ada', tags: ['a', 'b'], address: { city: 'London', zip: 'N1' }, active: true }
[{ id: 1, name: 'Ada' }, { id: 2, name: 'Bob' }]
[{ id: 1, name: 'Ada Lovelace', email: 'ada@example.com' }, { id: 2, name: 'Bob', email: null }]
new Map()
new Map([['a', 1], [{ k: 1 }, [2]], [null, undefined], [NaN, -0]])
new Map([['a', new Map([['b', new Map([['c', new Map([['d', 1]])]])]])]])
new Map(Array.from({ length: 120 }, (_, i) => [i, i]))
Object.assign(new Map([['a', 1]]), { extra: 1 })
new Set()
new Set([1, 'a', { b: new Set([2]) }, [3]])
new Set(Array.from({ length: 120 }, (_, i) => i))
new Set(Array.from({ length: 20 }, (_, i) => 'value ' + i))
new Map([['a', 1]]).keys()
new Map([['a', 1]]).values()
new Map([['a', 1]]).entries()
new Set(['a', 1]).values()
new Set(['a', 1]).entries()
[1][Symbol.iterator]()
'ab'[Symbol.iterator]()
'ab'.matchAll(/a/g)
(function* gen() {})()
(async function* gen() {})()
function* gen() {}
async function f() {}
async () => {}
async function* ag() {}
function named() {}
() => {}
class A {}
class A extends Map {}
class extends null {}
(class { static x = 1 })
class A { static [Symbol('s')] = 2 }
Object.assign(function named() {}, { a: 1, b: { c: 2 } })
Object.assign(() => {}, { a: 1 })
Object.setPrototypeOf(function f() {}, null)
Math.max
Math
JSON
Reflect
globalThis.Atomics
new (class Foo { x = 1; #y = 2; get z() { return 3 } })()
new (class Foo extends Map { x = 1 })([[1, 2]])
new (class Foo extends Set {})([1])
new (class Foo extends Array {})(1, 2, 3)
new (class Foo extends Error { constructor() { super('m'); this.stack = 'Foo: m' } })()
new (class extends Date {})(0)
new (class Foo extends RegExp {})('a')
new (class Foo extends Uint8Array {})(2)
new (class Foo extends Promise {})(() => {})
new (class Foo { get [Symbol.toStringTag]() { return 'bar' } })()
new (class Foo { get [Symbol.toStringTag]() { return 'Foo' } })()
{ [Symbol.toStringTag]: 'tag' }
{ [Symbol.toStringTag]: 'tag', a: 1 }
{ [Symbol.toStringTag]: '' }
Object.create({ [Symbol.toStringTag]: 'inherited' })
Object.create(null)
Object.assign(Object.create(null), { a: 1 })
Object.create(Object.create(null))
Object.create({ a: 1 })
Object.create(class Foo {}.prototype)
Object.setPrototypeOf([1], null)
Object.setPrototypeOf(new Map([[1, 2]]), null)
Object.setPrototypeOf(new Set([1]), null)
Object.setPrototypeOf(new Date(0), null)
Object.setPrototypeOf(/a/, null)
new Foo(); function Foo() { this.a = 1 }
{ constructor: 1, a: 2 }
{ constructor: { name: 'Fake' }, a: 2 }
{ __proto__: { constructor: undefined }, a: 2 }
{ get a() { return 1 }, set b(v) {}, get c() { return 1 }, set c(v) {} }
{ ['__proto__']: 1 }
{ toString() { return 'x' } }
{ toJSON() { return 5 } }
{ then() {} }
new Date(0)
new Date(NaN)
[new Date(0), new Date(1e12)]
Object.assign(new Date(0), { x: 1 })
/a+/gi
Object.assign(/a+/gi, { x: 1 })
[/a/, /b/u]
new Boolean(false)
new Number(-0)
new Number(3)
new String('text')
Object.assign(new String('abc'), { x: 1 })
Object(Symbol('s'))
[new String('s'), new Number(1), new Boolean(true)]
new (class Foo extends String {})('a')
new Uint8Array([1, 2, 3])
new Uint8Array(200)
new Uint8Array()
new Float64Array([1.5, -0, NaN])
new BigInt64Array([1n, -2n])
Object.assign(new Uint8Array(2), { x: 1 })
new ArrayBuffer(4)
new ArrayBuffer(0)
new ArrayBuffer(100)
new SharedArrayBuffer(2)
new DataView(new ArrayBuffer(4), 1)
[new ArrayBuffer(2)]
Promise.resolve(4)
Promise.resolve({ a: [1, { b: { c: 1 } }] })
new Promise(() => {})
Object.assign(Promise.resolve(1), { x: 1 })
(() => { const p = Promise.reject(3); p.catch(() => {}); return p })()
new WeakMap()
new WeakSet()
new WeakRef({ a: 1 })
new Proxy({ a: 1 }, {})
new Proxy([1, 2], {})
new Proxy(function f() {}, {})
new Proxy(class A {}, {})
new Proxy({ a: 1 }, { get() { return 'trap' }, ownKeys() { return ['x'] } })
{ p: new Proxy({ a: { b: { c: {} } } }, {}) }
(function () { return arguments })(1, 'a')
(() => { const a = {}; a.a = a; return a })()
(() => { const a = { b: { c: {} } }; a.b.c.a = a; a.b.c.b = a.b; return a })()
(() => { const a = [1]; a.push(a); return a })()
(() => { const m = new Map(); m.set('m', m); return m })()
(() => { const s = new Set(); s.add(s); return s })()
(() => { const a = { n: 1 }; return [a, a] })()
(() => { const a = { n: {} }; a.n.up = a; return { x: a, y: a.n } })()
(() => { class N { constructor(v) { this.v = v; this.next = this } } return new N(1) })()
(() => { const f = () => {}; f.f = f; return f })()
Object.assign(new Error('m'), { stack: 'Error: m' })
Object.assign(new Error('m'), { stack: 'Error: m', code: 7, more: { a: 1 } })
[Object.assign(new Error('m'), { stack: 'Error: m\n    at x' })]
{ e: Object.assign(new Error('m'), { stack: 'Error: m\n    at x' }) }
{ a: { b: { c: Object.assign(new Error('m'), { stack: 'Error: m\n    at x' }) } } }
Object.assign(new TypeError('m'), { stack: undefined })
Object.assign(new TypeError('m'), { stack: '' })
Object.assign(new Error('m', { cause: Object.assign(new Error('c'), { stack: 'Error: c' }) }), { stack: 'Error: m' })
Object.assign(new Error('m', { cause: 'why' }), { stack: 'Error: m' })
Object.assign(new Error('m', { cause: { a: 1 } }), { stack: 'Error: m\n    at y' })
Object.assign(new AggregateError([Object.assign(new Error('a'), { stack: 'Error: a' })], 'm'), { stack: 'AggregateError: m' })
Object.assign(new Error('m'), { name: 'Named', stack: 'Error: m\n    at x' })
Object.assign(new Error('m'), { name: 'Named', stack: 'Named: m\n    at x' })
Object.assign(new (class ValidationError extends Error {})('bad'), { stack: 'Error: bad\n    at x' })
Object.assign(new (class A extends TypeError {})('bad'), { stack: 'TypeError: bad\n    at x' })
Object.assign(Object.setPrototypeOf(new Error('m'), null), { stack: 'Error: m' })
Object.assign(new Error('two\nlines'), { stack: 'Error: two\nlines\n    at x' })
new RangeError('real').name
new URL('https://user:pw@example.com:8080/a/b?c=1&d=2#e')
new URL('a:b')
[new URL('https://e.com')]
{ a: { b: { c: new URL('https://e.com') } } }
new URLSearchParams('a=1&b=2')
new URLSearchParams()
new URLSearchParams('a=' + 'x'.repeat(90))
new URLSearchParams('a=1').keys()
new URLSearchParams('a=1').entries()
[new URLSearchParams('a=1')]
globalThis.undefinedName
[true, false, null, undefined]
[[1, 2, [3, 4, [5, [6]]]], { a: [{ b: [{ c: 1 }] }] }]
{ a: '1', b: "2'", c: `3"'` }
{ f() {}, g: () => {}, h: function () {}, i: class {}, j: async () => {}, k: function* () {} }
{ [Symbol.toPrimitive]() { return 1 } }
{ a: Symbol('x'), [Symbol('k')]: { [Symbol('d')]: 1 } }
{ a: [undefined, null], b: undefined }
{ n: { toString: null } }
{ 'key with spaces': { 'another-key': [1, 2, 3] } }
{ 0: 'a', 1: 'b', length: 2 }
{ a: new Map([[{ a: 1 }, { b: new Set([[1]]) }]]) }
[new Map([['k', { deep: { deeper: { deepest: 1 } } }]])]
[new Set([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])]
new Map([['a'.repeat(40), 'b'.repeat(40)]])
new Set(['a'.repeat(40), 'b'.repeat(40)])
new Map([['a'.repeat(30), 'b'.repeat(30)], ['c', 1]])
[['a', 1], ['b', 2], ['c', 3]]
{ a: [['x', 1], ['y', [1, 2, 3]]] }
[1.5, 2.25, 100, 3, 4, 5, 6, 7, 8, 9, 10]
['apple', 'banana', 'cherry', 'date', 'elderberry', 'fig', 'grape']
[1, 'two', 3, 'four', 5, 'six', 7, 'eight']
[true, false, true, false, true, false, true, false]
[[1, 2, 3], [4, 5, 6], [7, 8, 9]]
Array.from({ length: 5 }, () => Array(5).fill(0))
Array.from({ length: 8 }, () => Array(8).fill('.'))
Array.from({ length: 3 }, (_, i) => ({ id: i, values: Array(10).fill(i) }))
""".strip().splitlines()

_CALLS = r"""
console.log()
console.log('')
console.log('a', 1, [2], { b: null }, undefined, null, -0, 5n, Symbol('s'))
console.log('%s|%s|%s|%s', 'x', { a: { b: 1 } }, Symbol('s'), [1, [2, [3]]])
console.log('%s %s %s %s', 5n, -0, null, undefined)
console.log('%s', () => 1)
console.log('%s', function f() {})
console.log('%s', class A {})
console.log('%s', new (class A { toString() { return 'mine' } })())
console.log('%s', new (class A {})())
console.log('%s', { toString() { return 'own' } })
console.log('%s', new Date(0))
console.log('%s', Object.assign(new Error('m'), { stack: 'Error: m' }))
console.log('%s', Object.create(null))
console.log('%s', [1, 'a', { b: 1 }])
console.log('%s', new Map([[1, 2]]))
console.log('%s', 'a\nb')
console.log('%s', new String('x'))
console.log('%s', new (class A extends String {})('x'))
console.log('%d %d %d %d %d', 42.5, '0x10', 5n, {}, '')
console.log('%d %d', Symbol('x'), -0)
console.log('%d', [])
console.log('%d', null)
console.log('%i %i %i %i', 42.9, '7px', 5n, {})
console.log('%i', Symbol('x'))
console.log('%f %f %f', '3.5x', 1, Symbol('x'))
console.log('%f', 5n)
console.log('%j %j', { a: [1] }, undefined)
console.log('%j', { a: { toJSON() { return 'json' } } })
console.log('%j', (() => { const a = {}; a.a = a; return a })())
console.log('%j', 'text')
console.log('%j', () => 1)
console.log('%O', { a: { b: { c: { d: 1 } } } })
console.log('%O', { a: { b: { c: { d: { e: { f: 1 } } } } } })
console.log('%O %O', 'text', [1, 'x'])
console.log('%o', 'foo')
console.log('%o', 5)
console.log('%o', [1, 'a', { b: 1 }])
console.log('%o', { a: { b: 1 }, f() {} })
console.log('%o', function f() {})
console.log('%o', () => {})
console.log('%o', class A {})
console.log('%o', new Map([[1, { a: 2 }]]))
console.log('%o', new Set([1]))
console.log('%o', new Uint8Array([1, 2]))
console.log('%o', new Proxy({ a: 1 }, {}))
console.log('%o', Symbol('s'))
console.log('%o', Object.assign(new Error('m'), { stack: 'Error: m' }))
console.log('%o', { a: { b: { c: { d: { e: { f: 1 } } } } } })
console.log('%o', new Date(0))
console.log('%o %o', null, undefined)
console.log('%c styled %%', 'color: red')
console.log('%c', 'x', 'y')
console.log('100%', '%s', '%x', 1)
console.log('%', 1)
console.log('%s')
console.log('%s %s', 'a')
console.log('%%', 1)
console.log('%%s', 1)
console.log('%s a', 'b', 'c', { d: 1 })
console.log('50% %s', 'x')
console.log('%x %s', 'a', 'b')
console.log(1, '%s', 2)
console.log({}, '%s', 'x')
console.log('a', 'b\nc', ['b\nc'])
console.log('%s', '%s', 'x')
console.log('a%')
console.log('%5d', 3)
console.log('%.2f', 3.14159)
console.info('i %s', 1); console.warn('w', {}); console.debug('d'); console.error('e')
console.dir({ a: { b: { c: { d: 1 } } } })
console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 })
console.dir({ a: { b: { c: { d: { e: 1 } } } } }, { depth: null })
console.dir([1, 'a'], { showHidden: true })
console.dir('text')
console.dir({ a: 1 }, { depth: Infinity })
console.dir({ a: 1 }, { compact: false })
console.dir({ b: 1, a: 2 }, { sorted: true })
console.dir(Array(200).fill(1), { maxArrayLength: 3 })
console.dir('x'.repeat(50), { maxStringLength: 10 })
console.dir({ a: 'x'.repeat(50), b: 1 }, { breakLength: 20 })
console.dir({ get a() { return 5 } }, { getters: true })
console.dir({ n: 1234567.891 }, { numericSeparator: true })
console.dir(5); console.dir(null); console.dir(undefined)
console.dirxml({ a: 1 }, [2])
console.table([])
console.table({})
console.table([[]])
console.table([{}])
console.table(null); console.table(undefined); console.table(5); console.table('x', ['a'])
console.table([1, 2, 3])
console.table(['a', 'b'])
console.table([[1, 2], [3, 4]])
console.table([[1, 2], 3])
console.table([{ a: 1, b: 'x' }, { a: 2, c: true }])
console.table([{ a: 1, b: 'x' }, { a: 2, c: true }], ['b'])
console.table([{ a: 1, b: 'x' }], ['b', 'a', 'zz'])
console.table([{ a: 1 }], [])
console.table({ a: 1, b: 2 }, ['a'])
console.table({ x: { y: 1, z: 2 }, w: { y: 3 } })
console.table({ x: { y: 1 }, w: 5 })
console.table([1, { a: 2 }, 'x', null, undefined])
console.table(new Map([['k', 1], ['l', { a: 1 }]]))
console.table(new Map([['a', [1, 2]], ['b', [3]]]))
console.table(new Map([[{ a: 1 }, new Map([[1, 2]])]]))
console.table(new Map([[1, 1], [2, 2]]).entries())
console.table(new Map([[1, 1], [2, 2]]).keys())
console.table(new Map([[1, { a: 1 }], [2, 2]]).values())
console.table(new Map())
console.table(new Set())
console.table(new Set([1, 'a', { b: 1 }, [2]]))
console.table(new Set([1, 2]).values())
console.table(new Set([1, 2]).entries())
console.table([{ a: { b: { c: 1 } }, d: [1, 2, 3, 4, 5] }])
console.table([{ a: { b: 1, c: 2, d: 3 }, e: new Map([[1, 2]]), f: () => 1 }])
console.table([{ 日本: '東京', b: 'é' }, { 日本: '😀', b: '한국어' }])
console.table([{ a: 'ｆｕｌｌ' }, { a: 'half' }])
console.table([{ a: 'line\nbreak' }])
console.table([new Date(0), /a/, Symbol('s'), 5n, -0, null])
console.table([new (class Foo { x = 1 })(), new (class Bar { y = 2 })()])
console.table([{ [Symbol('s')]: 1, a: 2 }])
console.table([Object.create({ inherited: 1 })])
console.table(new Uint8Array([5, 6]))
console.table([new Uint8Array([5, 6])])
console.table([{ a: undefined, b: null }])
console.table([['x', 'y'], ['z']], ['0'])
console.table('abc')
console.table([{ value: 'a' }, { Values: 'b' }, 3])
console.table([{ '(index)': 1 }])
console.table((function () { return arguments })(1, 2))
console.table(Object.assign([1, 2], { extra: 3 }))
console.table([, 1])
console.table(new (class Foo { a = 1; b = { c: 2 } })())
console.table(new Map([['x', { a: 1 }], ['y', { b: 2 }]]), ['a'])
console.table(new Set([{ a: 1, b: 2 }]), ['b'])
console.table([{ e: Object.assign(new Error('m'), { stack: 'Error: m' }) }])
console.group('G'); console.log('in\ntwo'); console.log({ a: 'x'.repeat(80), b: 2 }); console.groupEnd(); console.log('out')
console.group(); console.group({ a: 1 }); console.log('deep'); console.groupEnd(); console.groupEnd()
console.group('a', 'b'); console.table([1]); console.groupEnd()
console.group(); console.log(Array.from({ length: 30 }, (_, i) => i)); console.log(Array.from({ length: 40 }, (_, i) => 'item ' + i)); console.groupEnd()
console.group(); console.log({ alpha: 'aaaaaaaaaa', beta: 'bbbbbbbbbb', gamma: 'cccccccccc', delta: 'ddddddddd' }); console.groupEnd()
console.groupEnd(); console.log('x')
console.count('c'); console.count('x'); console.count('c'); console.countReset('c'); console.count('c')
console.count(5); console.count(null); console.count({})
console.assert(true, 'no'); console.assert(false); console.assert(0, 'a %s', 'b'); console.assert(false, { a: 1 })
""".strip().splitlines()


def written() -> list[str]:
    """The calls that were written by hand."""
    return [f"console.log({value})" for value in _VALUES if not value.startswith("new Foo(); ")] + [
        *(f"console.log({{ k: {value} }}, [{value}])" for value in _VALUES[:60:3]),
        *_CALLS,
    ]


_TEXTS = (
    "a",
    "it's",
    "two words",
    "x" * 30,
    "line\\n two",
    'say "hi"',
    "日本語",
    "😀",
    "",
    "\\u0007",
)
_KEYS = ("a", "b", "name", "value", "long_key_name", "'odd key'", "5", "$x", "é", "[Symbol('s')]")


def random_call(random: Random) -> str:
    """One call with one to three values."""
    method = random.choice(("log",) * 8 + ("table", "dir"))
    count = random.choice((1, 1, 1, 2, 3)) if method == "log" else 1
    return f"console.{method}({', '.join(_value(random, 0) for _ in range(count))})"


def _value(random: Random, depth: int) -> str:
    kind = random.choice(_LEAVES if depth > 3 or random.random() < 0.3 else _BRANCHES)
    return kind(random, depth)


def _some(random: Random, depth: int, most: int = 6) -> list[str]:
    return [_value(random, depth + 1) for _ in range(random.randrange(most))]


def _number(random: Random, _depth: int) -> str:
    return str(random.choice((0, 1, -1, 42, 1.5, 1e21, 12345, "-0", "NaN", "7n", 0.1)))


def _text(random: Random, _depth: int) -> str:
    return "`" + random.choice(_TEXTS) * random.choice((1, 1, 1, 2)) + "`"


def _odd(random: Random, _depth: int) -> str:
    return random.choice(
        ("null", "undefined", "true", "Symbol('s')", "new Date(0)", "/x/g", "() => {}", "class A {}",
         "function f() {}", "new Error('e').message", "new URLSearchParams('a=1')", "Math.max")
    )  # fmt: skip


def _object(random: Random, depth: int) -> str:
    keys = random.sample(_KEYS, random.randrange(len(_KEYS)))
    return "{ " + ", ".join(f"{key}: {_value(random, depth + 1)}" for key in keys) + " }"


def _instance(random: Random, depth: int) -> str:
    return f"Object.assign(new (class Foo {{}})(), {_object(random, depth)})"


def _list(random: Random, depth: int) -> str:
    return "[" + ", ".join(_some(random, depth, 8)) + "]"


def _long_list(random: Random, _depth: int) -> str:
    item = random.choice(
        ("i", "i * 37 % 1000", "'v' + i", "'w'.repeat(i % 9)", "[i]", "{ i }", "i / 8")
    )
    return f"Array.from({{ length: {random.randrange(5, 120)} }}, (_, i) => ({item}))"


def _map(random: Random, depth: int) -> str:
    pairs = (f"[{_value(random, depth + 1)}, {_value(random, depth + 1)}]" for _ in range(3))
    return f"new Map([{', '.join(pairs)}])"


def _set(random: Random, depth: int) -> str:
    return f"new Set([{', '.join(_some(random, depth))}])"


_LEAVES = (_number, _text, _text, _odd)
_BRANCHES = (_object, _object, _object, _list, _list, _long_list, _map, _set, _instance)
