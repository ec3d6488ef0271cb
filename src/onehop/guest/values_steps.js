// Values that are iterated: how their next one is taken, and whether an end must come.

import {
  ArrayIsArray,
  ASYNC_ITERATOR,
  AsyncIteratorPrototype,
  builtinIterators,
  createList,
  isObject,
  ITERATOR,
  MapPrototypeGet,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ReflectApply,
} from "./primordials.js";
import { inheritsFrom, MAX_PROTOTYPES } from "./errors.js";
import { MAX_ITERATED, Places, warnOfValues } from "./warnings.js";

/** A new iterator over an object; null when it cannot be iterated. */
export function iteratorOf(object) {
  const make = object[ITERATOR];
  if (typeof make !== "function") return null;
  const iterator = ReflectApply(make, object, []);
  return isObject(iterator) && walkOf(iterator) !== null ? iterator : null;
}

/**
 * How the next value of an iterator is taken, and whether its end must come; null when it cannot
 * be told.
 * @returns {Walk | null}
 */
export function walkOf(iterator) {
  let prototype = iterator;
  for (let i = 0; i < MAX_PROTOTYPES && prototype !== null; i++) {
    prototype = ObjectGetPrototypeOf(prototype);
    const builtin = MapPrototypeGet(builtinIterators, prototype);
    if (builtin !== undefined) return builtin;
  }
  const { next } = iterator;
  if (typeof next !== "function") return null;
  return { __proto__: null, next: (object) => ReflectApply(next, object, []), ends: false };
}

export function takeStep(iterator, next) {
  try {
    const { done, value } = next(iterator);
    return { __proto__: null, done, value: done ? undefined : value, thrown: undefined };
  } catch (thrown) {
    return { __proto__: null, done: false, value: undefined, thrown: thrown ?? null };
  }
}

export function isAsyncIterator(value) {
  try {
    return inheritsFrom(value, AsyncIteratorPrototype);
  } catch {
    return false; // a Proxy of the guest
  }
}

/** Whether a value has nothing to return but what it iterates asynchronously. */
export function isAsyncIterable(value) {
  try {
    return isAsyncIterator(value) || (isObject(value) && typeof value !== "function" &&
      !ArrayIsArray(value) && typeof value[ASYNC_ITERATOR] === "function" &&
      value[ITERATOR] === undefined && ObjectKeys(value).length === 0);
  } catch {
    return false; // a Proxy or a getter of the guest
  }
}

/**
 * The values of an async iterable, as far as they are told; what it throws is thrown.
 * @param {any} iterable
 */
export async function collectAsync(iterable) {
  const iterator = isAsyncIterator(iterable) ? iterable : iterable[ASYNC_ITERATOR]();
  const values = createList();
  while (values.length < MAX_ITERATED) {
    // deno-lint-ignore guest/methods -- the iterator is the guest's own, in its own turn
    const { done, value } = await iterator.next();
    if (done) return values;
    values[values.length] = value;
  }
  values[values.length] = "[Truncated]";
  const places = new Places();
  places.note("output");
  warnOfValues({
    __proto__: null,
    inexact: null,
    merged: null,
    replaced: null,
    empty: null,
    endless: places,
    unawaited: null,
  });
  return values;
}
