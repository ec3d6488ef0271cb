// Source text to a function, without any of it running, and the run itself.

const JS_FUNCTION = "async function __run__() {";
const JS_HEAD = "return __run__;" + JS_FUNCTION;
const TAIL = "\n}";
// A number here instead of Deno's own options makes every import() in the code reject.
const NO_IMPORTS = [1];
const DECORATOR_HELPER = "_apply_decs_2203_r";
const TS_NAME = "__onehop_take__";

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
  placeInBody("code.js");
  const body = compileBody(JS_HEAD + code + TAIL, JS_FILE);
  if (body instanceof Unrunnable) return findExtraBrace(code, body);
  const run = body();
  const text = FunctionPrototypeToString(run);
  if (text === JS_FUNCTION + code + TAIL) return run;
  return extraBrace(code, text);
}

/**
 * Compile TypeScript of which the host has erased the types; null when V8 refuses it, so that the
 * compiler may say what is wrong, or that nothing is.
 */
function compilePlain(code) {
  placeInBody("code.ts");
  const body = compileBody(JS_HEAD + code + TAIL, JS_FILE);
  if (body instanceof Unrunnable) return null;
  const run = body();
  return FunctionPrototypeToString(run) === JS_FUNCTION + code + TAIL ? run : null;
}

function placeInBody(shownAs) {
  source.shift = JS_HEAD.length;
  source.shownAs = shownAs;
  source.file = JS_FILE;
}

/** The function ended before the text does: at a brace that closes nothing of the caller's. */
function extraBrace(code, text) {
  const part = text.slice(JS_FUNCTION.length, -1);
  // The code may have defined another function of that name.
  if (!code.startsWith(part)) return new Unrunnable("Unexpected token '}'", null, null);
  const { line, column } = locate(code, part.length);
  return new Unrunnable("Unexpected token '}'", line, column);
}

/** An error behind the end of the code means our own last brace: look for the one before it. */
function findExtraBrace(code, error) {
  if (error.line === null || error.line <= code.split("\n").length) return error;
  const body = compileBody(JS_HEAD + code, JS_FILE);
  return body instanceof Unrunnable ? error : extraBrace(code, FunctionPrototypeToString(body()));
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
  const head = TS_NAME + "(__outer__);throw 0;function __outer__($){return " + open +
    JS_FUNCTION;
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

/** Brackets that nobody can close without knowing `nonce`. */
function randomBrackets(nonce) {
  let open = "";
  let close = "";
  for (const digit of nonce.replaceAll("-", "")) {
    const isRound = NumberParseInt(digit, 16) % 2 === 0;
    // Calls and accesses, because the compiler would indent the code in lists or objects.
    open += isRound ? "$(" : "$[";
    close = (isRound ? ")" : "]") + close;
  }
  return { open: open + "$(", close: ")" + close };
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
  const outerText = FunctionPrototypeToString(outer);
  const text = findRun(outerText, nonce);
  if (text === null) return new Unrunnable("Unexpected token '}'", null, null);
  // The compiler puts `outer` on line 3. On the same line and under the module's own name, the
  // code is found by the source map, which leads every position back to the TypeScript.
  const lines = outerText.slice(0, outerText.indexOf(JS_FUNCTION)).split("\n").length + 1;
  const body = compileBody("return __run__;" + "\n".repeat(lines) + text, url);
  if (body instanceof Unrunnable) return body;
  const run = body();
  if (FunctionPrototypeToString(run) !== text) {
    return new Unrunnable("Unexpected token '}'", null, null);
  }
  return text.includes(DECORATOR_HELPER) ? extractDecorated(outer, outerText, text) : run;
}

/** The text of the function in the brackets; null when there is more in them. */
function findRun(outerText, nonce) {
  const start = outerText.indexOf(JS_FUNCTION);
  const end = outerText.indexOf("}", outerText.lastIndexOf(nonce)) + 1;
  if (start < 0 || end === 0) return null;
  const before = /^function __outer__\(\$\) {\s*return [\s$[(]*$/;
  const isAlone = RegExpPrototypeExec(before, outerText.slice(0, start)) !== null &&
    RegExpPrototypeExec(/^[\s\])};]*$/, outerText.slice(end)) !== null;
  return isAlone ? outerText.slice(start, end) : null;
}

/**
 * The helper that decorators need is out of reach, in the module's own scope, so the module's own
 * function must run; import() works in there.
 */
function extractDecorated(outer, outerText, text) {
  if (RegExpPrototypeExec(/\bimport\b/, outerText) !== null) {
    const more = " (code with decorators may not even hold the word import)";
    return new Unrunnable(IMPORT_MESSAGE + more, null, null, false);
  }
  let run = outer;
  // The innermost call comes first.
  outer((given) => (run = run === outer ? given : run));
  return FunctionPrototypeToString(run) === text
    ? run
    : new Unrunnable("Unexpected token '}'", null, null);
}

/** @returns {Promise<Function | Unrunnable>} */
async function compile({ code, language, plain }) {
  if (language !== "typescript") return compileJavaScript(code);
  const run = typeof plain === "string" ? compilePlain(plain) : null;
  return run ?? await compileTypeScript(code);
}

/** Start the code; the guest runs in here, until it first waits. */
function call(run, context) {
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
  return promise;
}
