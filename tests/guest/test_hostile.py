"""Code that replaces the language under the bootstrap harms only itself."""

from __future__ import annotations

import pytest

from onehop.workers.protocol import Result
from tests.guest.worker import RunGuest

VALUE = "{a: [1, 'two', {b: null}], m: new Map([['k', new Set([3n])]]), d: new Date(0)}"
EXPECTED = {"a": [1, "two", {"b": None}], "m": {"k": ["3"]}, "d": "1970-01-01T00:00:00.000Z"}

OVERRIDES = {
    "JSON": "JSON.stringify = JSON.parse = () => 'forged'; globalThis.JSON = null",
    "Promise": "globalThis.Promise = null",
    "Promise.prototype": (
        "for (const k of ['then', 'catch', 'finally', 'constructor']) "
        "Object.defineProperty(Promise.prototype, k, {get() { throw 'forged' }})"
    ),
    "a then that forges": "Promise.prototype.then = function (f) { f('forged') }",
    "Symbol.species": (
        "for (const C of [Promise, Array, Map, Set, ArrayBuffer, Object.getPrototypeOf(Int8Array)])"
        "Object.defineProperty(C, Symbol.species, {get() { throw 'forged' }})"
    ),
    "Object": "for (const k of Object.getOwnPropertyNames(Object)) "
    "{ try { Object[k] = () => { throw 'forged' } } catch {} }",
    "Object.prototype setters": (
        "for (const k of ['value', 'get', 'set', 'writable', 'enumerable', 'configurable', 'next',"
        " 'bytes', 'name', 'message', 'stack', 'done', 'depth', 'colors', '0', '1', 'v', 'token',"
        " 'kind', 'size', 'chunks', 'hostObjects', 'transfer'])"
        "Object.defineProperty(Object.prototype, k, {__proto__: null, configurable: true, "
        "set() { globalThis.trapped = k; throw 'forged' }, get() { return undefined }})"
    ),
    "Object.prototype values": (
        "for (const k of ['depth', 'compact', 'quotes', 'seen', 'budget', 'columns', 'transfer'])"
        "Object.defineProperty(Object.prototype, k, {__proto__: null, value: 'forged'})"
    ),
    "Array.prototype": (
        "for (const k of Reflect.ownKeys(Array.prototype)) "
        "{ try { Array.prototype[k] = () => { throw 'forged' } } catch {} }"
    ),
    "Array.prototype setters": (
        "for (let i = 0; i < 20; i++) Object.defineProperty(Array.prototype, i, "
        "{set() { throw 'forged' }, get() { return 'forged' }, configurable: true})"
    ),
    "iterators": (
        "Array.prototype[Symbol.iterator] = Map.prototype[Symbol.iterator] = "
        "Set.prototype[Symbol.iterator] = String.prototype[Symbol.iterator] = "
        "function* () { yield 'forged' };"
        "for (const i of [[].values(), new Map().values(), new Set().values()]) "
        "Object.getPrototypeOf(i).next = () => ({done: true})"
    ),
    "String.prototype": (
        "for (const k of Reflect.ownKeys(String.prototype)) "
        "{ try { String.prototype[k] = () => 'forged' } catch {} }"
    ),
    "toJSON everywhere": (
        "for (const C of [String, Number, Boolean, BigInt]) C.prototype.toJSON = () => 'forged'"
    ),
    "Function.prototype": (
        "for (const k of ['call', 'apply', 'bind', 'toString', 'name']) "
        "Object.defineProperty(Function.prototype, k, {value() { return 'forged' }})"
    ),
    "RegExp.prototype": (
        "for (const k of Reflect.ownKeys(RegExp.prototype)) Object.defineProperty("
        "RegExp.prototype, k, {configurable: true, get() { return () => 'forged' }})"
    ),
    "Map, Set and Date": (
        "for (const C of [Map, Set, WeakMap]) for (const k of Reflect.ownKeys(C.prototype)) "
        "{ try { Object.defineProperty(C.prototype, k, {value: () => 'forged'}) } catch {} };"
        "globalThis.Map = globalThis.Set = null"
    ),
    "Number and Math": (
        "Number.prototype.toString = () => 'forged'; Math.min = () => 0; globalThis.Number = null"
    ),
    "typed arrays": (
        "const T = Object.getPrototypeOf(Uint8Array.prototype);"
        "for (const k of Reflect.ownKeys(T)) { try { Object.defineProperty(T, k, "
        "{configurable: true, get() { return 'forged' }}) } catch {} };"
        "globalThis.Uint8Array = globalThis.ArrayBuffer = null"
    ),
    "Reflect and Proxy": (
        "for (const k of Object.keys(Object.getOwnPropertyDescriptors(Reflect))) "
        "Reflect[k] = () => { throw 'forged' }; globalThis.Proxy = null"
    ),
    "Error": (
        "Error.captureStackTrace = () => { throw 'forged' }; Error.isError = () => false;"
        "Error.prepareStackTrace = () => { throw 'forged' }; Error.stackTraceLimit = -1;"
        "globalThis.Error = globalThis.TypeError = null"
    ),
    "text encoders": (
        "TextEncoder.prototype.encode = TextEncoder.prototype.encodeInto = "
        "TextDecoder.prototype.decode = () => 'forged'"
    ),
    "globals": (
        "for (const k of Reflect.ownKeys(globalThis)) "
        "{ if (k !== 'console') try { globalThis[k] = null } catch {} }"
    ),
    "the prototype of globals": "Object.setPrototypeOf(globalThis, null)",
    "symbols": "globalThis.Symbol = null",
    "async functions": (
        "Object.setPrototypeOf(Object.getPrototypeOf(async () => {}), null);"
        "Object.getPrototypeOf(function* () {}).prototype.next = () => ({done: true})"
    ),
}


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", OVERRIDES)
def test_overriding_does_not_break_the_result(name: str, run: RunGuest) -> None:
    # The value is made first, because the overrides would break the guest's own code.
    code = f"const value = {VALUE}, {{log}} = console;\n{OVERRIDES[name]};\nlog('x'); return value"
    run_ = run(code)
    assert run_.output == EXPECTED
    assert run_.lines == ["x"]


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", OVERRIDES)
def test_overriding_does_not_break_an_error(name: str, run: RunGuest) -> None:
    run_ = run(f"const e = new RangeError('real');\n{OVERRIDES[name]};\nthrow e")
    assert (run_.failure.name, run_.failure.message) == ("RangeError", "real")
    if name != "Error":
        assert run_.failure.line == 1


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", OVERRIDES)
def test_overriding_does_not_break_the_console(name: str, run: RunGuest) -> None:
    code = f"""const value = {VALUE}, {{log, table, count, group, dir}} = console;
    {OVERRIDES[name]};
    log(value); log('%s %d %j', 'x', 1, value.a); table(value.a); count(); group('g'); dir(value);
    log('end')"""
    run_ = run(code)
    assert isinstance(run_.end, Result), run_.end
    assert run_.lines[0].startswith("{")
    assert run_.lines[-1] == "  end"


def test_everything_at_once(run: RunGuest) -> None:
    names = [name for name in OVERRIDES if name not in ("Array.prototype", "globals")]
    tries = "".join(f"try {{ {OVERRIDES[name]} }} catch {{}}\n" for name in names)
    run_ = run(f"const value = {VALUE}, {{log}} = console;\n{tries}log('x'); return value")
    assert run_.output == EXPECTED
    assert run_.lines == ["x"]


def test_a_returned_thenable_cannot_answer_twice(run: RunGuest) -> None:
    code = """
    return {then(resolve, reject) { resolve('first'); resolve('second'); reject('third');
            throw 'fourth' }}"""
    assert run(code).output == "first"


def test_nothing_runs_after_the_answer(run: RunGuest) -> None:
    code = """
    const value = {get a() { Promise.reject(1); queueMicrotask(() => console.log('late'));
                             setTimeout(() => console.log('later')); return 1 }};
    return value"""
    run_ = run(code)
    assert (run_.output, run_.logs) == ({"a": 1}, [])


def test_events_on_the_global_object_do_not_forge_an_end(run: RunGuest) -> None:
    code = """
    addEventListener('unhandledrejection', e => e.preventDefault());
    addEventListener('error', e => e.preventDefault());
    addEventListener('beforeunload', e => e.preventDefault());
    Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 500));
    return 'forged'"""
    assert run(code).failure.message == "lost"


def test_removing_the_listeners_silences_only_the_run_itself(run: RunGuest) -> None:
    code = """
    for (const s of Object.getOwnPropertySymbols(globalThis)) globalThis[s] = undefined;
    await new Promise(() => {})"""
    assert not isinstance(run(code).end, Result)


def test_a_context_named_by_the_code_itself_is_allowed(run: RunGuest) -> None:
    assert run("const context = 5; return context", context={"a": 1}).output == 5
    assert run("context.b = 2; return context", context={"a": 1}).output == {"a": 1, "b": 2}
    output = run("return context", context={"__proto__": {"x": 1}, "toJSON": 1}).output
    assert output == {"__proto__": {"x": 1}, "toJSON": 1}


def test_sloppy_code_runs(run: RunGuest) -> None:
    assert run("x = 017; return [x, typeof this, arguments.length]").output == [15, "object", 0]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "code",
    [
        "const a = []; while (true) a.push(new Array(1e6).fill(1.5))",
        "let s = 'x'; while (true) s += s + '\\u1234'",
    ],
)
def test_running_out_of_memory_is_an_end_without_an_answer_or_a_range_error(
    code: str, run: RunGuest
) -> None:
    run_ = run(code)
    assert run_.end is None or run_.failure.name == "RangeError"
