import assert from "node:assert/strict";
import { quoteChunks } from "../../../src/onehop/guest/values_quoted.js";
import { encodeValue } from "../../../src/onehop/guest/values.js";

const ROOM = 1 << 20;

/** The text of a value, in however many chunks it was written. */
function textOf(value, keep = ROOM) {
  const encoded = encodeValue(value, keep);
  if (encoded.chunks === null) return encoded.text;
  return decode(encoded.chunks);
}

function decode(chunks) {
  const decoder = new TextDecoder();
  let text = "";
  for (let chunk = chunks; chunk !== null; chunk = chunk.next) {
    text += decoder.decode(chunk.bytes, { stream: true });
  }
  return text;
}

const TEXTS = [
  ["null", null, "null"],
  ["undefined", undefined, "null"],
  ["NaN", NaN, "null"],
  ["-Infinity", -Infinity, "null"],
  ["-0", -0, "0"],
  ["a large number", 1e21, "1e+21"],
  ["a bigint", 2n ** 64n, '"18446744073709551616"'],
  ["a symbol", Symbol("s"), '"Symbol(s)"'],
  ["a quote and a line break", 'a"\n', '"a\\"\\n"'],
  ["a lone surrogate", "a\ud800", '"a\ufffd"'],
  ["a date", new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ["a date that is none", new Date(NaN), "null"],
  ["a regular expression", /a+/g, '"/a+/g"'],
  ["a Map with text as keys", new Map([["a", 1]]), '{"a":1}'],
  ["a Map with other keys", new Map([[1, 2]]), "[[1,2]]"],
  ["a Set", new Set([1, "b"]), '[1,"b"]'],
  ["a generator", [1, 2].values().map((x) => x * 2), "[2,4]"],
  ["a hole", [1, , 3], "[1,null,3]"],
  ["bytes", new Uint8Array([1, 255]), "[1,255]"],
  ["a buffer", new Uint8Array([7]).buffer, "[7]"],
  ["a boxed number", Object(3), "3"],
  ["a promise", Promise.resolve(1), '"[Promise]"'],
  ["URLSearchParams", new URLSearchParams("a=1&b=2"), '"a=1&b=2"'],
  ["toJSON with its key", { a: { toJSON: (key) => key + "!" } }, '{"a":"a!"}'],
  ["a getter that throws", {
    get a() {
      throw new Error("no");
    },
  }, '{"a":"[Threw: no]"}'],
];

for (const [name, value, text] of TEXTS) {
  Deno.test("JSON of " + name, () => assert.equal(textOf(value), text));
}

Deno.test("a circle is told and ends", () => {
  const circle = { a: 1 };
  circle.self = circle;
  assert.equal(textOf(circle), '{"a":1,"self":"[Circular]"}');
});

Deno.test("depth beyond the bound is told", () => {
  let deep = 1;
  for (let i = 0; i < 200; i++) deep = [deep];
  assert.equal(textOf(deep), "[".repeat(100) + '"[Truncated]"' + "]".repeat(100));
});

Deno.test("a large value in chunks is what JSON.stringify gives", () => {
  const value = Array.from({ length: 5000 }, (_, i) => ({ i, text: "ü".repeat(i % 20), ok: true }));
  const encoded = encodeValue(value, ROOM);
  assert.notEqual(encoded.chunks, null);
  const text = decode(encoded.toChunks());
  assert.equal(text, JSON.stringify(value));
  assert.equal(encoded.size, new TextEncoder().encode(text).length);
});

Deno.test("work ends soon after the budget is used up", () => {
  const endless = (function* () {
    for (;;) yield "x".repeat(1000);
  })();
  const encoded = encodeValue(endless, 100_000);
  assert.ok(encoded.size > 100_000 && encoded.size < 300_000, String(encoded.size));
});

Deno.test("inexact integers are told with their places", () => {
  const { inexact, text } = encodeValue({ a: [2 ** 60] }, ROOM);
  assert.equal(inexact.toText(), "output.a[0]");
  assert.equal(text, '{"a":[1152921504606847000]}');
});

Deno.test("JSON text becomes one JSON string", () => {
  const value = { a: 'b"\\c', d: "é" };
  const { chunks, size } = quoteChunks(encodeValue(value, ROOM).toChunks(), ROOM);
  assert.deepEqual(JSON.parse(JSON.parse(decode(chunks))), value);
  assert.equal(size, new TextEncoder().encode(decode(chunks)).length);
});

Deno.test("a cut string has whole characters only", () => {
  const { chunks } = quoteChunks(encodeValue("aé", ROOM).toChunks(), 3);
  assert.equal(JSON.parse(decode(chunks)), '"a');
});

Deno.test("a guest's methods on prototypes see nothing of the work", () => {
  const seen = [];
  const { push } = Array.prototype;
  Array.prototype.push = function (...items) {
    seen.push(items);
    return push.apply(this, items);
  };
  Object.defineProperty(Array.prototype, 0, { configurable: true, set: (v) => seen.push(v) });
  let text;
  try {
    text = textOf([{ a: new Map([["k", new Set(["v"])]]) }]);
  } finally {
    Array.prototype.push = push;
    delete Array.prototype[0];
  }
  assert.equal(text, '[{"a":{"k":["v"]}}]');
  assert.deepEqual(seen, []);
});

/** The same numbers for the same seed. */
function randomFrom(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

const LEAVES = [
  ...[null, true, 0, -0, 1.5, 1e300, 5e-324, NaN, Infinity, 2 ** 53, -(2 ** 60), 2n ** 70n],
  ...["", "text", 'a"\\\n\x00\x7f', "é\u2028😀", "a\ud800", "\udc00\ud800", "\\ud800", "\\\\udfff"],
  ...[undefined, Symbol("s"), () => 1, /x/g, new Date(0), Object(7), JSON.rawJSON("1e999")],
];
const HOLDERS = [
  (value) => ({ id: 1, name: "n", value }),
  (value) => [value, [value], 2],
  (value) => ({ 2: value, 1: value, b: 0, "": value }),
  (value) => Object.assign(Object.create(null), { value }),
  (value) => JSON.parse('{"__proto__":{"x":1},"toString":2}', (k, v) => k === "x" ? value : v),
  (value) => Object.fromEntries([["k\ud800", value], ["k\udc00", 1]]),
  (value) => [value, , value],
  (value) => Object.assign([value], { extra: 1 }),
  (value) => Object.assign([], { extra: value }),
  (value) => ({ [Symbol("hidden")]: value }),
  (value) => Object.defineProperty({}, "hidden", { value }),
  (value) => Object.defineProperty({ a: 1 }, "hidden", { value }),
  (value) => ({
    get own() {
      return value;
    },
  }),
  (value) => ({
    get thrower() {
      throw value;
    },
  }),
  (value) => ({ toJSON: () => [value] }),
  (value) => ({ toJSON: value }),
  (value) =>
    new (class Made {
      field = value;
    })(),
  (value) => new Proxy({ a: value }, {}),
  (value) => new Proxy([value], {}),
  (value) => new Proxy({ a: value }, { ownKeys: () => ["b"] }),
  (value) => new Map([["a", value]]),
  (value) => new Map([[value, 1]]),
  (value) => new Set([value]),
  (value) => [value].values(),
  (value) => new Uint8Array([value === true, 2]),
  (value) => Array.from({ length: 90 }).reduce((inner) => [inner], value),
  (value) => Array.from({ length: 98 }).reduce((inner) => ({ inner }), value),
  (value) => Array.from({ length: 120 }).reduce((inner) => [inner], value),
  (value) => {
    const circle = { value };
    circle.self = [circle];
    return circle;
  },
];

/** Half of it is plain, so that there is something for V8's encoder. */
function anyValue(random, depth = 0) {
  if (random(2)) return { id: random(1000), text: LEAVES[13 + random(3)], tags: ["x", null, 0.5] };
  if (depth > 2 || !random(3)) return LEAVES[random(LEAVES.length)];
  return HOLDERS[random(HOLDERS.length)](anyValue(random, depth + 1));
}

function manyValues(seed, count) {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => anyValue(random));
}

const told = (encoded) =>
  ["inexact", "merged", "endless", "empty", "unawaited"].map((name) => encoded[name]?.toText());

/** A value behind so much that it is not written by hand. */
const LONG = "x".repeat(9000);

function assertWrittenAlike(make) {
  const byHand = encodeValue(["", ...make()], ROOM);
  const byV8 = encodeValue([LONG, ...make()], ROOM);
  if (byHand.chunks !== null || byHand.size > 8000) return false; // was long by itself
  assert.equal(decode(byV8.toChunks()).replace(LONG, ""), byHand.text);
  assert.deepEqual(told(byV8), told(byHand));
  return true;
}

Deno.test("what V8 writes is what is written by hand, and so is what is told of it", () => {
  let compared = 0;
  for (let seed = 0; seed < 600; seed++) {
    compared += assertWrittenAlike(() => manyValues(seed, 1 + seed % 12));
  }
  assert.ok(compared > 400, String(compared));
});

Deno.test("each of many values is what it is alone, in parts of any length", () => {
  const plain = (count) => Array.from({ length: count }, (_, i) => ({ i, text: "é" }));
  const make = () => [...plain(5000), ...manyValues(1, 3000), ...plain(60_000)];
  const alone = make().map((value) => textOf([value]).slice(1, -1));
  assert.equal(textOf([LONG, ...make()], 1e8), '["' + LONG + '",' + alone + "]");
});

Deno.test("values of a list that is long from its first one on are what they are alone", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const make = () => manyValues(seed, 4090 + seed);
    const alone = make().map((value) => textOf([value]).slice(1, -1));
    assert.equal(textOf(make(), 1e8), "[" + alone + "]");
  }
});

Deno.test("a getter of a value under 8 KB is called once, however many elements the value has", () => {
  const lengths = [0, 10, 4000, 4080, 4085];
  for (const length of lengths) {
    for (const place of [0, length >> 1, length]) {
      let calls = 0;
      const value = Array.from({ length }, () => 7);
      value.splice(place, 0, {
        get a() {
          return ++calls;
        },
      });
      assert.ok(textOf({ value }).length <= 8192);
      assert.equal(calls, 1, `${length} elements, the getter at ${place}`);
    }
  }
});

const PATCHES = {
  "a toJSON of lists": [Array.prototype, "toJSON", {
    value() {
      return [...this, "more"];
    },
  }],
  "a toJSON of all objects": [Object.prototype, "toJSON", {
    value() {
      return Array.isArray(this) ? [...this, "more"] : 7;
    },
  }],
  "a field of all objects": [Object.prototype, "extra", { value: 1, enumerable: true }],
  "an element of all lists": [Array.prototype, 1, { value: "theirs" }],
};

for (const [name, [prototype, key, property]] of Object.entries(PATCHES)) {
  Deno.test("what V8 writes is what is written by hand, with " + name, () => {
    const patch = { __proto__: null, configurable: true, writable: true, ...property };
    for (let seed = 0; seed < 100; seed++) {
      Object.defineProperty(prototype, key, patch);
      try {
        assertWrittenAlike(() => manyValues(seed, 1 + seed % 12));
      } finally {
        delete prototype[key];
      }
    }
  });
}

Deno.test("a toJSON that comes in the midst of the work puts no text of its own between values", () => {
  for (let looks = 1; looks < 8; looks++) {
    let left = looks;
    const get = () => --left > 0 ? undefined : () => '],"again":[';
    Object.defineProperty(Array.prototype, "toJSON", { configurable: true, get });
    let encoded;
    try {
      encoded = encodeValue([LONG, { a: 1 }, { a: 2 }], ROOM);
    } finally {
      delete Array.prototype.toJSON;
    }
    const value = JSON.parse(decode(encoded.toChunks()));
    assert.deepEqual(value, looks === 1 ? '],"again":[' : [LONG, { a: 1 }, { a: 2 }]);
  }
});
