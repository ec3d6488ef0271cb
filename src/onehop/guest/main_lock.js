// What closes the main realm: should an object of it get to the guest, it leads to nothing that can be
// changed, so that no run can leave anything there for the next one.

import { isObject } from "./primordials.js";

const WRITTEN_BY_US = "stackTraceLimit";

const started = [
  [][Symbol.iterator](),
  new Map().entries(),
  new Set().values(),
  ""[Symbol.iterator](),
  "".matchAll(/a/g),
  function* () {},
  async function* () {},
  async () => {},
  (function* () {})(),
  (async function* () {})(),
  new URLSearchParams().entries(),
  ReadableStream.prototype.values.call(new ReadableStream()),
].map((value) => typeof value === "function" ? value : Object.getPrototypeOf(value));

/** Freeze the values and all that their properties, accessors and prototypes lead to. */
export function freezeDeeply(values) {
  const queue = [...values, ...started];
  const seen = new Set(queue);
  for (const value of queue) {
    if (!isObject(value)) continue;
    for (const found of linksOf(value)) {
      if (!seen.has(found)) queue.push(found);
      seen.add(found);
    }
    close(value);
  }
}

function linksOf(value) {
  const links = Reflect.ownKeys(value).flatMap((key) => {
    const { value: field, get, set } = /** @type {any} */ (
      Object.getOwnPropertyDescriptor(value, key)
    );
    return [field, get, set];
  });
  return [...links, Object.getPrototypeOf(value)];
}

function close(value) {
  if (ArrayBuffer.isView(value)) return;
  if (value === Error) return closeError();
  if (isErrorPrototype(value)) {
    for (const key of Reflect.ownKeys(value)) allowOverriding(value, key);
  }
  Object.freeze(value);
}

/** V8 reads from it how many frames a stack has, which is set for a while now and then. */
function closeError() {
  for (const key of Reflect.ownKeys(Error)) {
    const writable = key === WRITTEN_BY_US;
    const found = Object.getOwnPropertyDescriptor(Error, key);
    if (found?.configurable) {
      Object.defineProperty(Error, key, {
        configurable: false,
        ...("value" in found ? { writable } : {}),
      });
    }
  }
  Object.preventExtensions(Error);
}

function isErrorPrototype(value) {
  return value === Error.prototype ||
    (value instanceof Error && Object.hasOwn(value, "constructor"));
}

/** Deno gives names to errors by assignment, which a frozen property of the prototype would forbid. */
function allowOverriding(prototype, key) {
  const { value, writable, enumerable } = /** @type {any} */ (
    Object.getOwnPropertyDescriptor(prototype, key)
  );
  if (!writable || key === "constructor") return;
  const get = () => value;
  /** @this {any} */
  function set(own) {
    Object.defineProperty(this, key, {
      value: own,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  Object.defineProperty(prototype, key, {
    get: Object.freeze(get),
    set: closedFunction(set),
    enumerable,
  });
}

function closedFunction(value) {
  Object.freeze(value.prototype);
  return Object.freeze(value);
}
