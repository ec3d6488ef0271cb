// The guest's console: text as Node formats it, one frame per call, sent at once.

import {
  ArrayIsArray,
  CapturedMap,
  CapturedNumber,
  CapturedString,
  core,
  createList,
  ErrorCaptureStackTrace,
  FunctionPrototypeToString,
  isObject,
  JSONStringify,
  listOf,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeSet,
  MathFloor,
  NumberParseFloat,
  NumberParseInt,
  NumberPrototypeToFixed,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  quote,
  StringPrototypeEndsWith,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToWellFormed,
  TO_PRIMITIVE,
  TO_STRING_TAG,
} from "./primordials.js";
import { guestNow } from "./clock.js";
import { isLate } from "./epoch.js";
import { sendFrame } from "./channel.js";
import { inspect, loadSecondPart } from "./second.js";
import { warn } from "./warnings.js";
import { behindProxies, briefly, cut, readStack, readString } from "./errors.js";

export const MAX_TEXT = 65536;
// Below the size from which the host takes large results only.
const MAX_FRAME = 200000;
const INDENT = "  ";

export const LOG = "log";
const INFO = "info";
const WARN = "warn";
const ERROR = "error";
const DEBUG = "debug";

export const consoleState = {
  __proto__: null,
  capture: false,
  /** What is left of the run's allowance, and how many calls came after it. */
  entries: 0,
  bytes: 0,
  dropped: 0,
  indentation: "",
  /** By label: calls of `count`, and when `time` was called. */
  counts: new CapturedMap(),
  starts: new CapturedMap(),
};

export function inspectSafely(value, depth, more) {
  try {
    return inspect(value, depth, more);
  } catch (thrown) {
    return "[Threw: " + briefly(thrown) + "]";
  }
}

/** Joins text up to a limit and consoleState.counts what it leaves out. */
export class Text {
  #text = "";
  #whole = 0;

  append(part) {
    const room = MAX_TEXT - this.#text.length;
    this.#whole += part.length;
    if (room > 0) this.#text += part.length > room ? StringPrototypeSlice(part, 0, room) : part;
  }

  get isEmpty() {
    return this.#whole === 0;
  }

  toText() {
    const left = this.#whole - this.#text.length;
    return left > 0 ? this.#text + " … (" + left + " more characters)" : this.#text;
  }
}

/**
 * The text of a console call: format directives in the first string, then the other arguments.
 * @param {unknown[]} args
 */
export function format(args) {
  const text = new Text();
  let used = 0;
  if (args.length > 0 && typeof args[0] === "string") {
    used = args.length === 1 ? 0 : formatDirectives(args, text);
    if (used === 0) text.append(args[used++]);
  }
  for (; used < args.length; used++) {
    if (used > 0) text.append(" ");
    text.append(typeof args[used] === "string" ? args[used] : inspectSafely(args[used], 2));
  }
  return text.toText();
}

/** Add the first argument with its directives filled in; the number of arguments used. */
function formatDirectives(args, text) {
  const template = args[0];
  let used = 1;
  let start = 0;
  let from = 0;
  for (;;) {
    const percent = StringPrototypeIndexOf(template, "%", from);
    if (percent < 0 || percent === template.length - 1) break;
    const letter = template[percent + 1];
    from = percent + 2;
    if (letter === "%") {
      text.append(StringPrototypeSlice(template, start, percent + 1));
      start = from;
      continue;
    }
    if (used >= args.length || !isDirective(letter)) {
      from = percent + 1;
      continue;
    }
    text.append(StringPrototypeSlice(template, start, percent));
    text.append(formatDirective(letter, args[used++]));
    start = from;
  }
  text.append(StringPrototypeSlice(template, start));
  return used;
}

function isDirective(letter) {
  switch (letter) {
    case "s":
    case "d":
    case "i":
    case "f":
    case "j":
    case "o":
    case "O":
    case "c":
      return true;
  }
  return false;
}

function formatDirective(letter, value) {
  try {
    switch (letter) {
      case "s":
        return formatString(value);
      case "d":
        return formatNumber(value, CapturedNumber);
      case "i":
        return formatNumber(value, NumberParseInt);
      case "f":
        return typeof value === "symbol" ? "NaN" : numberText(NumberParseFloat(value));
      case "j":
        return formatJson(value);
      case "o":
        return inspect(value, 4, { __proto__: null, showHidden: true, showProxy: true });
      case "O":
        return inspect(value, 2);
    }
    return "";
  } catch (thrown) {
    return "[Threw: " + briefly(thrown) + "]";
  }
}

function formatString(value) {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return numberText(value);
    case "bigint":
      return value + "n";
    case "object":
      if (value !== null && hasOwnToString(value)) return CapturedString(value);
      return inspect(value, 0);
  }
  return CapturedString(value);
}

/** Whether the guest's own code says how the value reads as a string. */
function hasOwnToString(value) {
  value = behindProxies(value);
  if (isOwnCode(value[TO_PRIMITIVE])) return true;
  for (let object = value; object !== null; object = ObjectGetPrototypeOf(object)) {
    if (core.isProxy(object)) return false;
    const own = ObjectGetOwnPropertyDescriptor(object, "toString");
    if (own === undefined) continue;
    return isOwnCode(own.value);
  }
  return false;
}

function isOwnCode(value) {
  return typeof value === "function" &&
    !StringPrototypeEndsWith(FunctionPrototypeToString(value), "{ [native code] }");
}

function formatNumber(value, convert) {
  if (typeof value === "bigint") return value + "n";
  if (typeof value === "symbol") return "NaN";
  return numberText(convert(value));
}

export function numberText(number) {
  return number === 0 && 1 / number < 0 ? "-0" : "" + number;
}

function formatJson(value) {
  try {
    return "" + JSONStringify(value);
  } catch (thrown) {
    const circular = StringPrototypeIndexOf(readString(thrown, "message") ?? "", "circular") >= 0;
    if (circular) return "[Circular]";
    throw thrown;
  }
}

function indent(text) {
  if (consoleState.indentation === "") return text;
  let result = consoleState.indentation;
  let start = 0;
  for (;;) {
    const end = StringPrototypeIndexOf(text, "\n", start);
    if (end < 0) return result + StringPrototypeSlice(text, start);
    result += StringPrototypeSlice(text, start, end + 1) + consoleState.indentation;
    start = end + 1;
  }
}

/**
 * Send one console call, cut to what is left of the allowance.
 * @param {ConsoleLevel} level
 * @param {string} text
 */
export function emit(level, text) {
  if (isLate()) return;
  if (consoleState.entries <= 0 || consoleState.bytes <= 0) {
    consoleState.dropped++;
    return;
  }
  const line = fitFrame(indent(text));
  let message = StringPrototypeToWellFormed(line);
  if (message !== line) warn("lone surrogates in console lines were replaced by U+FFFD");
  let size = core.byteLength(message);
  if (size > consoleState.bytes) {
    message = cut(message, cutPoint(message, consoleState.bytes - 40));
    size = consoleState.bytes;
  }
  consoleState.entries--;
  consoleState.bytes -= size;
  sendFrame("log", ',"level":"' + level + '","message":' + quote(message));
}

/** Cut what escapes and indentation have made too long for a frame. */
function fitFrame(text) {
  if (text.length <= MAX_TEXT / 2) return text;
  const whole = cut(text, MAX_TEXT + 100);
  return core.byteLength(quote(whole)) <= MAX_FRAME ? whole : cut(text, MAX_TEXT / 2);
}

/** A number of characters of `text` that fits into `bytes`: each takes three at most. */
function cutPoint(text, bytes) {
  if (bytes <= 0) return 0;
  return core.byteLength(text) === text.length ? bytes : (bytes / 3) | 0;
}

function after(args, skip) {
  const rest = createList();
  for (let i = skip; i < args.length; i++) rest[i - skip] = args[i];
  return rest;
}

function textOf(value) {
  try {
    return CapturedString(value);
  } catch (thrown) {
    return "[Threw: " + briefly(thrown) + "]";
  }
}

function labelOf(args) {
  return args.length === 0 || args[0] === undefined ? "default" : cut(textOf(args[0]), 1000);
}

function count(args) {
  const label = labelOf(args);
  const number = (MapPrototypeGet(consoleState.counts, label) ?? 0) + 1;
  MapPrototypeSet(consoleState.counts, label, number);
  emit(LOG, label + ": " + number);
}

function countReset(args) {
  const label = labelOf(args);
  if (MapPrototypeDelete(consoleState.counts, label)) return;
  emit(WARN, "Count for '" + label + "' does not exist");
}

function time(args) {
  const label = labelOf(args);
  if (MapPrototypeGet(consoleState.starts, label) !== undefined) {
    return emit(WARN, "Label '" + label + "' already exists for console.time()");
  }
  MapPrototypeSet(consoleState.starts, label, guestNow());
}

function timeLog(args, method = "timeLog") {
  const label = labelOf(args);
  const start = MapPrototypeGet(consoleState.starts, label);
  if (start === undefined) {
    return emit(WARN, "No such label '" + label + "' for console." + method + "()");
  }
  const text = durationOf(guestNow() - start);
  const more = method === "timeLog" && args.length > 1 ? " " + format(after(args, 1)) : "";
  emit(LOG, label + ": " + text + more);
}

/** As Node writes it: `12.3ms`, `1.500s`, `1:02.003 (m:ss.mmm)`. */
function durationOf(ms) {
  if (ms < 1000) return +NumberPrototypeToFixed(ms, 3) + "ms";
  const seconds = NumberPrototypeToFixed(ms % 60000 / 1000, 3);
  if (ms < 60000) return seconds + "s";
  const minutes = MathFloor(ms / 60000);
  return minutes + ":" + (seconds.length < 6 ? "0" : "") + seconds + " (m:ss.mmm)";
}

function timeEnd(args) {
  timeLog(args, "timeEnd");
  MapPrototypeDelete(consoleState.starts, labelOf(args));
}

function assert(args) {
  if (args[0]) return;
  const rest = after(args, 1);
  // The first one is made text as in Node, and the others fill its directives.
  rest[0] = rest.length === 0 ? "Assertion failed" : "Assertion failed: " + textOf(rest[0]);
  emit(ERROR, format(rest));
}

function trace(args) {
  const marker = { __proto__: null };
  ErrorCaptureStackTrace(marker, trace);
  const stack = readString(marker, "stack") ?? "";
  const text = format(args);
  emit(LOG, "Trace" + (text === "" ? "" : ": " + text) + readStack(stack, "").text);
}

const DIR_OPTIONS = [
  "showHidden",
  "showProxy",
  "depth",
  "maxArrayLength",
  "maxStringLength",
  "breakLength",
  "compact",
  "sorted",
  "getters",
  "customInspect",
  "numericSeparator",
];

function dir(args) {
  const text = new Text();
  try {
    text.append(inspect(args[0], 2, dirOptions(args[1])));
  } catch (thrown) {
    text.append("[Threw: " + briefly(thrown) + "]");
  }
  emit(LOG, text.toText());
}

function dirOptions(given) {
  const options = { __proto__: null, customInspect: false };
  if (!isObject(given)) return options;
  for (let i = 0; i < DIR_OPTIONS.length; i++) {
    const value = given[DIR_OPTIONS[i]];
    if (value !== undefined) options[DIR_OPTIONS[i]] = value;
  }
  return options;
}

function group(args) {
  if (args.length > 0) emit(LOG, format(args));
  if (consoleState.indentation.length < 200) consoleState.indentation += INDENT;
}

function groupEnd() {
  consoleState.indentation = StringPrototypeSlice(consoleState.indentation, INDENT.length);
}

function table(args) {
  try {
    loadSecondPart().logTable(args);
  } catch (thrown) {
    emit(LOG, "[Threw: " + briefly(thrown) + "]");
  }
}

/**
 * Let the console send; called once, with the limits of the run.
 * @param {boolean} capture
 * @param {Limits} limits
 */
export function openConsole(capture, { entries, logs }) {
  consoleState.capture = capture;
  consoleState.entries = entries;
  consoleState.bytes = logs;
}

/**
 * The methods. Nothing is done when nothing is captured.
 * @returns {Record<string, (...args: any[]) => void>}
 */
const consoleMethods = () => ({
  log(...args) {
    if (consoleState.capture) emit(LOG, format(args));
  },
  warn(...args) {
    if (consoleState.capture) emit(WARN, format(args));
  },
  dir(...args) {
    if (consoleState.capture) dir(args);
  },
  time(...args) {
    if (consoleState.capture) time(args);
  },
  timeEnd(...args) {
    if (consoleState.capture) timeEnd(args);
  },
  timeLog(...args) {
    if (consoleState.capture) timeLog(args);
  },
  trace(...args) {
    if (consoleState.capture) trace(args);
  },
  assert(...args) {
    if (consoleState.capture) assert(args);
  },
  // There is no screen to clear.
  clear() {},
  count(...args) {
    if (consoleState.capture) count(args);
  },
  countReset(...args) {
    if (consoleState.capture) countReset(args);
  },
  group(...args) {
    if (consoleState.capture) group(args);
  },
  groupEnd() {
    if (consoleState.capture) groupEnd();
  },
  /** The one method that may throw, whether or not anything is captured. */
  table(data, columns = undefined) {
    if (columns !== undefined && !ArrayIsArray(columns)) loadSecondPart().refuseColumns(columns);
    if (consoleState.capture) table(listOf(data, columns));
  },
  debug(...args) {
    if (consoleState.capture) emit(DEBUG, format(args));
  },
  info(...args) {
    if (consoleState.capture) emit(INFO, format(args));
  },
  dirxml(...args) {
    if (consoleState.capture) emit(LOG, format(args));
  },
  error(...args) {
    if (consoleState.capture) emit(ERROR, format(args));
  },
  groupCollapsed(...args) {
    if (consoleState.capture) group(args);
  },
});

/** The object itself, for a realm whose code has its name. */
export function makeConsole() {
  const tag = { __proto__: null, value: "console", configurable: true };
  return ObjectDefineProperty(consoleMethods(), TO_STRING_TAG, tag);
}
