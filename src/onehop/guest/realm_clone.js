// structuredClone in a realm: V8's own would make objects of the main realm.

import {
  ArrayIsArray,
  BigIntPrototypeValueOf,
  BooleanPrototypeValueOf,
  CapturedMap,
  CapturedString,
  core,
  DataViewGetBuffer,
  DataViewGetByteLength,
  DataViewGetByteOffset,
  ErrorIsError,
  FunctionPrototypeToString,
  isObject,
  MapIteratorNext,
  MapPrototypeEntries,
  MapPrototypeGet,
  MapPrototypeSet,
  NumberPrototypeValueOf,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectKeys,
  RegExpGetFlags,
  RegExpGetSource,
  SetIteratorNext,
  SetPrototypeValues,
  StringPrototypeValueOf,
  TypedArrayGetBuffer,
  TypedArrayGetByteOffset,
  TypedArrayGetLength,
  TypedArrayGetTag,
} from "./primordials.js";
import { behind, guarded, own } from "./boundary.js";
import { define } from "./web_pairs.js";
import { toGuest } from "./web_guest.js";
import { makeDOMException } from "./web.js";

const cloneOfMain = guarded(main.clone);

function refuse(value) {
  const words = typeof value === "symbol"
    ? CapturedString(value)
    : typeof value === "function"
    ? FunctionPrototypeToString(value)
    : "#<Object>";
  throw makeDOMException(words + " could not be cloned.", "DataCloneError");
}

/** A copy of data, with cycles, in which the buffers of `transfer` are moved. */
export function clone(value, transfer) {
  const seen = new CapturedMap();
  const moved = transfer ?? [];
  for (let i = 0; i < moved.length; i++) {
    // Emptied at the end, when all the rest could be cloned.
    MapPrototypeSet(seen, moved[i], sliced(moved[i]));
  }
  const copy = copied(value, seen);
  for (let i = 0; i < moved.length; i++) own.transferBuffer(moved[i]);
  return copy;
}

function sliced(buffer) {
  try {
    return own.sliceBuffer(buffer, 0);
  } catch {
    const words = "An ArrayBuffer is detached and could not be cloned.";
    throw makeDOMException(words, "DataCloneError");
  }
}

function copied(value, seen) {
  if (typeof value === "symbol" || typeof value === "function") refuse(value);
  if (!isObject(value)) return value;
  const known = MapPrototypeGet(seen, value);
  if (known !== undefined) return known;
  return copyObject(value, seen);
}

function copyObject(value, seen) {
  if (core.isProxy(value)) refuse(value);
  const keep = (copy) => {
    MapPrototypeSet(seen, value, copy);
    return copy;
  };
  if (behind(value) !== undefined) return keep(toGuest(cloneOfMain(behind(value))));
  if (core.isDate(value)) return keep(new own.Date(own.valueOfDate(value)));
  if (core.isRegExp(value)) {
    return keep(new own.RegExp(RegExpGetSource(value), RegExpGetFlags(value)));
  }
  if (core.isBoxedPrimitive(value)) return keep(own.Object(unboxed(value)));
  if (core.isSharedArrayBuffer(value)) return value;
  if (core.isArrayBuffer(value)) return keep(sliced(value));
  if (core.isTypedArray(value)) return keep(copyView(value, seen));
  if (core.isDataView(value)) return keep(copyDataView(value, seen));
  if (core.isMap(value)) return copyMap(value, keep(new own.Map()), seen);
  if (core.isSet(value)) return copySet(value, keep(new own.Set()), seen);
  if (ErrorIsError(value)) return copyError(value, keep, seen);
  if (!isPlain(value)) refuse(value);
  return copyFields(value, keep(ArrayIsArray(value) ? [] : {}), seen);
}

function unboxed(value) {
  if (core.isNumberObject(value)) return NumberPrototypeValueOf(value);
  if (core.isStringObject(value)) return StringPrototypeValueOf(value);
  if (core.isBooleanObject(value)) return BooleanPrototypeValueOf(value);
  if (core.isBigIntObject(value)) return BigIntPrototypeValueOf(value);
  return refuse(value);
}

function isPlain(value) {
  if (core.hostObjectBrand in value) value[core.hostObjectBrand]();
  return !(core.isPromise(value) || core.isWeakMap(value) || core.isWeakSet(value) ||
    core.isMapIterator(value) || core.isSetIterator(value) || core.isGeneratorObject(value) ||
    core.isArgumentsObject(value) || isOther(value));
}

/**
 * Whether V8 knows it to be something else, such as a WeakRef, a date of Temporal or a formatter. No
 * question tells that but a clone: of an object without fields, no code of the guest's hears of it.
 */
function isOther(value) {
  if (ArrayIsArray(value) || ObjectKeys(value).length > 0) return false;
  if (core.hostObjectBrand in value) return false;
  for (let at = ObjectGetPrototypeOf(value); at !== null; at = ObjectGetPrototypeOf(at)) {
    if (core.isProxy(at)) return false;
  }
  return !main.isData(value);
}

function copyView(view, seen) {
  const buffer = copied(TypedArrayGetBuffer(view), seen);
  const make = own[TypedArrayGetTag(view)];
  return new make(buffer, TypedArrayGetByteOffset(view), TypedArrayGetLength(view));
}

function copyDataView(view, seen) {
  const buffer = copied(DataViewGetBuffer(view), seen);
  return new own.DataView(buffer, DataViewGetByteOffset(view), DataViewGetByteLength(view));
}

function copyMap(map, copy, seen) {
  const entries = MapPrototypeEntries(map);
  for (;;) {
    const { done, value } = MapIteratorNext(entries);
    if (done) return copy;
    MapPrototypeSet(copy, copied(value[0], seen), copied(value[1], seen));
  }
}

function copySet(set, copy, seen) {
  const values = SetPrototypeValues(set);
  for (;;) {
    const { done, value } = SetIteratorNext(values);
    if (done) return copy;
    own.addToSet(copy, copied(value, seen));
  }
}

function copyError(error, keep, seen) {
  const { name } = error;
  const make = typeof name === "string" && isErrorName(name) ? own[name] : own.Error;
  const copy = keep(new make());
  copyText(error, copy, "message");
  copyText(error, copy, "stack");
  const cause = ObjectGetOwnPropertyDescriptor(error, "cause");
  if (cause !== undefined) define(copy, "cause", copied(error.cause, seen), false);
  return copy;
}

function isErrorName(name) {
  return name === "EvalError" || name === "RangeError" || name === "ReferenceError" ||
    name === "SyntaxError" || name === "TypeError" || name === "URIError";
}

function copyText(error, copy, key) {
  const found = ObjectGetOwnPropertyDescriptor(error, key);
  if (found !== undefined) define(copy, key, CapturedString(error[key]), false);
}

function copyFields(value, copy, seen) {
  const keys = ObjectKeys(value);
  if (ArrayIsArray(value)) copy.length = value.length;
  for (let i = 0; i < keys.length; i++) define(copy, keys[i], copied(value[keys[i]], seen), true);
  return copy;
}
