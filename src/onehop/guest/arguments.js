// The argument of a call as JSON text. What JSON would lose without a word is refused instead.

import {
  ArrayIsArray,
  CapturedUint8Array,
  core,
  createList,
  isObject,
  ITERATOR,
  JSONStringify,
  MapIteratorNext,
  MapPrototypeEntries,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPrototype,
  ObjectPrototypeToString,
  plainArray,
  quote,
  SetIteratorNext,
  SetPrototypeValues,
  StringPrototypeIndexOf,
  StringPrototypeIsWellFormed,
  StringPrototypeSlice,
  TypedArrayGetLength,
  TypedArrayGetTag,
  Uint8ArrayPrototypeToBase64,
} from "./primordials.js";
import { briefly, isError } from "./errors.js";

/** Levels in which the place of what is wrong is looked for. */
const DEEPEST = 20;
const ONE_OBJECT = "a tool takes one argument, an object such as {name: value}";

/** What is wrong with a value, and which one it is. */
class Unfit {
  constructor(message, holder, key) {
    this.message = message;
    this.holder = holder;
    this.key = key;
  }
}

/**
 * The fields of a call's frame that bring its argument, or say what is wrong with it.
 * @param {any[]} args
 * @param {number} most bytes of the text
 */
export function encodeArguments(args, most) {
  if (args.length > 1) return fault(ONE_OBJECT + "; this call has " + args.length, null);
  const value = args[0] === undefined ? {} : args[0];
  if (!isObject(value) || typeof value === "function" || ArrayIsArray(value)) {
    return fault(ONE_OBJECT, null);
  }
  try {
    const text = JSONStringify(value, plain);
    if (text === undefined || text[0] !== "{") return fault(ONE_OBJECT, null);
    const size = core.byteLength(text);
    if (size <= most) return ',"arguments":' + quote(text);
    return fault("the arguments have " + size + " bytes as JSON, and may have " + most, null);
  } catch (thrown) {
    if (thrown instanceof Unfit) return fault(thrown.message, pathTo(value, thrown, "", 0) || null);
    return fault(wordsOf(thrown), null);
  }
}

function wordsOf(thrown) {
  const words = briefly(thrown);
  if (StringPrototypeIndexOf(words, "circular") >= 0) return "the arguments contain themselves";
  return "the arguments cannot be written as JSON: " + words;
}

function fault(message, field) {
  return ',"fault":' + quote(message) + ',"field":' + (field === null ? "null" : quote(field));
}

/**
 * Called by V8 for each value, with the object that holds it as `this`.
 * @this {object}
 */
function plain(key, value) {
  if (!StringPrototypeIsWellFormed(key)) {
    throw new Unfit("a key has half a surrogate pair, which JSON does not have", this, key);
  }
  switch (typeof value) {
    case "string":
      if (StringPrototypeIsWellFormed(value)) return value;
      throw new Unfit("a text has half a surrogate pair, which JSON does not have", this, key);
    case "number":
      if (value - value === 0) return value;
      throw new Unfit(value + " is not a number that JSON has", this, key);
    case "bigint":
      return "" + value;
    case "function":
    case "symbol":
      throw new Unfit("a " + typeof value + " cannot be given to a tool", this, key);
    case "object": {
      const put = value === null ? value : plainObject(value);
      const lost = put === null || put !== value ? null : lossOf(value);
      if (lost === null) return put;
      throw new Unfit(lost, this, key);
    }
  }
  return value;
}

/** Why JSON would keep nothing of an object, or not what it is for; null when it keeps enough. */
function lossOf(object) {
  if (ArrayIsArray(object)) return null;
  const prototype = ObjectGetPrototypeOf(object);
  if (prototype === ObjectPrototype || prototype === null) return null;
  if (core.isPromise(object)) return "a promise cannot be given to a tool: await it";
  if (isError(object)) {
    return includes(ObjectKeys(object), "message")
      ? null
      : "an error cannot be given to a tool: give its message";
  }
  if (ObjectKeys(object).length > 0) return null;
  if (typeof object[ITERATOR] === "function") {
    return "an iterator cannot be given to a tool: give a list, such as [...values]";
  }
  const kind = StringPrototypeSlice(ObjectPrototypeToString(object), 8, -1);
  if (kind === "Object" || core.isBoxedPrimitive(object)) return null;
  return "JSON keeps nothing of an object of the kind " + kind + ": give its parts";
}

function includes(list, text) {
  for (let i = 0; i < list.length; i++) if (list[i] === text) return true;
  return false;
}

function plainObject(value) {
  if (core.isMap(value)) return objectOfMap(value);
  if (core.isSet(value)) return listOfSet(value);
  const kind = TypedArrayGetTag(value);
  if (kind === undefined) {
    return core.isArrayBuffer(value) ? inBase64(new CapturedUint8Array(value)) : value;
  }
  return kind === "Uint8Array" ? inBase64(value) : listOfNumbers(value);
}

function inBase64(bytes) {
  return { __proto__: null, $bytes: Uint8ArrayPrototypeToBase64(bytes) };
}

function listOfNumbers(array) {
  const list = createList();
  for (let i = 0; i < TypedArrayGetLength(array); i++) list[i] = array[i];
  return plainArray(list);
}

/** As in the output: an object when all keys are strings, else a list of pairs. */
function objectOfMap(map) {
  const object = { __proto__: null };
  const pairs = createList();
  let isPlain = true;
  const entries = MapPrototypeEntries(map);
  for (;;) {
    const { done, value: entry } = MapIteratorNext(entries);
    if (done) return isPlain ? object : plainArray(pairs);
    isPlain &&= typeof entry[0] === "string";
    if (isPlain) object[entry[0]] = entry[1];
    pairs[pairs.length] = entry;
  }
}

function listOfSet(set) {
  const list = createList();
  const values = SetPrototypeValues(set);
  for (;;) {
    const { done, value } = SetIteratorNext(values);
    if (done) return plainArray(list);
    list[list.length] = value;
  }
}

/** The dotted path to a value that is wrong; its key alone where it lies deep. */
function pathTo(object, { holder, key }, path, depth) {
  if (object === holder) return path + key;
  if (depth === DEEPEST || !isObject(object)) return null;
  try {
    const keys = ObjectKeys(object);
    for (let i = 0; i < keys.length; i++) {
      const inner = path + keys[i] + ".";
      const found = pathTo(object[keys[i]], { holder, key }, inner, depth + 1);
      if (found !== null) return found;
    }
  } catch {
    // A getter or a Proxy of the code.
  }
  return depth === 0 ? key : null;
}
