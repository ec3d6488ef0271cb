// Source text to a function, without any of it running, and the run itself.

const JS_HEAD = "return __run__;async function __run__() {";
const TAIL = "\n}";
// A number here instead of Deno's own options makes every import() in the code reject.
const NO_IMPORTS = [1];
const DECORATOR_HELPER = "_apply_decs_2203_r";
const TS_NAME = "__onehop_take__";
const TS_NEST = 24;

/** A failure of the text itself, before anything ran. */
class Unrunnable {
  constructor(message, line, column, syntax = true) {
    this.name = syntax ? "SyntaxError" : "TypeError";
    this.message = message;
    this.line = line;
    this.column = column;
    this.syntax = syntax;
  }
}

const importCapable = (url) => import(url);

/** Where a character of the caller's text is. */
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

/** Compile a function body; an Unrunnable when it is no JavaScript. */
function compileBody(text, file) {
  const { stackTraceLimit } = CapturedError;
  // Without a stack, V8 reports the place of the message, which is the place in the text.
  CapturedError.stackTraceLimit = 0;
  const [body, error] = compileFunction(text, file, NO_IMPORTS, []);
  CapturedError.stackTraceLimit = stackTraceLimit;
  if (error === null) return body;
  const [frame] = destructureError(error.thrown).frames;
  const line = frame?.lineNumber ?? null;
  const shift = line === 1 ? source.shift : 0;
  const column = frame?.columnNumber ? frame.columnNumber - shift : null;
  return new Unrunnable(nameAndMessage(error.thrown).message, line, column > 0 ? column : null);
}

function compileJavaScript(code) {
  source.shift = JS_HEAD.length;
  source.shownAs = "code.js";
  source.file = JS_FILE;
  const body = compileBody(JS_HEAD + code + TAIL, JS_FILE);
  if (body instanceof Unrunnable) return body;
  const run = body();
  const text = FunctionPrototypeToString(run);
  const head = JS_HEAD.length - "return __run__;".length;
  if (text === JS_HEAD.slice("return __run__;".length) + code + TAIL) return run;
  // The function ends before the text does: at a brace that closes nothing of the caller's.
  const { line, column } = locate(code, text.length - head - 1);
  return new Unrunnable("Unexpected token '}'", line, column);
}

/**
 * Have Deno's compiler turn TypeScript into JavaScript, which it does only for modules.
 *
 * The module stops before it reaches the code, and its only part that matters is the text of a
 * function in it. The code sits inside brackets in a random order: code that ended the function
 * and closed them all could add a static import, which would run.
 */
async function compileTypeScript(code) {
  const nonce = randomUUID();
  const { open, close } = randomBrackets(nonce);
  const head = TS_NAME + "(__outer__);throw 0;function __outer__(){return " + open +
    "async function __run__() {";
  source.shift = head.length;
  source.shownAs = "code.ts";
  const text = head + code + '\n;"' + nonce + '"}' + close + "}";
  const url = objectURL.create(new CapturedBlob([text], { type: "application/typescript" }));
  source.file = url;
  const { outer, refusal } = await transpile(url);
  objectURL.revoke(url);
  if (refusal !== undefined) return readRefusal(refusal, url);
  return extractRun(outer, url, nonce);
}

function randomBrackets(nonce) {
  const digits = nonce.replaceAll("-", "");
  let open = "";
  let close = "";
  for (let i = 0; i < TS_NEST; i++) {
    const bits = NumberParseInt(digits[i], 16) & 3;
    open += ["(", "[", "((", "[("][bits];
    close = [")", "]", "))", ")]"][bits] + close;
  }
  return { open, close };
}

async function transpile(url) {
  let outer;
  ObjectDefineProperty(globalThis, TS_NAME, {
    __proto__: null,
    value: (taken) => (outer = taken),
    configurable: true,
  });
  try {
    await importCapable(url);
    return { refusal: new CapturedError("the module did not stop") };
  } catch (thrown) {
    return thrown === 0 && outer !== undefined ? { outer } : { refusal: thrown };
  } finally {
    delete globalThis[TS_NAME];
  }
}

/** The compiler's words and place, in the caller's coordinates. */
function readRefusal(refusal, url) {
  const { message } = nameAndMessage(refusal);
  const place = message.lastIndexOf(" at " + url);
  const match = RegExpPrototypeExec(/^:(\d+):(\d+)/, message.slice(place + 4 + url.length));
  let words = message.split("\n")[0].replace(/^SyntaxError: /, "");
  const inWords = words.indexOf(" at " + url);
  if (inWords >= 0) words = words.slice(0, inWords);
  if (place < 0 || match === null) return new Unrunnable(words, null, null);
  const line = +match[1];
  const column = +match[2] - (line === 1 ? source.shift : 0);
  return new Unrunnable(words, line, column > 0 ? column : null);
}

function extractRun(outer, url, nonce) {
  const text = FunctionPrototypeToString(outer);
  // The compiler puts the function on line 3, and its source map is found by the file's name.
  const body = compileBody("return __outer__;\n\n" + text, url);
  if (body instanceof Unrunnable) return body;
  const run = unwrap(body()());
  if (!endsWithNonce(run, nonce)) return new Unrunnable("Unexpected token '}'", null, null);
  if (!text.includes(DECORATOR_HELPER)) return run;
  // The helper of decorators is out of reach, in the module's own scope, where import() works.
  if (RegExpPrototypeExec(/\bimport\b/, text) !== null) {
    return new Unrunnable(
      IMPORT_MESSAGE + " (code with decorators may not even hold the word import)",
      null,
      null,
      false,
    );
  }
  const own = unwrap(outer());
  return endsWithNonce(own, nonce) ? own : new Unrunnable("Unexpected token '}'", null, null);
}

function unwrap(value) {
  while (ArrayIsArray(value)) value = value[0];
  return value;
}

function endsWithNonce(run, nonce) {
  if (typeof run !== "function") return false;
  const text = FunctionPrototypeToString(run);
  return text.startsWith("async function __run__() {") &&
    RegExpPrototypeExec(/;\s*"([-0-9a-f]{36})";(?:\s*var [\w$, ]+;)?\s*}$/, text)?.[1] === nonce;
}

/** @returns {Promise<Function | Unrunnable>} */
async function compile(code, language) {
  return language === "typescript" ? await compileTypeScript(code) : compileJavaScript(code);
}

/** The value that the code returns, or what it throws; the guest runs in here. */
async function call(run, context) {
  ObjectDefineProperty(globalThis, "context", {
    __proto__: null,
    value: context,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  const promise = ReflectApply(run, undefined, []);
  // With this own property, await takes the promise as it is and looks nothing up.
  ObjectDefineProperty(promise, "constructor", { __proto__: null, value: CapturedPromise });
  return await promise;
}
