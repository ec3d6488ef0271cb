// Source text to a function, without any of it running, and the run itself.

import {
  CapturedError,
  CapturedPromise,
  CapturedTypeError,
  compileFunction,
  destructureError,
  FunctionPrototypeToString,
  NO_IMPORTS,
  ObjectDefineProperty,
  ReflectApply,
  RegExpPrototypeExec,
} from "./primordials.js";
import { setToken } from "./channel.js";
import { loadThirdPart, prepareFor } from "./second.js";
import { inEpoch } from "./epoch.js";
import { forgetWarnings, warn } from "./warnings.js";
import { PositionMap } from "./positions.js";
import { nameAndMessage, placeInText, source } from "./errors.js";
import { collectAsync, isAsyncIterable } from "./values_steps.js";
import { openConsole } from "./console.js";
import { answers, fail, sendError } from "./answers.js";

// The line break lets the first line be what it may be at the start of a script, such as `-->`.
const JS_FUNCTION = "async function __run__() {\n";
const JS_HEAD = "return __run__;" + JS_FUNCTION;
const KEPT_HEAD = "async function __run__() {";
const TAIL = "\n}";

/** A failure of the text itself, before anything ran. */
class Unrunnable {
  constructor(message, line, column) {
    this.name = "SyntaxError";
    this.message = message;
    this.line = line;
    this.column = column;
  }
}

/**
 * Where a character of the caller's text is.
 * @beforeGuest the text is compiled before any of it runs
 */
function locate(code, offset) {
  let line = 1;
  let start = 0;
  for (;;) {
    const end = code.indexOf("\n", start);
    if (end < 0 || end >= offset) return { line, column: offset - start + 1 };
    start = end + 1;
    line++;
  }
}

/**
 * Compile a function body; an Unrunnable when it is no JavaScript.
 * @beforeGuest the text is compiled before any of it runs
 */
function compileBody(text) {
  const { stackTraceLimit } = CapturedError;
  // Without a stack, V8 reports the place of the message, which is the place in the text.
  CapturedError.stackTraceLimit = 0;
  const [body, error] = compileFunction(text, source.file, NO_IMPORTS, []);
  CapturedError.stackTraceLimit = stackTraceLimit;
  if (error === null) return body;
  const [frame] = destructureError(error.thrown).frames;
  const place = frame ? placeInText(source.file, frame.lineNumber, frame.columnNumber) : null;
  const { message } = nameAndMessage(error.thrown);
  return new Unrunnable(message, place?.line ?? null, place?.column ?? null);
}

/**
 * Compile the body of an async function; `original` is what it was made from.
 * @param {{code: string, original: Original | null, session: SessionJob | null}} program
 * @returns {Function | Unrunnable}
 */
export function compile({ code, original, session }) {
  source.shownAs = original === null ? "code.js" : "code.ts";
  source.toOriginal = original === null ? null : lazyMap(code, original);
  const body = compileBody(JS_HEAD + code + TAIL);
  if (body instanceof Unrunnable) return findExtraBrace(code, body);
  const run = body();
  const text = FunctionPrototypeToString(run);
  if (text === JS_FUNCTION + code + TAIL) {
    return session === null ? run : keep(code, session) ?? run;
  }
  return extraBrace(code, text);
}

/** The same, with what it declares kept for later calls; null when it can only run as it is. */
function keep(code, session) {
  if (session.read && session.edits.length === 0) return null;
  const run = session.read
    ? loadThirdPart().compileKept(code, session, KEPT_HEAD, TAIL)
    : "it is not understood";
  if (typeof run !== "string") return run;
  warn("what this call declares is not kept for later calls: " + run);
  return null;
}

/**
 * Most runs have no error, and read no map.
 * @param {string} compiled
 * @param {Original} original
 * @returns {(line: number, column: number) => Place | null}
 */
function lazyMap(compiled, original) {
  /** @type {PositionMap | null} */
  let map = null;
  return (line, column) => {
    map ??= new PositionMap(original.map, compiled, original.code);
    return map.originalOf(line, column);
  };
}

/**
 * The function ended before the text does: at a brace that closes nothing of the caller's.
 * @beforeGuest the text is compiled before any of it runs
 */
function extraBrace(code, text) {
  const part = text.slice(JS_FUNCTION.length, -1);
  // The code may have defined another function of that name.
  if (!code.startsWith(part)) return new Unrunnable("Unexpected token '}'", null, null);
  const { line, column } = locate(code, part.length);
  return new Unrunnable("Unexpected token '}'", line, column);
}

/**
 * An error behind the end of the code means our own last brace: look for the one before it.
 * @beforeGuest the text is compiled before any of it runs
 */
function findExtraBrace(code, error) {
  if (error.line === null || error.line <= code.split("\n").length) return error;
  const body = compileBody(JS_HEAD + code);
  return body instanceof Unrunnable ? error : extraBrace(code, FunctionPrototypeToString(body()));
}

/**
 * Start the code; the guest runs in here, until it first waits.
 * @beforeGuest the guest starts at its end
 */
export function call(run, context) {
  giveContext(context);
  const promise = inEpoch(() => ReflectApply(run, undefined, []));
  // With this own property, await takes the promise as it is and looks nothing up.
  ObjectDefineProperty(promise, "constructor", { __proto__: null, value: CapturedPromise });
  return promise;
}

function giveContext(context) {
  try {
    ObjectDefineProperty(globalThis, "context", {
      __proto__: null,
      value: context,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } catch {
    throw new CapturedTypeError(
      "an earlier call of this session has frozen the global object, so that `context` cannot " +
        "be set: use another session",
    );
  }
}

const NOTHING = /^/;

/**
 * Run a job and hand on what it returns; nothing of the guest has run before.
 * @param {Job} job
 * @param {(value: unknown) => void} handOn
 */
export async function runJob(job, handOn) {
  setToken(job.token);
  forgetWarnings();
  answers.limits = job.limits;
  openConsole(job.capture, job.limits);
  prepareFor(job);
  const run = compile(job);
  if (run instanceof Unrunnable) return sendError(run, true);
  RegExpPrototypeExec(NOTHING, ""); // RegExp.$_ and its like tell of the last match, which was ours
  // The guest starts inside of processTicksAndRejections: Deno has read its lists by then, and a
  // setter on Array.prototype finds nothing of it.
  await undefined;
  let value;
  try {
    value = await call(run, job.context);
    if (isAsyncIterable(value)) value = await collectAsync(value);
  } catch (thrown) {
    return fail(thrown);
  }
  handOn(value);
}
