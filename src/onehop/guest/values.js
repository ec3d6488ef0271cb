// Values to JSON text, by the table of the contract ("Values").
//
// The text goes straight into UTF-8 chunks, so that a large value needs no second copy of itself
// in the heap, and the work ends soon after the budget is used up, whatever the value is.

import {
  ArrayIsArray,
  ArrayPrototype,
  CapturedMap,
  CapturedUint8Array,
  core,
  createList,
  DatePrototypeToISOString,
  encodeUtf8,
  isObject,
  IteratorPrototype,
  JSONIsRawJSON,
  JSONParse,
  JSONStringify,
  MapIteratorNext,
  MapPrototypeEntries,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  MathFloor,
  MathMin,
  MAX_SAFE_INTEGER,
  NumberIsSafeInteger,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPrototype,
  ObjectSetPrototypeOf,
  quote,
  ReflectApply,
  RegExpPrototypeExec,
  SetIteratorNext,
  SetPrototypeGetSize,
  SetPrototypeValues,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeIsWellFormed,
  StringPrototypeSlice,
  StringPrototypeToWellFormed,
  SymbolPrototypeToString,
  TypedArrayGetBuffer,
  TypedArrayGetByteLength,
  TypedArrayGetByteOffset,
  TypedArrayGetLength,
  Uint8ArrayPrototypeToBase64,
} from "./primordials.js";
import {
  briefly,
  cut,
  hasOwn,
  inheritsFrom,
  isError,
  MAX_STACK,
  nameAndMessage,
  readErrorString,
  readStack,
} from "./errors.js";
import { MAX_ITERATED, pathStep, Places } from "./warnings.js";
import { bytesOf, unboxed } from "./values_bytes.js";
import { iteratorOf, takeStep, walkOf } from "./values_steps.js";
import { isBare, MAX_DEPTH, roomAfterValue } from "./values_plain.js";
import {
  ERROR_FIELDS,
  hasStringKeys,
  isUnawaited,
  keysOf,
  ownFields,
  stringForm,
} from "./values_forms.js";

const MAX_LISTED_BYTES = 65536;
const CHUNK = 32768;
const MAX_CACHED_KEY = 64;
const MAX_CACHED_KEYS = 1000;

// A shorter value is written by hand. Of a longer one V8's own encoder may write parts, short ones at
// first, since what turns out to be no plain data has been looked through in vain.
const BY_HAND = 8192;
const MIN_PART = 16384;
const MAX_PART = 1 << 20;
const MAX_MISSES = 64;

const TRUNCATED = '"[Truncated]"';

const NEEDS_ESCAPE = /["\\\x00-\x1f\ud800-\udfff]/;

class Encoder {
  /** Bytes of JSON text made so far; over `keep` when the value did not fit. */
  size = 0;
  /**
   * The first chunk; null when the text is short.
   * @type {Chunk | null}
   */
  chunks = null;
  /** The text that is in no chunk: of a short value, all of it. */
  text = "";
  /** @type {Chunk | null} */
  #last = null;
  #room;
  // Most values are no objects, and need none of these.
  /** @type {any} */
  #ancestors = null;
  /** @type {any} */
  #keys = null;
  /**
   * The keys that lead to the object at each depth.
   * @type {any}
   */
  #path = null;
  // Objects to write by hand before V8's encoder is tried again, and how long a part it may write.
  #misses = 0;
  #most = MIN_PART;
  // Whether the last string that was no plain text had a lone surrogate.
  #isReplaced = false;
  // Keys in which a lone surrogate was replaced.
  #oddKeys = 0;
  // What the reader is to know of the text; null when there is nothing to tell.
  /** @type {Places | null} */
  inexact = null;
  /** @type {Places | null} */
  merged = null;
  /** @type {Places | null} */
  replaced = null;
  /** @type {Places | null} */
  endless = null;
  /** @type {Places | null} */
  unawaited = null;
  /** @type {Places | null} */
  empty = null;

  constructor(keep) {
    this.#room = keep + 1;
  }

  encode(value) {
    this.#write(value, 0, "");
    if (this.chunks === null) this.size = core.byteLength(this.text);
    else this.#flush();
  }

  /** The whole text in chunks, also when it is short. */
  toChunks() {
    if (this.chunks === null) {
      this.size = 0; // counted again
      this.#flush();
    }
    return this.chunks;
  }

  get #full() {
    return this.#room <= 0;
  }

  /** Whether the text may be short with so many elements more: each has two characters at least. */
  #isShort(more) {
    return this.chunks === null && this.text.length + 2 * more < BY_HAND;
  }

  #put(text) {
    this.text += text;
    if (this.text.length > CHUNK) this.#flush();
  }

  #flush() {
    if (this.text === "") return;
    const bytes = encodeUtf8(this.text);
    /** @type {Chunk} */
    const chunk = { __proto__: null, bytes, next: null };
    if (this.#last === null) this.chunks = chunk;
    else this.#last.next = chunk;
    this.#last = chunk;
    this.size += TypedArrayGetLength(bytes);
    this.#room -= this.text.length;
    this.text = "";
  }

  #write(value, depth, key) {
    switch (typeof value) {
      case "string":
        this.#isReplaced = false;
        this.#writeString(value);
        if (this.#isReplaced) this.#noteReplaced(depth, key);
        return;
      case "number":
        return this.#writeNumber(value, depth, key);
      case "boolean":
        return this.#put(value ? "true" : "false");
      case "undefined":
        return this.#put("null");
      case "bigint":
        return this.#put('"' + value + '"');
      case "symbol":
        return this.#writeString(SymbolPrototypeToString(value));
      case "function":
      case "object":
        return value === null ? this.#put("null") : this.#writeObject(value, depth + 1, key);
    }
  }

  #writeNumber(value, depth, key) {
    // Infinity - Infinity and NaN - NaN are NaN.
    if (value - value !== 0) return this.#put("null");
    if (value > MAX_SAFE_INTEGER || value < -MAX_SAFE_INTEGER) {
      (this.inexact ??= new Places()).note(this.#pathOf(depth, key));
    }
    this.#put("" + value);
  }

  /** How a reader of the output gets to what is at `key` of the object at `depth`. */
  #pathOf(depth, key) {
    let path = "output";
    for (let i = 2; i <= depth; i++) path += pathStep(this.#path[i]);
    return depth > 0 ? path + pathStep(key) : path;
  }

  #pathOfObject(depth) {
    return this.#pathOf(depth - 1, this.#path[depth]);
  }

  #writeString(text) {
    if (text.length < CHUNK) {
      const plain = RegExpPrototypeExec(NEEDS_ESCAPE, text) === null;
      if (plain) return this.#put('"' + text + '"');
      this.#isReplaced = !StringPrototypeIsWellFormed(text);
      return this.#put(quote(text));
    }
    this.#isReplaced = !StringPrototypeIsWellFormed(text);
    this.#put('"');
    for (let start = 0; start < text.length && !this.#full;) {
      let end = start + CHUNK;
      // A pair of surrogates must stay in one part.
      const code = end < text.length ? StringPrototypeCharCodeAt(text, end) : 0;
      if (code >= 0xdc00 && code <= 0xdfff) end--;
      const part = quote(StringPrototypeSlice(text, start, end));
      this.#put(StringPrototypeSlice(part, 1, -1));
      start = end;
    }
    this.#put('"');
  }

  #writeKey(key) {
    this.#keys ??= new CapturedMap();
    let text = MapPrototypeGet(this.#keys, key);
    if (text === undefined) {
      text = quote(key) + ":";
      if (!StringPrototypeIsWellFormed(key)) this.#oddKeys++;
      else if (key.length <= MAX_CACHED_KEY && MapPrototypeGetSize(this.#keys) < MAX_CACHED_KEYS) {
        MapPrototypeSet(this.#keys, key, text);
      }
    }
    this.#put(text);
  }

  #threw(thrown) {
    this.#writeString("[Threw: " + briefly(thrown) + "]");
  }

  #writeObject(object, depth, key) {
    if (depth > MAX_DEPTH) return this.#put(TRUNCATED);
    try {
      const { toJSON } = object;
      if (typeof toJSON === "function") {
        object = ReflectApply(toJSON, object, ["" + key]);
        if (!isObject(object)) return this.#write(object, depth, key);
      }
    } catch (thrown) {
      return this.#threw(thrown);
    }
    this.#ancestors ??= createList();
    this.#path ??= createList();
    this.#path[depth] = key;
    for (let i = 1; i < depth; i++) {
      if (this.#ancestors[i] === object) return this.#put('"[Circular]"');
    }
    this.#ancestors[depth] = object;
    this.#writeShape(object, depth);
    this.#ancestors[depth] = null;
  }

  /**
   * Write elements from `start` on by V8's encoder, which is several times as fast, as long as it
   * comes to the same; the number of elements written. Only large values are written so, because
   * a getter in them is called once more than by hand.
   */
  #writePlainElements(array, start, length, depth) {
    if (this.#misses > 0) {
      this.#misses--;
      return 0;
    }
    for (const _ in ObjectPrototype) return 0; // what all inherit would be taken for fields of each
    /** @type {any} */
    const part = createList();
    try {
      for (let room = this.#most, i = start; i < length; i++) {
        const value = array[i];
        room = roomAfterValue(value, depth, room);
        if (room < 0) break;
        part[i - start] = value;
      }
      ObjectSetPrototypeOf(part, ArrayPrototype); // V8 takes twice as long for a list without it
      const text = part.length === 0 || part.toJSON !== undefined ? "" : JSONStringify(part);
      // Getters may have put a toJSON there since. An escaped surrogate is a lone one.
      if (text?.[0] === "[" && StringPrototypeIndexOf(text, "\\ud") < 0) {
        this.#flush(); // so that a long part is not copied to get behind what there is
        this.#put(StringPrototypeSlice(text, 1, -1));
        this.#most = MathMin(4 * this.#most, MAX_PART);
        return part.length;
      }
    } catch {
      // What throws is written by hand.
    }
    this.#misses = MAX_MISSES;
    this.#most = MIN_PART;
    return 0;
  }

  #writeShape(object, depth) {
    let length;
    let keys;
    try {
      if (ArrayIsArray(object)) {
        length = object.length;
      } else {
        const prototype = ObjectGetPrototypeOf(object);
        if (prototype === null && JSONIsRawJSON(object)) return this.#writeRaw(object, depth);
        if (typeof object === "function" || (prototype !== ObjectPrototype && prototype !== null)) {
          if (this.#writeSpecial(object, depth)) return;
        }
        keys = ObjectKeys(object);
      }
    } catch (thrown) {
      return this.#threw(thrown);
    }
    if (keys === undefined) return this.#writeElements(object, length, depth);
    if (keys.length === 0) return this.#writeFieldless(object, depth);
    this.#put("{");
    this.#writeFields(object, keys, depth, true);
    this.#put("}");
  }

  /** Write what an object without fields iterates, if it does; tell of one that loses more. */
  #writeFieldless(object, depth) {
    let iterator = null;
    try {
      if (isBare(object)) return this.#put("{}");
      iterator = iteratorOf(object);
    } catch (thrown) {
      return this.#threw(thrown);
    }
    if (iterator !== null) return this.#writeSteps(iterator, walkOf(iterator), depth);
    this.#tellEmpty(depth);
    this.#put("{}");
  }

  #tellEmpty(depth) {
    (this.empty ??= new Places()).note(this.#pathOfObject(depth));
  }

  /** Tell of an empty list or Map that was used as an object: its fields are not in the output. */
  #tellMisused(object, depth) {
    try {
      if (ObjectKeys(object).length > 0) this.#tellEmpty(depth);
    } catch {
      // A Proxy of the guest.
    }
  }

  /** JSON text of the code's own: as it is, or as text where a reader's numbers would not hold it. */
  #writeRaw({ rawJSON }, depth) {
    const value = JSONParse(rawJSON);
    const holds = typeof value !== "number" || NumberIsSafeInteger(value) ||
      MathFloor(value) !== value;
    this.#write(holds ? value : rawJSON, depth - 1, this.#path[depth]);
  }

  #writeElements(object, length, depth) {
    if (length === 0) this.#tellMisused(object, depth);
    this.#put("[");
    for (let i = 0; i < length && !this.#full;) {
      if (i > 0) this.#put(",");
      const written = this.#isShort(length - i)
        ? 0
        : this.#writePlainElements(object, i, length, depth);
      if (written === 0) this.#writeProperty(object, i, depth);
      i += written || 1;
    }
    this.#put("]");
  }

  #writeFields(object, keys, depth, first) {
    const oddKeys = this.#oddKeys;
    for (let i = 0; i < keys.length && !this.#full; i++) {
      if (!first) this.#put(",");
      first = false;
      this.#writeKey(keys[i]);
      this.#writeProperty(object, keys[i], depth);
    }
    if (this.#oddKeys !== oddKeys) this.#tellOddKeys(keys, depth);
  }

  #noteReplaced(depth, key) {
    (this.replaced ??= new Places()).note(this.#pathOf(depth, key));
  }

  /**
   * Tell of keys in which lone surrogates were replaced, and of those that became one by it: a
   * reader gets the last.
   */
  #tellOddKeys(keys, depth) {
    const seen = new CapturedMap();
    for (let i = 0; i < keys.length; i++) {
      const key = StringPrototypeToWellFormed(keys[i]);
      const before = MapPrototypeGet(seen, key);
      if (before === 1) (this.merged ??= new Places()).note(this.#pathOf(depth, key));
      MapPrototypeSet(seen, key, (before ?? 0) + 1);
    }
    for (let i = 0; i < keys.length; i++) {
      const key = StringPrototypeToWellFormed(keys[i]);
      if (key !== keys[i] && MapPrototypeGet(seen, key) === 1) this.#noteReplaced(depth, key);
    }
  }

  #writeProperty(object, key, depth) {
    let value;
    try {
      value = object[key];
    } catch (thrown) {
      return this.#threw(thrown);
    }
    this.#write(value, depth, key);
  }

  /** Write what is neither an array nor made of plain fields; false when it is of plain fields. */
  #writeSpecial(object, depth) {
    const text = stringForm(object);
    if (text !== null) {
      if (isUnawaited(object)) (this.unawaited ??= new Places()).note(this.#pathOfObject(depth));
      this.#writeString(text);
    } else if (core.isBoxedPrimitive(object)) this.#write(unboxed(object), depth, "");
    else if (core.isDate(object)) this.#writeDate(object);
    else if (core.isMap(object)) this.#writeMap(object, depth);
    else if (core.isSet(object)) this.#writeSet(object, depth);
    else if (core.isTypedArray(object)) this.#writeTypedArray(object, depth);
    else if (core.isAnyArrayBuffer(object) || core.isDataView(object)) {
      this.#writeBytes(bytesOf(object));
    } else if (isError(object)) this.#writeError(object, depth);
    else return this.#writeIterator(object, depth);
    return true;
  }

  /** Write the values that an iterator has left, and so use it up; false when it is none. */
  #writeIterator(object, depth) {
    let walk = null;
    try {
      if (inheritsFrom(object, IteratorPrototype)) walk = walkOf(object);
    } catch {
      // A Proxy or a getter of the guest: whatever it is, its fields are tried next.
    }
    if (walk === null) return false;
    this.#writeSteps(object, walk, depth);
    return true;
  }

  #writeSteps(iterator, walk, depth) {
    this.#put("[");
    for (let i = 0; !this.#full; i++) {
      const { done, value, thrown } = takeStep(iterator, walk.next);
      if (done) break;
      if (i > 0) this.#put(",");
      if (!walk.ends && i === MAX_ITERATED) {
        (this.endless ??= new Places()).note(this.#pathOfObject(depth));
        this.#put(TRUNCATED);
        break;
      }
      if (thrown !== undefined) {
        this.#threw(thrown);
        break;
      }
      this.#write(value, depth, i);
    }
    this.#put("]");
  }

  #writeDate(date) {
    try {
      this.#put('"' + DatePrototypeToISOString(date) + '"');
    } catch {
      this.#put("null");
    }
  }

  #writeMap(map, depth) {
    if (MapPrototypeGetSize(map) === 0) this.#tellMisused(map, depth);
    const asObject = hasStringKeys(map);
    const entries = MapPrototypeEntries(map);
    const oddKeys = this.#oddKeys;
    this.#put(asObject ? "{" : "[");
    for (let i = 0; !this.#full; i++) {
      const { done, value: entry } = MapIteratorNext(entries);
      if (done) break;
      if (i > 0) this.#put(",");
      this.#path[depth + 1] = i;
      if (asObject) {
        this.#writeKey(entry[0]);
      } else {
        this.#put("[");
        this.#write(entry[0], depth + 1, 0);
        this.#put(",");
      }
      this.#write(entry[1], asObject ? depth : depth + 1, asObject ? entry[0] : 1);
      if (!asObject) this.#put("]");
    }
    this.#put(asObject ? "}" : "]");
    if (asObject && this.#oddKeys !== oddKeys) this.#tellOddKeys(keysOf(map), depth);
  }

  #writeSet(set, depth) {
    if (SetPrototypeGetSize(set) === 0) this.#tellMisused(set, depth);
    const values = SetPrototypeValues(set);
    this.#put("[");
    for (let i = 0; !this.#full; i++) {
      const { done, value } = SetIteratorNext(values);
      if (done) break;
      if (i > 0) this.#put(",");
      this.#write(value, depth, i);
    }
    this.#put("]");
  }

  #writeTypedArray(array, depth) {
    if (TypedArrayGetByteLength(array) > MAX_LISTED_BYTES) {
      return this.#writeBytes(
        new CapturedUint8Array(
          TypedArrayGetBuffer(array),
          TypedArrayGetByteOffset(array),
          TypedArrayGetByteLength(array),
        ),
      );
    }
    const length = TypedArrayGetLength(array);
    this.#put("[");
    for (let i = 0; i < length && !this.#full; i++) {
      if (i > 0) this.#put(",");
      this.#write(array[i], depth, i);
    }
    this.#put("]");
  }

  #writeBytes(bytes) {
    const length = TypedArrayGetLength(bytes);
    if (length <= MAX_LISTED_BYTES) return this.#writeTypedArray(bytes, 0);
    const buffer = TypedArrayGetBuffer(bytes);
    const offset = TypedArrayGetByteOffset(bytes);
    // A multiple of three, so that only the last part is padded.
    const step = 3 * 8192;
    this.#put('{"$bytes":"');
    for (let done = 0; done < length && !this.#full; done += step) {
      const size = MathMin(step, length - done);
      const part = new CapturedUint8Array(buffer, offset + done, size);
      this.#put(Uint8ArrayPrototypeToBase64(part));
    }
    this.#put('"}');
  }

  #writeError(error, depth) {
    const { name, message } = nameAndMessage(error);
    const stack = readErrorString(error, "stack");
    const text = stack === null ? "" : readStack(cut(stack, 4 * MAX_STACK), message).text;
    this.#put('{"name":' + quote(name) + ',"message":' + quote(message));
    if (text !== "") {
      const header = message === "" ? name : name + ": " + message;
      this.#put(',"stack":' + quote(cut(header + text, MAX_STACK)));
    }
    for (let i = 0; i < ERROR_FIELDS.length; i++) {
      const field = ERROR_FIELDS[i];
      if (hasOwn(error, field)) this.#writeErrorField(error, field, depth);
    }
    const keys = ownFields(error);
    this.#writeFields(error, keys, depth, false);
    this.#put("}");
  }

  #writeErrorField(error, name, depth) {
    this.#put(',"' + name + '":');
    this.#writeProperty(error, name, depth);
  }
}

/**
 * Encode `value`, giving up soon after `keep` bytes.
 * @param {unknown} value
 * @param {number} keep
 */
export function encodeValue(value, keep) {
  const encoder = new Encoder(keep);
  encoder.encode(value);
  return encoder;
}
