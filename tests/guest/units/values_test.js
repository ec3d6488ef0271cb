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
