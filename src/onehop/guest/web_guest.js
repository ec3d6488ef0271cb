// What comes from the main realm: converted, or stood for.

import {
  ArrayIsArray,
  ASYNC_ITERATOR,
  AsyncIteratorPrototype,
  CapturedPromise,
  CapturedUint8Array,
  core,
  ErrorIsError,
  isObject,
  IteratorPrototype,
  ObjectKeys,
  plainArray,
  TO_STRING_TAG,
  TypedArrayGetBuffer,
  TypedArrayGetByteLength,
  TypedArrayPrototypeSet,
  WeakMapPrototypeGet,
} from "./primordials.js";
import { border, isOfThisRealm, own, plainError, standFor } from "./boundary.js";
import { isBytes, kindOfView } from "./bytes.js";
import { ask, blank, define, guestOf, link, listToGuest, remember } from "./web_pairs.js";
import { methodOf } from "./web_methods.js";
import { classFor } from "./web_classes.js";

/** What comes from the main realm, as the guest gets it. */
export function toGuest(value) {
  if (!isObject(value)) return value;
  const known = WeakMapPrototypeGet(guestOf, value);
  if (known !== undefined) return known;
  return isOfThisRealm(value) ? value : converted(value);
}

function converted(value) {
  const name = ask.className(value);
  if (typeof value === "function") {
    return name === "" ? remember(value, functionOf(value)) : classFor(name);
  }
  if (name !== "") return link(blank(classFor(name).prototype, ErrorIsError(value)), value);
  if (core.isPromise(value)) return remember(value, promiseOf(value));
  if (ErrorIsError(value)) return remember(value, plainError(value));
  if (core.isAnyArrayBuffer(value)) return TypedArrayGetBuffer(bytesCopied(value));
  if (isBytes(value)) return viewOf(value);
  if (ArrayIsArray(value)) return plainArray(listToGuest(value));
  if (typeof value.next === "function") return remember(value, iteratorOf(value));
  return recordOf(value);
}

function functionOf(value) {
  return methodOf(value.name, value);
}

function promiseOf(value) {
  return new CapturedPromise((resolve, reject) => {
    ask.whenSettled(
      value,
      (result) => {
        if (!border.isOver) resolve(toGuest(result));
      },
      (reason) => {
        if (!border.isOver) reject(toGuest(reason));
      },
    );
  });
}

function bytesCopied(buffer) {
  const bytes = new CapturedUint8Array(buffer);
  const copy = new CapturedUint8Array(TypedArrayGetByteLength(bytes));
  TypedArrayPrototypeSet(copy, bytes, 0);
  return copy;
}

function viewOf(view) {
  const { buffer, byteOffset, byteLength } = view;
  const bytes = new CapturedUint8Array(buffer, byteOffset, byteLength);
  const copy = new CapturedUint8Array(byteLength);
  TypedArrayPrototypeSet(copy, bytes, 0);
  return new own[kindOfView(view)](TypedArrayGetBuffer(copy));
}

function recordOf(value) {
  const record = {};
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) define(record, keys[i], toGuest(value[keys[i]]), true);
  return record;
}

function iteratorOf(value) {
  const isAsync = typeof value[ASYNC_ITERATOR] === "function";
  const iterator = own.create(isAsync ? AsyncIteratorPrototype : IteratorPrototype);
  standFor(iterator, value);
  define(iterator, "next", methodOf("next", value.next), false);
  if (typeof value.return === "function") {
    define(iterator, "return", methodOf("return", value.return), false);
  }
  const tag = value[TO_STRING_TAG];
  if (typeof tag === "string") define(iterator, TO_STRING_TAG, tag, false);
  return iterator;
}

border.convert = toGuest;
