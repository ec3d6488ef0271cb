"""What keeps one realm of a process from the others, and from the main realm that they share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from onehop.workers.protocol import Failure, Log, Result, encode_job
from tests.guest.worker import LIMITS, Worker, run_guest


class Realms:
    """A process that has realms."""

    def __init__(self) -> None:
        self.worker = Worker(patience=120, isolation="realm")

    def run(self, code: str, **context: Any) -> Any:
        """The answer to a job."""
        self.worker.send(
            encode_job(
                token="t",
                code=code,
                context_json=json.dumps(context).encode(),
                capture=True,
                limits_json=json.dumps(LIMITS),
            )
        )
        while isinstance(message := self.worker.read("t"), Log):
            pass
        return message

    def output(self, code: str, **context: Any) -> Any:
        """Of a run after which another may follow."""
        answer = self.run(code, **context)
        assert isinstance(answer, Result), answer
        assert answer.again
        return answer.output


@pytest.fixture
def realms() -> Iterator[Realms]:
    made = Realms()
    yield made
    made.worker.close()


NAMED = {
    r"return typeof \u0055RL + typeof con\u{73}ole + typeof s\u0065lf": "functionobjectobject",
    "return ['set', 'Timeout'].join('') in globalThis": True,
    "return (function () { return typeof this['UR' + 'L'] })()": "function",
    "return typeof self['to' + 'ols']['$li' + 'st']": "function",
    "return Object.getOwnPropertyNames(globalThis).length > 130": True,
    "try { x } catch (e) { return e.message }; Deno": "x is not defined",
    "return typeof structuredClone(new Map())": "object",
    "return [typeof WebAssembly, typeof fetch]": ["undefined", "undefined"],
}
"""A realm has only the globals that its code may look at."""


@pytest.mark.sample(3)
@pytest.mark.parametrize("code", NAMED)
def test_code_finds_each_global_however_it_writes_the_name(realms: Realms, code: str) -> None:
    assert realms.output("return 1 + 1") == 2
    assert realms.output(code) == NAMED[code]


def test_what_the_engine_brings_is_ours_or_gone_in_code_that_names_nothing(realms: Realms) -> None:
    # A getter of the language's own gives the global object without a word for it.
    found = "Object.defineProperty(Object.prototype, 'found', { get: Object.prototype.valueOf });"
    looked = "const all = found; return ['conso' + 'le', 'queueMicro' + 'task', 'Web' + 'Assembly']"
    assert realms.output(f"{found} {looked}.map((name) => typeof all[name])") == ["undefined"] * 3
    wait = "const wait = all['Ato' + 'mics']['wait' + 'Async']; return String(wait)"
    assert "native code" not in realms.output(f"{found} const all = found; {wait}")


POLLUTING = [
    "globalThis.left = 1; var alsoLeft = 1; return 1",
    "Object.prototype.left = 1; return 1",
    "Array.prototype.map = () => 'mine'; return 1",
    "Promise.prototype.then = null; Promise.resolve = null; return 1",
    "JSON.parse = () => 'mine'; JSON.stringify = () => 'mine'; return 1",
    "Error.prepareStackTrace = () => 'mine'; Error.stackTraceLimit = 0; return 1",
    "console.log = null; delete globalThis.console; setTimeout = null; return 1",
    "URL.prototype.left = 1; URL.left = 1; URL = null; return 1",
    "TextEncoder.prototype.encode = () => 'mine'; return 1",
    "performance.mark('left'); performance.left = 1; return 1",
    "EventTarget.prototype.dispatchEvent = null; crypto.left = crypto.subtle.left = 1; return 1",
    "Function.prototype.call = Function.prototype.apply = null; return 1",
    "Symbol.prototype.left = 1; Map.prototype.get = null; RegExp.prototype.exec = null; return 1",
    "tools.left; ToolError.prototype.left = 1; return 1",
    "globalThis.self = null; for (const key of Reflect.ownKeys(globalThis)) "
    "{ try { delete globalThis[key] } catch {} } return 1",
]
CLEAN = """
const seen = [typeof left, typeof alsoLeft, ({}).left, [1, 2].map((x) => x + 1)];
seen.push(await Promise.resolve(3).then((x) => x), JSON.parse('{"a":1}').a, JSON.stringify([1]));
seen.push(new Error('x').stack.includes('code.js'), typeof console.log, typeof setTimeout);
seen.push(new URL('http://a/').href, URL.left, new URL('x:y').left);
seen.push([...new TextEncoder().encode('a')], performance.getEntries().length, performance.left);
seen.push(crypto.left, crypto.subtle.left, ToolError.prototype.left, Symbol.iterator.left);
new EventTarget().dispatchEvent(new Event('x'));
seen.push(/a/.exec('a')[0], Math.max.call(null, 1, 2), RegExp.$_ === 'a', self === globalThis);
return seen;"""


@pytest.mark.sample(5)
@pytest.mark.parametrize("code", POLLUTING)
def test_what_a_run_changes_is_not_there_in_the_next_one(realms: Realms, code: str) -> None:
    before = realms.output(CLEAN)
    assert realms.output(code) == 1
    assert realms.output(CLEAN) == before


def test_a_context_is_made_of_the_runs_own_objects(realms: Realms) -> None:
    code = """
    const all = [context, context.list, context.list[0]];
    return all.map((x) => x instanceof Object).concat(context.list instanceof Array)"""
    assert realms.output(code, list=[{}]) == [True, True, True, True]


WALK = """
const foreign = [], seen = new Set(), queue = [['globalThis', globalThis]];
function look(name, value) {
  try {
    for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
      if (at === Object.prototype || at === Function.prototype) return;
    }
    if (Object.getPrototypeOf(value) !== null) foreign.push(name);
  } catch { /* a Proxy that was revoked */ }
}
function add(name, get) {
  let value;
  try { value = get() } catch (thrown) { value = thrown; name += '!' }
  try { if (value instanceof Promise) value.catch(() => {}) } catch { /* it only inherits */ }
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
    if (!seen.has(value)) queue.push([name, value]);
    seen.add(value);
  }
}
while (queue.length > 0) {
  const [name, value] = queue.pop();
  look(name, value);
  let keys = [];
  try { keys = Reflect.ownKeys(value) } catch { continue }
  for (const key of keys) {
    const found = Object.getOwnPropertyDescriptor(value, key), path = name + '.' + String(key);
    add(path, () => value[key]);
    add('get ' + path, () => found.get);
    add('set ' + path, () => found.set);
  }
  add(name + '.__proto__', () => Object.getPrototypeOf(value));
  if (typeof value === 'function' && !/^(set|console|queueMicrotask)/.test(name)) {
    add(name + '()', () => value());
    add('new ' + name, () => new value());
    add(name + '.call', () => value.call({}, {}, {}));
  }
}
return { count: seen.size, foreign }"""


@pytest.mark.sample(1)
@pytest.mark.parametrize("fixed", ["null", '{"seed":1,"clock":1}'])
def test_every_object_that_the_code_can_reach_is_of_its_own_realm(fixed: str) -> None:
    """A walk over properties, prototypes, accessors, and what functions return and throw."""
    output = run_guest(WALK, isolation="realm", capture=False, fixed=fixed).output
    assert output["foreign"] == []
    assert output["count"] > 3000


OWN = """
const own = (value) => {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return true;
  for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
    if (at === Object.prototype) return true;
  }
  return false;
};
"""
FULL_STACK = """
const met = [];
const deep = (act) => {
  try { return deep(act) } catch { /* back up, a little at a time */ }
  try { act() } catch (thrown) { if (!own(thrown)) met.push(String(thrown)) }
};
const acts = [
  () => setTimeout(() => {}, 0), () => clearTimeout(1), () => console.log({a: [1]}),
  () => structuredClone({a: [1]}), () => new URL('http://a/?b=c').searchParams.get('b'),
  () => new TextEncoder().encode('x'), () => atob('%'), () => crypto.getRandomValues([]),
  () => performance.mark('x'), () => new AbortController().abort(), () => performance.now(),
  () => new EventTarget().dispatchEvent(new Event('x')), () => tools.a.b(), () => new Blob([1]),
  () => Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0),
  () => { throw new Error().stack }, () => console.table([{a: 1}]), () => queueMicrotask(() => {}),
];
for (const act of acts) deep(act);
return met"""


def test_an_error_of_a_full_stack_is_the_codes_own_wherever_it_occurs() -> None:
    run = run_guest(OWN + FULL_STACK, isolation="realm", log_entries=100, patience=60)
    assert run.output == []


CALLED_BACK = """
const met = [];
const note = (name, ...values) => values.forEach((v) => { if (!own(v)) met.push(name) });
const target = new EventTarget();
target.addEventListener('x', function (event) {
  note('listener', this, event, event.target, event.composedPath(), arguments);
});
target.addEventListener('x', { handleEvent(event) { note('handler', this, event) } });
target.dispatchEvent(new CustomEvent('x', { detail: {} }));
const thenable = () => ({ then(...args) { note('then', this, ...args); args[0]() } });
const stream = new ReadableStream({
  start(controller) { note('start', this, controller); return thenable() },
  pull(controller) {
    note('pull', this, controller);
    controller.enqueue({ a: 1 }); controller.close();
    return thenable();
  },
});
for await (const chunk of stream) note('chunk', chunk);
const reader = new ReadableStream({ pull() { throw new Error('no') } }).getReader();
try { await reader.read() } catch (thrown) { note('thrown', thrown) }
try { await crypto.subtle.digest('nothing', new Uint8Array()) } catch (e) { note('digest', e) }
note('digested', await crypto.subtle.digest('SHA-256', new Uint8Array([1])));
const writer = new WritableStream({ write(...args) { note('write', this, ...args) } }).getWriter();
await writer.write([1]); note('closed', writer.closed, writer.ready);
const signal = AbortSignal.abort({ why: 1 }); note('reason', signal.reason);
signal.onabort = function (e) { note('onabort', this, e) };
const searching = new URLSearchParams({ a: 1 });
searching.forEach(function (...args) { note('forEach', this, ...args) });
for (const pair of searching) note('pair', pair); note('entries', searching.entries());
note('url', new URL('http://a/').searchParams); note('file', await new Blob(['x']).bytes());
const { port1, port2 } = new MessageChannel();
const got = new Promise((done) => { port1.onmessage = (e) => { note('port', e, e.data); done() } });
port2.postMessage({ a: new Map() }); await got;
new Proxy({}, {}); note('clone', structuredClone(new Map([[{}, [new Date()]]])));
note('error', ...['x'].map((x) => { try { new URL(x) } catch (e) { return e } }));
return met"""


def test_what_is_handed_to_callbacks_and_comes_back_is_the_codes_own() -> None:
    assert run_guest(OWN + CALLED_BACK, isolation="realm").output == []


def test_the_same_object_comes_back_from_the_platform_as_itself() -> None:
    code = """
    const detail = { a: 1 }, listener = () => calls++, target = new EventTarget();
    let calls = 0;
    target.addEventListener('x', listener); target.removeEventListener('x', listener);
    const event = new CustomEvent('x', { detail });
    target.addEventListener('x', (e) => seen.push(e === event, e.target === target));
    const seen = []; target.dispatchEvent(event);
    const frozen = Object.freeze({ reason: Object.freeze([1]) });
    const signal = AbortSignal.abort(frozen);
    class Mine extends EventTarget { #secret = 5; get secret() { return this.#secret } }
    const mine = new Mine();
    return [calls, event.detail === detail, signal.reason === frozen, ...seen, mine.secret,
            mine instanceof EventTarget, new URL('x:y') instanceof URL,
            new TextEncoder().encode('a') instanceof Uint8Array]"""
    expected = [0, True, True, True, True, 5, True, True, True]
    assert run_guest(code, isolation="realm").output == expected


ENDING = {
    "a timer": "setTimeout(() => {}, 60000); return 1",
    "an interval": "setInterval(() => {}, 1000); return 1",
    "a signal that will abort": "AbortSignal.timeout(60000); return 1",
    "a registry of objects": "new FinalizationRegistry(() => {}); return 1",
    "a registry by another way": (
        "new (new FinalizationRegistry(() => {}).constructor)(() => {}); return 1"
    ),
    "a wait": "Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0); return 1",
    "work that the value begins": "return { get a() { setTimeout(() => {}, 9000); return 1 } }",
    "a rejection": "return { get a() { Promise.reject(1); return 1 } }",
    "a stream that reads": "new Blob(['x'.repeat(1e6)]).arrayBuffer(); setTimeout(()=>{}, 500); "
    "return 1",
}


@pytest.mark.sample(4)
@pytest.mark.parametrize("code", ENDING.values(), ids=ENDING)
def test_no_run_follows_one_that_leaves_something_behind(realms: Realms, code: str) -> None:
    answer = realms.run(code)
    assert isinstance(answer, Result)
    assert not answer.again


def test_no_run_follows_one_that_fails(realms: Realms) -> None:
    answer = realms.run("throw new Error('no')")
    assert isinstance(answer, Failure)


def test_what_runs_late_is_not_heard_in_the_time_of_another_run(realms: Realms) -> None:
    code = """
    const say = async () => { for (let i = 0; i < 50; i++) { await null; console.log('late') } };
    return { get a() { say(); return 1 } }"""
    assert realms.output(code) == {"a": 1}
    realms.worker.send(
        encode_job(
            token="t",
            code="return 2",
            context_json=b"{}",
            capture=True,
            limits_json=json.dumps(LIMITS),
        )
    )
    answer = realms.worker.read("t")
    assert isinstance(answer, Result)
    assert answer.output == 2


def test_a_hundred_runs_leave_no_memory_behind(realms: Realms) -> None:
    from pathlib import Path

    def resident() -> int:
        text = Path(f"/proc/{realms.worker.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) // 1024

    code = "globalThis.kept = Array.from({ length: 2e4 }, (_, i) => ({ i })); return 1"
    for _ in range(10):
        realms.output(code)
    before = resident()
    for _ in range(90):
        realms.output(code)
    assert resident() < before + 60
