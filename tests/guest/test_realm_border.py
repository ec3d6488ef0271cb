"""No object of the code's gets to the main realm as it is, and none comes from there.

The web's classes get objects of each kind, and call what is on them with what they have.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guest.test_realms import OWN, Realms
from tests.guest.worker import run_guest


@pytest.fixture
def realms() -> Iterator[Realms]:
    made = Realms()
    yield made
    made.worker.close()


EXOTIC = Path(__file__).with_name("realm_border.js").read_text("utf-8")
WHOLE = """
for (const [kind, make] of Object.entries(KINDS)) {
  for (const keys of [[...CALLBACKS.filter((k) => k !== 'then'), ...SYMBOLS], ['then', 'start']]) {
    await attack(kind, make, keys);
  }
}
isDone = true;
return { met: [...met], reached: [...reached], noted }"""
INHERITED = """
const left = ['toJSON', 'get', 'set', 'then', 'constructor', 'toString', 'valueOf', 'call', 'apply',
  'bind', 'forEach', 'slice'];
const put = CALLBACKS.filter((key) => !left.includes(key));
for (const place of [Object, Function, Array, Uint8Array, ArrayBuffer, Promise, DataView, Proxy]) {
  if (place.prototype) armed('inherited', place.prototype, put);
}
for (const key of ['get', 'value']) {
  Object.defineProperty(Object.prototype, key, { configurable: true,
    set() {}, get() {
      if (!isDone) note('descriptor', Object.getOwnPropertyDescriptor(this, 'value')?.value);
    } });
}
await attack('inherited', () => () => {}, []);
await attack('inherited', () => ({}), []);
await attack('inherited', () => new Uint8Array(4), []);
isDone = true;
delete Object.prototype.get; delete Object.prototype.value;
return { met: [...met], reached: [...reached], noted }"""


CALLED_ON = (
    "object list function async bytes floats buffer shared sharedView view growing resizable "
    "detached detachedBytes detachedView subclass spied orphan adopted date map promise proxy error"
).split()


def test_no_kind_of_object_brings_its_callbacks_something_of_the_main_realms() -> None:
    output = run_guest(OWN + EXOTIC + WHOLE, isolation="realm", capture=False, patience=100).output
    assert output["met"] == []
    assert set(output["reached"]) >= set(CALLED_ON)
    assert output["noted"] > 3000


def test_nothing_that_the_code_puts_on_its_prototypes_is_called_with_the_main_realms_objects() -> (
    None
):
    output = run_guest(
        OWN + EXOTIC + INHERITED, isolation="realm", capture=False, patience=100
    ).output
    assert output["met"] == []
    assert output["reached"] == ["inherited"]


PLANTING = """
const caught = [];
const collect = function (...args) { caught.push(this, ...args) };
const bytes = () => Object.assign(new Uint8Array(1), {
  handleEvent: collect, start: collect, pull: collect, write: collect, transform: collect,
});
const target = new EventTarget();
target.addEventListener('a', bytes());
target.dispatchEvent(new MessageEvent('a', { data: 1 }));
new ReadableStream(bytes()); new TransformStream(bytes());
await new WritableStream(bytes()).getWriter().write(1);
try { new ReadableStream({ start() { throw { p: Promise.resolve() } } }) } catch (e) {
  caught.push(e.p);
}
const seen = new Set(caught);
for (const value of seen) {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) continue;
  for (const key of Reflect.ownKeys(value)) {
    try { seen.add(value[key]) } catch { /* it wants another object */ }
  }
  seen.add(Object.getPrototypeOf(value));
  try { value.planted = 1 } catch { /* frozen */ }
  for (const key of ['data', 'name', 'planted', 'message']) {
    try {
      Object.defineProperty(value, key, { get() { return 'planted' }, set() {} });
    } catch { /* frozen */ }
  }
}
return seen.size"""
INNOCENT = """
const names = [];
for (const act of [() => new URL('::'), () => atob('%'), () => new Event(), () => null.x]) {
  try { act() } catch (e) { names.push(e.name, e.planted, typeof e.message, e.constructor.planted) }
}
const { port1, port2 } = new MessageChannel();
const got = new Promise((done) => { port1.onmessage = (e) => done(e.data) });
port2.postMessage({ secret: 1 });
const { secret } = await got; port1.close();
const event = new MessageEvent('a', { data: 2 });
return { names, secret, data: event.data, planted: [event.planted, URL.planted, [].planted] }"""


def test_three_runs_share_nothing_after_one_has_tried_to_plant_it(realms: Realms) -> None:
    before = realms.output(INNOCENT)
    assert realms.output(PLANTING) > 100
    assert realms.output(INNOCENT) == before
    assert realms.output(INNOCENT) == before


def test_bytes_stay_the_codes_own_and_what_is_written_to_them_is_seen() -> None:
    code = """
    const bytes = Object.assign(new Uint8Array(new ArrayBuffer(8), 2, 4), { mine: 1 });
    const { written } = new TextEncoder().encodeInto('abcdef', bytes);
    const wide = crypto.getRandomValues(new Uint32Array(64)), buffer = new ArrayBuffer(2);
    const stream = new ReadableStream({
      start(c) { c.enqueue(bytes); c.enqueue(buffer); c.close() },
    });
    const chunks = []; for await (const chunk of stream) chunks.push(chunk);
    const view = new DataView(new Uint8Array([104, 105, 106]).buffer, 1, 2);
    const given = new Uint8Array(2);
    const reader = new ReadableStream({
      type: 'bytes', pull(c) { c.enqueue(new Uint8Array([7, 8])) },
    }).getReader({ mode: 'byob' });
    const { value } = await reader.read(given);
    return [[...new Uint8Array(bytes.buffer)], written, wide.some((x) => x > 0xffff),
      chunks[0] === bytes, chunks[1] === buffer, new TextDecoder().decode(view),
      await new Blob([view, buffer.slice(1), bytes]).size, [...value], given.buffer.detached,
      new CustomEvent('a', { detail: bytes }).detail.mine]"""
    expected = [
        [0, 0, 97, 98, 99, 100, 0, 0],
        4,
        True,
        True,
        True,
        "ij",
        7,
        [7, 8],
        True,
        1,
    ]
    assert run_guest(code, isolation="realm").output == expected


def test_a_source_of_bytes_fills_the_view_that_it_is_asked_to_fill() -> None:
    code = """
    const stream = new ReadableStream({ type: 'bytes', pull(controller) {
      const { view } = controller.byobRequest;
      seen.push(view instanceof Uint8Array, view.buffer instanceof ArrayBuffer);
      if (turn++ === 0) { view.set([1, 2]); return controller.byobRequest.respond(2) }
      view[0] = 3; controller.byobRequest.respondWithNewView(view.subarray(0, 1));
    } });
    const seen = []; let turn = 0;
    const reader = stream.getReader({ mode: 'byob' });
    const first = await reader.read(new Uint8Array(4));
    const second = await reader.read(new DataView(new ArrayBuffer(1)));
    return [[...first.value], second.value.getUint8(0), seen]"""
    output = run_guest(code, isolation="realm").output
    assert output == [[1, 2], 3, [True, True, True, True]]


def test_an_instance_of_the_webs_classes_hears_events_by_its_own_method() -> None:
    code = """
    class Counter extends EventTarget {
      heard = 0;
      handleEvent(event) { this.heard += event.target === this ? 1 : 100 }
    }
    const counter = new Counter();
    counter.addEventListener('a', counter);
    counter.dispatchEvent(new Event('a'));
    counter.removeEventListener('a', counter);
    counter.dispatchEvent(new Event('a'));
    return counter.heard"""
    assert run_guest(code, isolation="realm").output == 1


def test_what_is_shown_by_the_platform_is_not_seen_by_the_codes_array_methods() -> None:
    code = """
    const met = [], { iterator } = Symbol;
    for (const key of [iterator, 'map', 'slice', 'includes', 'shift', 'push', 'join']) {
      const call = Array.prototype[key];
      Array.prototype[key] = function (...args) {
        for (let i = 0; i < this.length; i++) if (!own(this[i])) met[met.length] = String(key);
        return Reflect.apply(call, this, args);
      };
    }
    console.log(new Event('a'), new Blob(['a']), new URL('x:y'), new AbortController());
    return met"""
    assert run_guest(OWN + code, isolation="realm").output == []
