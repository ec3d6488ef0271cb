// What a thrown value says, in the coordinates of the caller's own text.

const MAX_MESSAGE = 8192;
const MAX_FRAMES = 30;
const MAX_STACK = 16384;
const MAX_CAUSES = 3;

// The name under which the code is compiled must be a URL; the guest sees the part behind it.
const JS_FILE = "onehop:code.js";

/** Where the running code sits in the text that was compiled; set by run.js. */
const source = {
  __proto__: null,
  file: JS_FILE,
  shownAs: "code.js",
  // Characters that the wrapper puts before the first line.
  shift: 0,
};

const IMPORT_REFUSAL = "A dynamic import callback was not specified.";
const IMPORT_MESSAGE =
  "import() is not available in the sandbox: there are no modules, only the language, its " +
  "standard objects and the data in `context`";

function cut(text, limit) {
  if (text.length <= limit) return text;
  return StringPrototypeSlice(text, 0, limit) + " … (" + (text.length - limit) +
    " more characters)";
}

/** The property as a string, or null; never throws. */
function readString(object, name) {
  try {
    const value = object[name];
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

function isError(value) {
  try {
    return ErrorIsError(value);
  } catch {
    return false;
  }
}

/** A short text for any value; never throws. */
function show(value, depth = 2) {
  if (typeof value === "string") return value;
  try {
    return inspect(value, depth);
  } catch {
    return "[a value that cannot be shown]";
  }
}

/** @returns {{name: string, message: string}} never throws. */
function nameAndMessage(thrown) {
  if (!isError(thrown)) return { __proto__: null, name: "Error", message: show(thrown) };
  const message = readString(thrown, "message") ?? "";
  return {
    __proto__: null,
    name: cut(readString(thrown, "name") || "Error", 200),
    message: message === IMPORT_REFUSAL ? IMPORT_MESSAGE : message,
  };
}

/** One line for an error met on the way, such as a getter that threw. */
function briefly(thrown) {
  const { name, message } = nameAndMessage(thrown);
  const text = message === "" ? name : message;
  return cut(text, 200);
}

/**
 * Read `<file>:<line>:<column>` of the guest's code in a line of a stack; null if it has none.
 * @returns {{start: number, end: number, line: number, column: number} | null}
 */
function findPlace(text) {
  const start = StringPrototypeIndexOf(text, source.file + ":");
  if (start < 0) return null;
  const numbers = StringPrototypeSlice(text, start + source.file.length);
  const match = RegExpPrototypeExec(/^:(\d{1,9}):(\d{1,9})/, numbers);
  if (match === null) return null;
  const line = +match[1];
  const shift = line === 1 ? source.shift : 0;
  return {
    __proto__: null,
    start,
    end: start + source.file.length + match[0].length,
    line,
    column: +match[2] > shift ? match[2] - shift : 1,
  };
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

/** Whether a line of text is a stack frame that is not the guest's. */
function isForeignFrame(line) {
  return RegExpPrototypeExec(
    /^\s*at .*(?:\((?:ext:|node:|onehop:|data:|blob:|<anonymous>)|^\s*at (?:async )?(?:ext:|node:|onehop:|data:|blob:))/,
    line,
  ) !== null;
}

/** Text that may hold stacks, such as a formatted error, with only the guest's own frames. */
function cleanStacks(text) {
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
 * @returns {{text: string, line: number | null, column: number | null}}
 */
function readStack(stack, message) {
  const result = { __proto__: null, text: "", line: null, column: null };
  // A message of several lines could look like frames.
  const found = message === "" ? -1 : StringPrototypeIndexOf(stack, message);
  let start = found < 0 ? 0 : found + message.length;
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
  const { frames } = destructureError(thrown);
  let stack = "";
  for (let i = 0; i < frames.length && i < MAX_FRAMES; i++) {
    const { fileName, functionName, lineNumber, columnNumber } = frames[i];
    const place = fileName + ":" + lineNumber + ":" + columnNumber;
    stack += "\n    at " + (functionName ? functionName + " (" + place + ")" : place);
  }
  return readStack(stack, "");
}

function placeOf(thrown, message) {
  const stack = readString(thrown, "stack");
  if (stack !== null) {
    const read = readStack(cut(stack, 4 * MAX_STACK), message);
    if (read.line !== null) return read;
  }
  try {
    return readFrames(thrown);
  } catch {
    return { __proto__: null, text: "", line: null, column: null };
  }
}

/** What lies behind an error: its cause, or the errors of an AggregateError; never throws. */
function reasonsOf(thrown) {
  let text = "";
  try {
    const { errors } = thrown;
    if (ArrayIsArray(errors)) {
      for (let i = 0; i < errors.length && i < MAX_CAUSES; i++) {
        text += (i === 0 ? "" : "; ") + briefly(errors[i]);
      }
      if (errors.length > MAX_CAUSES) text += "; …";
    }
  } catch {
    // A getter of the guest: nothing to tell.
  }
  let cause = thrown;
  for (let i = 0; i < MAX_CAUSES; i++) {
    try {
      if (!isError(cause) || cause.cause === undefined) break;
      cause = cause.cause;
    } catch {
      break;
    }
    text += (text === "" ? "" : "; ") + "cause: " + briefly(cause);
  }
  return text;
}

/** Everything the error frame tells of a thrown value; never throws. */
function describeThrown(thrown) {
  const { name, message } = nameAndMessage(thrown);
  if (!isError(thrown)) {
    return { __proto__: null, name, message: cut(message, MAX_MESSAGE), stack: null };
  }
  const place = placeOf(thrown, readString(thrown, "message") ?? "");
  const reasons = reasonsOf(thrown);
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

/** The `error` object of a frame as JSON text. */
function errorToJson({ name, message, stack = null, line = null, column = null }) {
  return '{"name":' + quote(name) + ',"message":' + quote(message) + ',"stack":' +
    (stack === null ? "null" : quote(stack)) + ',"line":' + line + ',"column":' + column + "}";
}
