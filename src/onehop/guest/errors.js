// What a thrown value says, in the coordinates of the caller's own text.

import {
  ArrayIsArray,
  CapturedWeakMap,
  core,
  createList,
  destructureError,
  ErrorIsError,
  ErrorPrototype,
  isObject,
  listOf,
  ObjectGetPrototypeOf,
  ObjectPrototypeHasOwnProperty,
  quote,
  RegExpPrototypeExec,
  StringPrototypeEndsWith,
  StringPrototypeIndexOf,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeTrimStart,
  WeakMapPrototypeGet,
} from "./primordials.js";
import { inspect } from "./second.js";
import { withAdvice } from "./advice.js";

const MAX_MESSAGE = 8192;
const MAX_FRAMES = 30;
export const MAX_STACK = 16384;
const MAX_CAUSES = 3;
const MAX_PROXIES = 10;
export const MAX_PROTOTYPES = 100;

// The name under which the code is compiled must be a URL; the guest sees the part behind it.
export const JS_FILE = "onehop:code.js";

/** Lines that the wrapper puts before the code. */
const HEAD_LINES = 1;
const FIRST_PLACE = { __proto__: null, line: 1, column: 1 };

/**
 * Where the running code sits in the text that was compiled; set by run.js.
 * @type {Source}
 */
export const source = {
  __proto__: null,
  file: JS_FILE,
  shownAs: "code.js",
  // For code that was compiled from another text: a function of (line, column) that gives the
  // `{line, column}` in that text, or null for what the compiler added. Null when there is none.
  toOriginal: null,
};

/**
 * The one place where a position of V8's becomes one of the caller's own text.
 * @param {string | null} file
 * @param {any} line of V8's, null where it has none
 * @param {any} column
 * @returns {FilePlace | null} null for what is not the caller's.
 */
export function placeInText(file, line, column) {
  if (file !== source.file || !(line > 0)) return null;
  const own = line > HEAD_LINES ? { line: line - HEAD_LINES, column } : FIRST_PLACE;
  const place = source.toOriginal === null ? own : source.toOriginal(own.line, own.column);
  if (place === null) return null;
  return { __proto__: null, file: source.shownAs, line: place.line, column: place.column };
}

const IMPORT_REFUSAL = "A dynamic import callback was not specified.";
const IMPORT_MESSAGE =
  "import() is not available in the sandbox: there are no modules, only the language, its " +
  "standard objects and the data in `context`";

export function cut(text, limit) {
  if (text.length <= limit) return text;
  return StringPrototypeSlice(text, 0, limit) + " … (" + (text.length - limit) +
    " more characters)";
}

/**
 * The property as a string, or null; never throws.
 * @param {any} object
 * @param {string} name
 * @returns {string | null}
 */
export function readString(object, name) {
  try {
    const value = object[name];
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

/**
 * What a Proxy stands for, without asking its handler; any other value as it is.
 * @param {any} value
 * @returns {any}
 */
export function behindProxies(value) {
  for (let i = 0; i < MAX_PROXIES && core.isProxy(value); i++) {
    value = core.getProxyDetails(value)[0];
  }
  return value;
}

/** Whether a value is an error, a Proxy of one, or made by a class of errors in the old style. */
export function isError(value) {
  try {
    const behind = behindProxies(value);
    return ErrorIsError(behind) || inheritsFrom(behind, ErrorPrototype);
  } catch {
    return false;
  }
}

export function hasOwn(object, name) {
  try {
    return ObjectPrototypeHasOwnProperty(object, name);
  } catch {
    return false;
  }
}

export function inheritsFrom(object, wanted) {
  if (!isObject(object)) return false;
  for (let i = 0; i < MAX_PROTOTYPES && object !== null; i++) {
    object = ObjectGetPrototypeOf(object);
    if (object === wanted) return true;
  }
  return false;
}

/** The same of an error that may be behind a Proxy, whose handler need not play along. */
export function readErrorString(error, name) {
  return readString(error, name) ?? readString(behindProxies(error), name);
}

/**
 * A short text for any value; never throws.
 * @param {unknown} value
 */
export function show(value, depth = 2) {
  if (typeof value === "string") return value;
  try {
    return inspect(value, depth);
  } catch {
    return "[a value that cannot be shown]";
  }
}

/** The message of an error as text, also when the code has put something else there. */
function readMessage(error) {
  const text = readErrorString(error, "message");
  if (text !== null) return text;
  try {
    const { message } = error;
    return message === undefined ? "" : show(message);
  } catch {
    return "";
  }
}

/**
 * @param {unknown} thrown
 * @returns {NameAndMessage} never throws.
 */
export function nameAndMessage(thrown) {
  if (!isError(thrown)) return { __proto__: null, name: "Error", message: show(thrown) };
  const message = readMessage(thrown);
  return {
    __proto__: null,
    name: cut(readErrorString(thrown, "name") || "Error", 200),
    message: message === IMPORT_REFUSAL ? IMPORT_MESSAGE : withAdvice(message),
  };
}

/**
 * One line for an error met on the way, such as a getter that threw.
 * @param {unknown} thrown
 */
export function briefly(thrown) {
  const { name, message } = nameAndMessage(thrown);
  const text = message === "" ? name : message;
  return cut(text, 200);
}

/**
 * Read `<file>:<line>:<column>` of the guest's code in a line of a stack; null if it has none.
 * The file is the one shown, or the raw one when the guest has put another `Error` in place.
 * @param {string} text
 * @returns {FoundPlace | null}
 */
function findPlace(text) {
  return findPosition(text, source.file, placeInText) ??
    findPosition(text, source.shownAs, (_file, line, column) => ({ line, column }));
}

function findPosition(text, file, toPlace) {
  const start = StringPrototypeLastIndexOf(text, file + ":");
  if (start < 0) return null;
  const numbers = StringPrototypeSlice(text, start + file.length);
  const match = RegExpPrototypeExec(/^:(\d{1,9}):(\d{1,9})/, numbers);
  if (match === null) return null;
  const place = toPlace(file, +match[1], +match[2]);
  if (place === null) return null;
  const end = start + file.length + match[0].length;
  return { __proto__: null, start, end, line: place.line, column: place.column };
}

/** A stack line of the guest's code as the guest knows it: without our wrapper's name. */
function rewriteFrame(text, place) {
  const shown = source.shownAs + ":" + place.line + ":" + place.column;
  const before = StringPrototypeSlice(text, 0, place.start);
  const after = StringPrototypeSlice(text, place.end);
  const wrapper = RegExpPrototypeExec(/^(\s*at )(?:async )?__run__ \($/, before);
  if (wrapper !== null && after === ")") return wrapper[1] + shown;
  return before + shown + after;
}

const FOREIGN_FRAME =
  /^\s*at (?:.*\((?:ext:|node:|onehop:|data:|blob:|<anonymous>)|(?:async )?(?:ext:|node:|onehop:|data:|blob:))/;

/** Whether a line of text is a stack frame that is not the guest's. */
function isForeignFrame(line) {
  return RegExpPrototypeExec(FOREIGN_FRAME, line) !== null;
}

/** Text that may hold stacks, such as a formatted error, with only the guest's own frames. */
export function cleanStacks(text) {
  if (StringPrototypeIndexOf(text, "    at ") < 0) return text;
  let cleaned = "";
  let start = 0;
  while (start <= text.length) {
    const found = StringPrototypeIndexOf(text, "\n", start);
    const end = found < 0 ? text.length : found;
    const line = StringPrototypeSlice(text, start, end);
    const place = StringPrototypeIndexOf(line, "at ") < 0 ? null : findPlace(line);
    if (place !== null) cleaned += (start === 0 ? "" : "\n") + rewriteFrame(line, place);
    else if (!isForeignFrame(line)) cleaned += (start === 0 ? "" : "\n") + line;
    // The last frame is followed by the brace before the error's own fields.
    else if (StringPrototypeEndsWith(line, " {")) cleaned += " {";
    start = end + 1;
  }
  return cleaned;
}

/**
 * The guest's frames in a stack: their text, and where the innermost is.
 * @param {string} stack
 * @param {string} message
 * @returns {Frames}
 */
export function readStack(stack, message) {
  /** @type {Frames} */
  const result = { __proto__: null, text: "", line: null, column: null };
  // A message of several lines could look like frames; it begins in the first line.
  const found = message === "" ? -1 : StringPrototypeIndexOf(stack, message);
  const isHeader = found >= 0 && found <= (StringPrototypeIndexOf(stack, "\n") >>> 0);
  let start = isHeader ? found + message.length : 0;
  for (let frames = 0; frames < MAX_FRAMES && start < stack.length;) {
    const next = StringPrototypeIndexOf(stack, "\n", start);
    const end = next < 0 ? stack.length : next;
    const line = StringPrototypeTrimStart(StringPrototypeSlice(stack, start, end));
    const place = StringPrototypeStartsWith(line, "at ") ? findPlace(line) : null;
    if (place !== null) {
      result.text += "\n    " + cut(rewriteFrame(line, place), 300);
      result.line ??= place.line;
      result.column ??= place.column;
      frames++;
    }
    start = end + 1;
  }
  return result;
}

/** The same from V8's own frames, for an error whose `stack` the guest has replaced. */
function readFrames(thrown) {
  const { frames } = destructureError(behindProxies(thrown));
  let stack = "";
  for (let i = 0; i < frames.length && i < MAX_FRAMES; i++) {
    const { fileName, functionName, lineNumber, columnNumber } = frames[i];
    const place = fileName + ":" + lineNumber + ":" + columnNumber;
    stack += "\n    at " + (functionName ? functionName + " (" + place + ")" : place);
  }
  return readStack(stack, "");
}

const NO_PLACE = { __proto__: null, text: "", line: null, column: null };

/** The frames that an error had when its stack was first read, which may have been replaced since. */
export const firstStacks = new CapturedWeakMap();

/** The ways to the frames of a thrown object, each a function of it and its message. */
const WAYS_TO_FRAMES = listOf(
  (thrown, message) =>
    readStack(cut(readErrorString(thrown, "stack") ?? "", 4 * MAX_STACK), message),
  readFrames,
  (thrown) => readStack(WeakMapPrototypeGet(firstStacks, behindProxies(thrown)) ?? "", ""),
);

/** The frames of a thrown value; never throws. */
function framesOf(thrown, message) {
  if (!isObject(thrown) || inheritsStack(behindProxies(thrown))) return NO_PLACE;
  for (let i = 0; i < WAYS_TO_FRAMES.length; i++) {
    try {
      const read = WAYS_TO_FRAMES[i](thrown, message);
      if (read.line !== null) return read;
    } catch {
      // A Proxy or a getter of the guest: the next way may lead there.
    }
  }
  return NO_PLACE;
}

/** The same, and of an error that has none, such as that of Promise.any, those of its reasons. */
function placeOf(thrown, message) {
  const own = framesOf(thrown, message);
  if (own.line !== null || !isError(thrown)) return own;
  const reasons = listReasons(thrown);
  for (let i = 0; i < reasons.length; i++) {
    const { line, column } = framesOf(reasons[i], readErrorString(reasons[i], "message") ?? "");
    if (line !== null) return { __proto__: null, text: "", line, column };
  }
  return NO_PLACE;
}

/** Whether the stack is that of an error which serves as a class's prototype. */
function inheritsStack(thrown) {
  let object = thrown;
  try {
    for (let i = 0; i < MAX_PROTOTYPES && object !== null; i++) {
      if (i > 0 && ErrorIsError(object)) {
        return !isReplaced(object, readErrorString(thrown, "stack"));
      }
      if (ObjectPrototypeHasOwnProperty(object, "stack")) return false;
      object = ObjectGetPrototypeOf(object);
    }
  } catch {
    // A Proxy of the guest.
  }
  return false;
}

/** Whether the text is not the stack that the engine has made of the error: `this.stack = …` in a
 * constructor replaces the one of its prototype. */
function isReplaced(error, text) {
  const own = WeakMapPrototypeGet(firstStacks, error);
  return typeof text === "string" && (own === undefined || !StringPrototypeEndsWith(text, own));
}

/** What lies behind an error, its errors and its causes; never throws. */
function reasonsOf(thrown) {
  const errors = errorsOf(thrown);
  let text = "";
  for (let i = 0; i < errors.length && i < MAX_CAUSES; i++) {
    text += (i === 0 ? "" : "; ") + briefly(errors[i]);
  }
  if (errors.length > MAX_CAUSES) text += "; …";
  const causes = causesOf(thrown);
  for (let i = 0; i < causes.length; i++) {
    text += (text === "" ? "" : "; ") + "cause: " + briefly(causes[i]);
  }
  return text;
}

function listReasons(thrown) {
  const reasons = causesOf(thrown);
  const errors = errorsOf(thrown);
  for (let i = 0; i < errors.length && i < MAX_CAUSES; i++) reasons[reasons.length] = errors[i];
  return reasons;
}

/** Of an AggregateError at most one more than are told; of a SuppressedError both. */
function errorsOf(thrown) {
  const list = createList();
  try {
    if (hasOwn(thrown, "suppressed")) return listOf(thrown.error, thrown.suppressed);
    const { errors } = thrown;
    if (!ArrayIsArray(errors)) return list;
    for (let i = 0; i < errors.length && i <= MAX_CAUSES; i++) list[i] = errors[i];
  } catch {
    // A getter of the guest: nothing to tell.
  }
  return list;
}

function causesOf(thrown) {
  const list = createList();
  let cause = thrown;
  while (list.length < MAX_CAUSES) {
    try {
      if (!isError(cause) || cause.cause === undefined) break;
      cause = cause.cause;
    } catch {
      break;
    }
    list[list.length] = cause;
  }
  return list;
}

/**
 * Everything the error frame tells of a thrown value; never throws.
 * @param {unknown} thrown
 * @returns {Failure}
 */
export function describeThrown(thrown) {
  const { name, message } = nameAndMessage(thrown);
  const place = placeOf(thrown, isObject(thrown) ? readErrorString(thrown, "message") ?? "" : "");
  const reasons = isError(thrown) ? reasonsOf(thrown) : "";
  const whole = cut(reasons === "" ? message : message + " (" + reasons + ")", MAX_MESSAGE);
  const header = whole === "" ? name : name + ": " + whole;
  return {
    __proto__: null,
    name,
    message: whole,
    stack: place.text === "" ? null : cut(header + place.text, MAX_STACK),
    line: place.line,
    column: place.column,
  };
}

/**
 * The `error` object of a frame as JSON text.
 * @param {Failure} failure
 */
export function errorToJson({ name, message, stack = null, line = null, column = null }) {
  return '{"name":' + quote(name) + ',"message":' + quote(message) + ',"stack":' +
    (stack === null ? "null" : quote(stack)) + ',"line":' + line + ',"column":' + column + "}";
}
