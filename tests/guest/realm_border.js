// Objects of each kind with functions on them, for all that the classes of the web take; `own` tells
// what is of the realm that runs this. It stands before a part that calls `attack`.

let noted = 0;
const met = new Set(), held = new WeakSet(), reached = new Set();
const isHeld = (v) => (typeof v === "object" && v !== null) || typeof v === "function";
const note = (name, value, depth = 0) => {
  if (!isHeld(value) || held.has(value)) return;
  held.add(value);
  noted++;
  try {
    if (value instanceof Promise) Promise.prototype.catch.call(value, () => {});
  } catch { /* not one */ }
  if (!own(value)) met.add(name);
  if (depth > 1) return;
  for (const key of Reflect.ownKeys(value)) {
    try {
      note(name + "." + String(key), value[key], depth + 1);
    } catch { /* not allowed */ }
  }
  note(name + ".__proto__", Object.getPrototypeOf(value), depth + 1);
};
const caught = (name, act) => {
  try {
    const value = act();
    note(name + "()", value);
    try {
      if (value instanceof Promise) value.then(() => {}, (e) => note(name + " rejected", e));
    } catch { /* it only inherits */ }
    return value;
  } catch (thrown) {
    note(name + " threw", thrown);
  }
};
const KINDS = {
  object: () => ({}),
  list: () => [],
  bare: () => Object.create(null),
  function: () => () => {},
  async: () => async () => {},
  bytes: () => new Uint8Array(4),
  floats: () => new Float64Array(1),
  buffer: () => new ArrayBuffer(4),
  shared: () => new SharedArrayBuffer(4),
  sharedView: () => new Int32Array(new SharedArrayBuffer(4)),
  view: () => new DataView(new ArrayBuffer(4)),
  growing: () => new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 })),
  resizable: () => new ArrayBuffer(4, { maxByteLength: 8 }),
  detached: () => {
    const b = new ArrayBuffer(4);
    b.transfer();
    return b;
  },
  detachedBytes: () => {
    const v = new Uint8Array(4);
    v.buffer.transfer();
    return v;
  },
  detachedView: () => {
    const v = new DataView(new ArrayBuffer(4));
    v.buffer.transfer();
    return v;
  },
  subclass: () => new (class extends Uint8Array {})(4),
  spied: () => {
    const v = new Uint8Array(4);
    held.add(v.buffer);
    Object.setPrototypeOf(v.buffer, spy);
    return v;
  },
  orphan: () => Object.setPrototypeOf(new Uint8Array(4), null),
  adopted: () => Object.setPrototypeOf(new Uint8Array(4), spy),
  date: () => new Date(),
  pattern: () => /a/,
  map: () => new Map(),
  set: () => new Set(),
  promise: () => Promise.resolve(1),
  proxy: () => new Proxy({}, {}),
  functionProxy: () => new Proxy(() => {}, {}),
  text: () => new String("a"),
  number: () => new Number(1),
  symbol: () => Object(Symbol()),
  error: () => new Error("a"),
  generator: () => (function* () {})(),
  blob: () => new Blob(["a"]),
  event: () => new Event("a"),
  target: () => new EventTarget(),
  subtarget: () => new (class extends EventTarget {})(),
  stream: () => new ReadableStream(),
  exception: () => new DOMException("a"),
  weak: () => new WeakMap(),
  url: () => new URL("x:y"),
};
const spy = new Proxy(Object.prototype, {
  get(target, key, self) {
    note("spied " + String(key), self);
    return Reflect.get(target, key, self);
  },
});
held.add(spy);
held.add(globalThis);
const CALLBACKS = [
  "handleEvent",
  "start",
  "pull",
  "cancel",
  "write",
  "close",
  "abort",
  "transform",
  "flush",
  "size",
  "next",
  "return",
  "throw",
  "then",
  "toString",
  "valueOf",
  "toJSON",
  "call",
  "apply",
  "bind",
  "get",
  "set",
  "forEach",
  "slice",
  "constructor",
  "detail",
  "signal",
];
const SYMBOLS = ["iterator", "asyncIterator", "toPrimitive", "species", "hasInstance"];
SYMBOLS.push(Symbol.for("nodejs.util.inspect.custom"), Symbol.for("Deno.privateCustomInspect"));
const armed = (kind, value, keys) => {
  held.add(value);
  for (const key of keys) {
    try {
      Object.defineProperty(value, SYMBOLS.includes(key) ? Symbol[key] ?? key : key, {
        configurable: true,
        writable: true,
        value: function (...args) {
          if (isDone || ++calls > 400) return key === "next" ? { done: true } : undefined;
          reached.add(kind);
          [this, ...args].forEach((v) => note(kind + "." + String(key), v));
          for (const name of ["enqueue", "error", "close", "terminate", "item"]) {
            if (typeof args[0]?.[name] === "function") caught(name, () => args[0][name](raw()));
          }
          if (key === "iterator" || key === "asyncIterator") return value;
          if (key === "next") return { value: raw(), done: ++turns % 4 === 0 };
          if (key === "then" && typeof args[0] === "function") return args[0](1);
          if (key === "start" && mode === "throw") throw raw();
          return key === "toPrimitive" || key === "toString" ? "a" : undefined;
        },
      });
    } catch { /* it is fixed */ }
  }
  return value;
};
let raw = () => ({ p: Promise.resolve(1), f() {}, b: new Uint8Array(1) });
let isDone = false, mode = "", turns = 0, calls = 0;
async function attack(kind, make, keys) {
  calls = 0;
  const one = () => armed(kind, make(), keys);
  raw = () =>
    Object.assign(armed(kind, make(), keys.filter((k) => k !== "then")), { p: Promise.resolve(1) });
  const target = new EventTarget();
  caught(kind, () => target.addEventListener("a", one()));
  caught(kind, () => target.addEventListener("a", () => {}, one()));
  caught(kind, () => target.dispatchEvent(new MessageEvent("a", { data: one() })));
  caught(kind, () => target.dispatchEvent(new CustomEvent("a", one())));
  caught(kind, () => note(kind, new CustomEvent("a", { detail: one() }).detail));
  const { signal } = caught(kind, () => {
    const c = new AbortController();
    c.abort(one());
    return c;
  });
  caught(kind, () => note(kind, signal.reason));
  caught(kind, () => signal.throwIfAborted());
  const listened = new AbortController();
  caught(kind, () => listened.signal.onabort = one());
  caught(kind, () => listened.abort(one()));
  caught(kind, () => AbortSignal.any(one()));
  for (mode of ["", "throw"]) {
    const streams = [() => new ReadableStream(one(), one()), () => ReadableStream.from(one())];
    if (mode === "") {
      streams.push(() => new ReadableStream(Object.assign(one(), { type: "bytes" })));
    }
    for (const open of streams) {
      const reader = caught(kind, () => caught(kind, open).getReader());
      if (reader === undefined) continue;
      caught(kind, () => reader.read());
      caught(kind, () => reader.cancel(one()));
    }
    const writer = caught(kind, () => new WritableStream(one(), one()).getWriter());
    caught(kind, () => writer.write(one()));
    caught(kind, () => writer.abort(one()));
    const through = caught(kind, () => new TransformStream(one(), one()));
    caught(kind, () => through.writable.getWriter().write(one()));
    caught(kind, () => through.readable.getReader().read());
    caught(kind, () => through.readable.pipeTo(one(), one()));
  }
  for (
    const call of [
      () => new URL(one()),
      () => new URLSearchParams(one()),
      () => new Blob(one()),
      () => new Blob([one()], one()),
      () => new File([one()], one()),
      () => new TextDecoder(one()),
      () => new TextDecoder().decode(one(), one()),
      () => new TextEncoder().encode(one()),
      () => new TextEncoder().encodeInto("a", one()),
      () => crypto.getRandomValues(one()),
      () => crypto.subtle.digest(one(), one()),
      () => crypto.subtle.digest("SHA-256", one()),
      () => crypto.subtle.importKey("raw", one(), one(), true, one()),
      () => atob(one()),
      () => new URLPattern(one()),
      () => performance.mark("a", { detail: one() }).detail,
      () => performance.measure("a", one()),
      () => new URLSearchParams("a=1").forEach(one(), one()),
      () => EventTarget.prototype.dispatchEvent.call(one(), one()),
      () => structuredClone(one()),
      () => new CompressionStream("gzip").writable.getWriter().write(one()),
      () => Reflect.construct(Event, [one()], one()),
      () => console.log(new CustomEvent("a", { detail: one() })),
    ]
  ) caught(kind, call);
  for (let i = 0; i < 30; i++) await null;
}
