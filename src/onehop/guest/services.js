// `show`, `progress` and `store`: what the code hands to its host besides its value.

import {
  CapturedError,
  CapturedPromise,
  CapturedRangeError,
  CapturedTypeError,
  CapturedUint8Array,
  core,
  DataViewGetBuffer,
  DataViewGetByteLength,
  DataViewGetByteOffset,
  encodeUtf8,
  FunctionPrototypeBind,
  isObject,
  JSONParse,
  JSONStringify,
  MathMin,
  ObjectDefineProperty,
  ObjectFreeze,
  performanceNow,
  quote,
  StringPrototypeIsWellFormed,
  StringPrototypeSlice,
  TypedArrayGetBuffer,
  TypedArrayGetByteLength,
  TypedArrayGetByteOffset,
  TypedArrayGetLength,
  TypedArrayGetTag,
  Uint8ArrayPrototypeToBase64,
} from "./primordials.js";
import { sendFrame, viewOf } from "./channel.js";
import { isLate } from "./epoch.js";
import { grant } from "./grant.js";
import { request } from "./calls.js";
import { openTools } from "./tools.js";

const served = { __proto__: null, shown: 0, bytes: 0, reports: 0, reportedAt: -1000, asked: 0 };

/** In one run; the host refuses more. */
const MOST_SHOWN = 32;
const MOST_SHOWN_BYTES = 16 * 1024 * 1024;
const MOST_REPORTS = 500;
/** Milliseconds between two reports of progress. */
const REPORT_PAUSE = 50;
const MOST_ASKED = 10000;
const MOST_STORED = 1024 * 1024;
const LONGEST_KEY = 512;
const LONGEST_NAME = 200;
const LONGEST_WORDS = 1000;
/** Bytes of one frame; in base64 they fit into a small one. */
const PART = 96 * 1024;

/** For the next call of a session. */
export function forgetServices() {
  served.shown = 0;
  served.bytes = 0;
  served.reports = 0;
  served.reportedAt = -1000;
  served.asked = 0;
}

function optionalText(options, name, what) {
  const { [name]: value } = options;
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new CapturedTypeError(what + " takes a text as " + name);
  return StringPrototypeSlice(value, 0, LONGEST_NAME);
}

// --- show ---

const TAKES = "show(value, {type, title}) takes text, bytes, or data that is JSON";

/** @returns {Uint8Array | null} */
function shownBytes(value) {
  if (TypedArrayGetTag(value) !== undefined) {
    const start = TypedArrayGetByteOffset(value);
    return new CapturedUint8Array(
      TypedArrayGetBuffer(value),
      start,
      TypedArrayGetByteLength(value),
    );
  }
  if (core.isAnyArrayBuffer(value)) return new CapturedUint8Array(value);
  if (!core.isDataView(value)) return null;
  const start = DataViewGetByteOffset(value);
  return new CapturedUint8Array(DataViewGetBuffer(value), start, DataViewGetByteLength(value));
}

/** The bytes of a value, and what they are when the code does not say. */
function fileOf(value) {
  if (typeof value === "string") return { __proto__: null, kind: "text", bytes: encodeUtf8(value) };
  if (isObject(value) && typeof value !== "function") {
    const bytes = shownBytes(value);
    if (bytes !== null) return { __proto__: null, kind: "bytes", bytes };
    if (core.isPromise(value)) throw new CapturedTypeError(TAKES + ": await the promise first");
    if (isLossy(value)) throw new CapturedTypeError(TAKES + ": take the value apart first");
  }
  const text = JSONStringify(value, undefined, 2);
  if (text === undefined) throw new CapturedTypeError(TAKES);
  return { __proto__: null, kind: "json", bytes: encodeUtf8(text) };
}

function showFile(value, options) {
  if (isLate()) return;
  const given = isObject(options) ? options : { __proto__: null };
  const type = optionalText(given, "type", "show");
  const title = optionalText(given, "title", "show");
  const { kind, bytes } = fileOf(value);
  const size = TypedArrayGetLength(bytes);
  if (served.shown >= MOST_SHOWN) {
    throw new CapturedRangeError("show: the run has shown " + MOST_SHOWN + " files, which are all");
  }
  if (served.bytes + size > MOST_SHOWN_BYTES) {
    throw new CapturedRangeError(
      "show: all files of a run may have " + MOST_SHOWN_BYTES + " bytes; this one of " + size +
        " is too much",
    );
  }
  served.shown++;
  served.bytes += size;
  sendFile(',"as":"' + kind + '","type":' + quote(type) + ',"title":' + quote(title), bytes, size);
}

function sendFile(fields, bytes, size) {
  let at = 0;
  do {
    const length = MathMin(PART, size - at);
    const data = Uint8ArrayPrototypeToBase64(
      viewOf(bytes, TypedArrayGetByteOffset(bytes) + at, length),
    );
    at += length;
    sendFrame("show", fields + ',"more":' + (at < size) + ',"data":"' + data + '"');
  } while (at < size);
}

// --- progress ---

function reportProgress(fraction, message) {
  if (isLate()) return;
  if (!(typeof fraction === "number" && fraction >= 0 && fraction <= 1)) {
    throw new CapturedRangeError("progress(fraction, message) takes a number from 0 to 1");
  }
  if (message !== undefined && message !== null && typeof message !== "string") {
    throw new CapturedTypeError("progress(fraction, message) takes a text as message");
  }
  const now = performanceNow();
  // The last one counts, however soon it comes.
  if (fraction < 1 && now - served.reportedAt < REPORT_PAUSE) return;
  if (served.reports >= MOST_REPORTS) return;
  served.reports++;
  served.reportedAt = now;
  const words = StringPrototypeSlice(message ?? "", 0, LONGEST_WORDS);
  sendFrame("progress", ',"fraction":' + fraction + ',"message":' + quote(words));
}

// --- store ---

const NO_SESSION =
  "store keeps JSON with a session, and this call is in none: give it the argument `session`";

function refuseService(Kind, message) {
  return new CapturedPromise((_resolve, reject) => reject(new Kind(message)));
}

/** Ask the host; `key` and `value` are JSON text that has been made. */
function askStore(op, key, value) {
  if (!grant.hasSession) return refuseService(CapturedError, NO_SESSION);
  if (isLate()) {
    return refuseService(CapturedError, "store: this code belongs to a call that has ended");
  }
  if (++served.asked > MOST_ASKED) {
    return refuseService(CapturedRangeError, "store: the run has used it " + MOST_ASKED + " times");
  }
  // Its names are read by waiting, which is not possible while an answer is on its way.
  if (grant.limits !== null) openTools();
  const failure = new CapturedError();
  return new CapturedPromise((resolve, reject) => {
    const fields = ',"op":"' + op + '","key":' + quote(key) + ',"value":' + quote(value);
    request("store", fields, ({ error }, text) => {
      const told = /** @type {{ message: string } | undefined} */ (error);
      if (told === undefined) return resolve(text === "" ? undefined : JSONParse(text));
      const value = "store." + op + ": " + told.message;
      reject(ObjectDefineProperty(failure, "message", { __proto__: null, value, writable: true }));
    });
  });
}

function isKey(key) {
  return typeof key === "string" && key.length > 0 && key.length <= LONGEST_KEY &&
    StringPrototypeIsWellFormed(key);
}

const KEYS = " takes a key: a text of 1 to " + LONGEST_KEY +
  " characters, without half a surrogate pair";

const storeMethods = {
  __proto__: null,
  get(key) {
    return isKey(key)
      ? askStore("get", key, "")
      : refuseService(CapturedTypeError, "store.get" + KEYS);
  },
  delete(key) {
    return isKey(key)
      ? askStore("delete", key, "")
      : refuseService(CapturedTypeError, "store.delete" + KEYS);
  },
  keys() {
    return askStore("keys", "", "");
  },
  set(key, value) {
    if (!isKey(key)) return refuseService(CapturedTypeError, "store.set" + KEYS);
    let text;
    try {
      text = storedText(value);
    } catch (thrown) {
      return new CapturedPromise((_resolve, reject) => reject(thrown));
    }
    if (core.byteLength(text) <= MOST_STORED) return askStore("set", key, text);
    const size = core.byteLength(text);
    const words = "store.set: the value has " + size + " bytes as JSON, and all of a session may " +
      "have " + MOST_STORED;
    return refuseService(CapturedRangeError, words);
  },
};

const NOT_JSON = "store.set keeps JSON data: null, booleans, finite numbers, text, lists, objects";

/** JSON text of a value, of which JSON loses nothing without a word. */
function storedText(value) {
  const text = JSONStringify(value, function (key, part) {
    const { [key]: raw } = this;
    if (part === undefined || typeof part === "function" || typeof part === "symbol") {
      throw new CapturedTypeError(
        NOT_JSON + "; it has " + (part === undefined ? "undefined" : "a " + typeof part),
      );
    }
    if (typeof part === "bigint") throw new CapturedTypeError(NOT_JSON + "; it has a bigint");
    if (typeof part === "number" && !(part - part === 0)) {
      throw new CapturedTypeError(NOT_JSON + "; it has " + part);
    }
    if (isObject(raw) && isLossy(raw)) {
      throw new CapturedTypeError(NOT_JSON + "; a Map, a Set or bytes are none: take them apart");
    }
    return part;
  });
  if (text === undefined) throw new CapturedTypeError(NOT_JSON);
  return text;
}

function isLossy(value) {
  return core.isMap(value) || core.isSet(value) || core.isAnyArrayBuffer(value) ||
    core.isDataView(value) || core.isPromise(value) || core.isRegExp(value) ||
    TypedArrayGetTag(value) !== undefined;
}

// --- as the code sees them ---

function nativeService(name, callback) {
  const bound = FunctionPrototypeBind(callback, undefined);
  const value = name;
  return ObjectDefineProperty(bound, "name", { __proto__: null, value, configurable: true });
}

export const services = ObjectFreeze({
  __proto__: null,
  show: nativeService("show", showFile),
  progress: nativeService("progress", reportProgress),
  store: ObjectFreeze({
    __proto__: null,
    get: ObjectFreeze(nativeService("get", storeMethods.get)),
    set: ObjectFreeze(nativeService("set", storeMethods.set)),
    delete: ObjectFreeze(nativeService("delete", storeMethods.delete)),
    keys: ObjectFreeze(nativeService("keys", storeMethods.keys)),
  }),
});
