// After inventory.js: call every built-in function with a few arguments, each time on a fresh
// receiver, and return `path(arguments): what came of it`.
const RECEIVERS = {
  Array: () => [3, "a", [1, 2], undefined], ArrayBuffer: () => new ArrayBuffer(8),
  BigInt: () => 12n, Boolean: () => true, DataView: () => new DataView(new ArrayBuffer(16)),
  Date: () => new Date(86400000 * 59.5), Error: () => new RangeError("why"),
  Function: () => function f(a) { return a }, Iterator: () => [5, 6, 7].values(),
  Map: () => new Map([[1, "x"], ["a", { b: 2 }]]), Number: () => 1234.5, Object: () => ({ a: 1, b: [2] }),
  Promise: () => Promise.resolve(1), RegExp: () => /(\w)(\d)?/g, Set: () => new Set([1, "a", 3]),
  String: () => "a1 b2 a1\ud83d\ude00", Symbol: () => Symbol.for("s"), WeakMap: () => new WeakMap(),
  WeakSet: () => new WeakSet(), Uint8Array: () => new Uint8Array([3, 1, 2, 255]),
  Float64Array: () => new Float64Array([1.5, -0, NaN]), BigInt64Array: () => new BigInt64Array(3),
  URL: () => new URL("https://u@e.com:8080/a/b?c=1#d"), URLSearchParams: () => new URLSearchParams("a=1&b=2"),
  Headers: () => undefined, TextEncoder: () => new TextEncoder(), TextDecoder: () => new TextDecoder(),
  Event: () => new Event("e"), AbortController: () => new AbortController(),
  DOMException: () => new DOMException("m", "AbortError"),
};
const ARGUMENTS = [
  ["", () => []], ["1", () => [1]], ["'a', 2", () => ["a", 2]], ["x => x, 0", () => [(x) => x, 0]],
  ["null", () => [null]], ["{a: 1}", () => [{ a: 1 }]], ["[3, 1, 2], {}", () => [[3, 1, 2], {}]],
  ["-1, 2, 'z'", () => [-1, 2, "z"]], ["new Set([1, 9])", () => [new Set([1, 9])]], ["/a/g, '-'", () => [/a/g, "-"]],
  ["1n, 5n", () => [1n, 5n]], ["Symbol.iterator", () => [Symbol.iterator]],
];
// What gives another value each time, waits, ends the program, or makes code.
const LEFT = /^(eval|Function|AsyncFunction|context|console|crypto|performance|Performance|Atomics\.wait|Atomics\.pause|Math\.random|Date$|Date\.now|Temporal\.Now|set(Timeout|Interval|Immediate)|clear|queueMicrotask|WeakRef|FinalizationRegistry|SharedArrayBuffer\.prototype\.grow|Symbol\.for|RegExp\.(input|last|left|right|\$)|.*\[Deno\.|Blob|File|Intl\.DateTimeFormat|AbortSignal\.timeout|.*\.constructor$|(Array|String)\.prototype\.(toLocale|repeat|pad))/;

function calls(names) {
  const found = {};
  for (const name of names) {
    if (!(name in globalThis) || LEFT.test(name)) continue;
    const holder = globalThis[name];
    if (typeof holder === "function") attemptAll(name, holder, undefined, true);
    if (Object(holder) === holder) members(name, holder, () => holder);
    const { prototype } = typeof holder === "function" ? holder : {};
    if (Object(prototype) === prototype) {
      members(name + ".prototype", prototype, RECEIVERS[name] ?? (() => new holder()));
    }
  }
  return found;

  function members(path, holder, receiver) {
    for (const key of Reflect.ownKeys(holder)) {
      const inside = typeof key === "symbol" ? `${path}[${key.description}]` : `${path}.${key}`;
      if (LEFT.test(inside) || key === "prototype") continue;
      const { value, get } = Object.getOwnPropertyDescriptor(holder, key);
      if (typeof value === "function") attemptAll(inside, value, receiver, false);
      if (get) found[`${inside} <get>`] = attempt(() => get.call(receiver()));
    }
  }

  function attemptAll(path, called, receiver, construct) {
    for (const [shown, values] of ARGUMENTS) {
      found[`${path}(${shown})`] = attempt(() => {
        const object = receiver?.();
        const value = Reflect.apply(called, object, values());
        value?.catch?.(() => {});
        return [value, object];
      });
      if (construct) found[`new ${path}(${shown})`] = attempt(() => new called(...values()));
    }
  }

  function attempt(act) {
    try {
      return describe(act());
    } catch (error) {
      return "throws " + describe(error);
    }
  }
}
