// A process that runs one job after another, each in a realm of its own; all are of one agent.
//
// This is its main realm, in which nothing of the guest's ever runs. docs/explanation/isolation.md
// tells what keeps realms apart, and docs/reference/protocol.md has the frames.

import {
  core,
  eventLoopHasMoreWork,
  getterOf,
  inspectArgs,
  NO_IMPORTS,
  quote,
  uncurryThis,
} from "./primordials.js";
import { die, exitProcess, halt, readText, sendFrame } from "./channel.js";
import { ourNames, portNames, webNames } from "./globals.js";
import { nextTurn } from "./turns.js";
import { freezeDeeply } from "./main_lock.js";

/**
 * Realms in one turn of the event loop. V8 keeps them until its end, 0.4 MB each and as much again for
 * the collections that they bring forward; a turn takes some hundredths of a small run.
 */
const RUNS_A_TURN = 4;
/** Realms that are tried before the process is ready: V8 has compiled the way by then. */
const TRIALS = 8;

const CORE = (
  "byteLength cancelTimer createTimer decode destructureError encode eventLoopHasMoreWork " +
  "getPromiseDetails getProxyDetails immediateRefCount isAnyArrayBuffer isArgumentsObject " +
  "isArrayBuffer isAsyncFunction isBigIntObject isBooleanObject isBoxedPrimitive isDataView " +
  "isDate isGeneratorFunction isGeneratorObject isMap isMapIterator isNumberObject isPromise " +
  "isProxy isRegExp isSet isSetIterator isSharedArrayBuffer isStringObject isTypedArray " +
  "isWeakMap isWeakSet processTicksAndRejections queueImmediate read refOpPromise unrefOpPromise " +
  "unrefTimer compileFunction"
).split(" ");
const CLASSES = (
  "AbortController AbortSignal Blob ByteLengthQueuingStrategy CompressionStream " +
  "CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream Event " +
  "EventTarget File MessageEvent Performance PerformanceEntry PerformanceMark PerformanceMeasure " +
  "QuotaExceededError " +
  "ReadableByteStreamController ReadableStream ReadableStreamBYOBReader " +
  "ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader " +
  "SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream " +
  "TransformStreamDefaultController URL URLPattern URLSearchParams WritableStream " +
  "WritableStreamDefaultController WritableStreamDefaultWriter"
).split(" ");
/** Of a call site, what gives text and numbers. */
const SITE_METHODS = new Set(
  ("getTypeName getMethodName getEvalOrigin isToplevel isEval isNative isConstructor isAsync " +
    "isPromiseAll getPromiseIndex getFunctionName getFileName getLineNumber getColumnNumber toString")
    .split(" "),
);
const NOT_CLONED = ["createObjectURL", "revokeObjectURL"];
const CLONEABLE = ["DOMException", "Blob", "File"];

/** @type {any} */
const { onehopVm: vm } = /** @type {any} */ (globalThis);
const { Script, compileFunction: compileInContext, createContext } = vm;
const NEW_REALM = vm.constants.DONT_CONTEXTIFY;
const NO_CODE_FROM_TEXT = { codeGeneration: { strings: false, wasm: false } };

/** @type {any} */
const state = {
  __proto__: null,
  /** What the realm of the present run has for us. */
  realm: null,
  context: null,
  /** The next realm, and its context: made while the host reads the last answer. */
  next: null,
  nextContext: null,
  isOver: false,
  isLooping: false,
};

const bootstrap = new Script(Deno.args[0], { filename: "onehop:guest" });
/** Parts of the bootstrap by their text, as scripts, which V8 parses once for all realms. */
const parts = new Map(
  [Deno.args[1], Deno.args[2], Deno.args[3]].map((text) => [
    text,
    new Script("(function(){" + text + "\n})", { filename: "onehop:guest" }),
  ]),
);
const partOf = uncurryThis(Map.prototype.get).bind(null, parts);

/** As Deno's own function of the name has it, but the function is one of the realm's. */
function compileForRealm(source, filename) {
  try {
    const part = partOf(source);
    if (part !== undefined) return [part.runInContext(state.context), null];
    return [compileInContext(source, [], { filename, parsingContext: state.context }), null];
  } catch (thrown) {
    return refused(source, filename) ?? [null, { thrown }];
  }
}

/** The same error as this realm's own, of which V8 tells the place; nothing of the text runs. */
function refused(source, filename) {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const result = core.compileFunction(source, filename, NO_IMPORTS, []);
  Error.stackTraceLimit = stackTraceLimit;
  return result[1] === null ? null : result;
}

const names = new Map();
const isWellKnown = new Set(Reflect.ownKeys(Symbol).map((key) => Symbol[key]));

function memberOf(owner, key, isStatic) {
  const { value, get, set, enumerable } = /** @type {any} */ (
    Object.getOwnPropertyDescriptor(owner, key)
  );
  const member = { __proto__: null, key, isStatic, enumerable, get, set };
  return typeof value === "function" ? { ...member, call: value } : { ...member, value };
}

function membersOf(owner, isStatic) {
  const left = isStatic ? ["length", "name", "prototype", ...NOT_CLONED] : ["constructor"];
  return Reflect.ownKeys(owner)
    .filter((key) => (typeof key === "string" ? !left.includes(key) : isWellKnown.has(key)))
    .map((key) => memberOf(owner, key, isStatic));
}

/** What a realm needs to make a class of its own that stands for the one with that name. */
function describeClass(name) {
  const inner = globalThis[name];
  names.set(inner, name).set(inner.prototype, name);
  const parent = Object.getPrototypeOf(inner);
  return {
    __proto__: null,
    inner,
    parent: CLASSES.find((each) => globalThis[each] === parent) ?? "",
    isError: inner === DOMException || inner.prototype instanceof DOMException,
    members: [...membersOf(inner.prototype, false), ...membersOf(inner, true)],
  };
}

const classes = { __proto__: null };
for (const name of CLASSES) classes[name] = describeClass(name);
const timeout = classes.AbortSignal.members.find(({ key }) => key === "timeout");
const { call: abortLater } = timeout;
timeout.call = function timeout(delay) {
  // Its timer is one that the event loop does not wait for.
  state.realm.noteTrace();
  return abortLater.call(AbortSignal, delay);
};

const siteMethods = { __proto__: null };
Error.prepareStackTrace = (_error, sites) => {
  const prototype = Object.getPrototypeOf(sites[0]);
  for (const name of Object.getOwnPropertyNames(prototype)) {
    siteMethods[name] = uncurryThis(prototype[name]);
  }
};
void new Error().stack;
delete /** @type {any} */ (Error).prepareStackTrace;

/** @type {any[]} */
const urlReaders = "href origin protocol username password host hostname port pathname search"
  .split(" ").concat("searchParams", "hash")
  .map((name) => [name, getterOf(URL.prototype, name)]);
const { stdin: input, stdout: output, stderr: lastWords } = Deno;
const { structuredClone: cloneInMain, performance: clock } = globalThis;

const views = { __proto__: null, DataView };
for (const name of Object.getOwnPropertyNames(globalThis)) {
  if (Object.getPrototypeOf(globalThis[name] ?? 0) === Object.getPrototypeOf(Uint8Array)) {
    views[name] = globalThis[name];
  }
}
const isDetached = getterOf(ArrayBuffer.prototype, "detached");

/** A view of this realm's over a buffer; over an empty one that is detached, as theirs, or for null. */
function viewOver(kind, buffer, offset, length) {
  if (buffer !== null && !(core.isArrayBuffer(buffer) && isDetached(buffer))) {
    return new views[kind](buffer, offset, length);
  }
  const empty = new ArrayBuffer(0);
  const view = new views[kind](empty);
  empty.transfer();
  return view;
}

const globalNames = [
  ...ourNames().map((name) => [name, true]),
  ...[...webNames(), ...portNames()].map((name) => [name, false]),
];
/**
 * How code comes to the global object, how it writes a name in another way, and how it comes to
 * code that nobody here has seen.
 */
const ROADS = ["globalThis", "self", "this", "\\u", "snippets"];

/**
 * Tell of each global that the code may look at: those whose names stand in it. All of them for null, and
 * for code that may come to names in another way. Making them all takes a tenth of a small run.
 */
function eachGlobal(code, define) {
  const mayNameAll = code === null || ROADS.some((road) => code.includes(road));
  for (const [name, isOurs] of globalNames) {
    if (mayNameAll || code.includes(name)) define(name, isOurs);
  }
}

/** What realms get; their bootstrap lets none of it through to the guest. */
const host = {
  __proto__: null,
  ObjectPrototype: Object.prototype,
  core: { __proto__: null, kRefed: core.kRefed, hostObjectBrand: core.hostObjectBrand },
  coreNames: CORE,
  classes,
  siteMethods,
  siteNames: Object.keys(siteMethods).filter((name) => SITE_METHODS.has(name)),
  values: { __proto__: null, atob, btoa, crypto, performance: clock },
  args: Deno.args,
  exit: Deno.exit,
  inspect: inspectArgs,
  now: () => clock.now(),
  read: (bytes) => input.readSync(bytes),
  write: (bytes) => output.writeSync(bytes),
  complain: (bytes) => lastWords.writeSync(bytes),
  halt,
  ended,
  eachGlobal,
  /** The name of the class that something is, or is an instance of; empty when it is none. */
  className(value) {
    if (typeof value === "function") return names.get(value) ?? "";
    for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
      if (names.has(at)) return names.get(at);
    }
    return "";
  },
  construct: (inner, args) => Reflect.construct(inner, args),
  viewOver,
  promise: (executor) => new Promise(executor),
  whenSettled: (promise, fulfilled, rejected) => void promise.then(fulfilled, rejected),
  describe(thrown) {
    const isError = Error.isError(thrown);
    return {
      name: isError ? String(thrown.name) : "Error",
      message: isError ? String(thrown.message) : String(thrown),
    };
  },
  clone(value) {
    if (!CLONEABLE.some((name) => value instanceof globalThis[name])) {
      throw new DOMException("an object of the platform cannot be cloned", "DataCloneError");
    }
    return cloneInMain(value);
  },
  /** Whether V8 clones an object without fields, and without proxies and Deno's brand above it. */
  isData(value) {
    try {
      cloneInMain(value);
      return true;
    } catch {
      return false;
    }
  },
  urlParts: (url) =>
    url instanceof URL ? urlReaders.flatMap(([name, read]) => [name, read(url)]) : null,
  searchPairs: (search) => search instanceof URLSearchParams ? [...search].flat() : null,
  searchText: (search) => URLSearchParams.prototype.toString.call(search),
};
for (const name of CORE) host.core[name] = core[name];
host.core.compileFunction = compileForRealm;

function prepareRealm() {
  const context = createContext(NEW_REALM, NO_CODE_FROM_TEXT);
  const before = state.context;
  state.context = context;
  state.next = bootstrap.runInContext(context)(host);
  state.nextContext = context;
  state.context = before;
}

function enterRealm() {
  if (state.next === null) prepareRealm();
  state.realm = state.next;
  state.context = state.nextContext;
  state.next = null;
  return state.realm;
}

/** The answer of the present run is out, and nothing of it is left. */
function ended(hasWeb) {
  state.isOver = true;
  if (hasWeb) {
    clock.clearMarks();
    clock.clearMeasures();
  }
  if (!state.isLooping) nextTurn(serve);
}

/** Take jobs and run them until one needs more turns of the event loop. */
function serve() {
  state.isLooping = true;
  for (let i = 0; i < RUNS_A_TURN; i++) {
    if (state.next === null) prepareRealm();
    const text = readText();
    if (text === null) return exitProcess(0);
    state.isOver = false;
    enterRealm().run(text);
    if (!state.isOver) {
      state.isLooping = false;
      return;
    }
  }
  state.isLooping = false;
  nextTurn(serve);
}

function watchForFailures() {
  const present = (act) => (first, second) => {
    if (state.realm === null) die("a failure before the first job");
    return act(state.realm, first, second);
  };
  const fail = present((realm, thrown) => realm.fail(thrown));
  core.setReportExceptionCallback(fail);
  core.setUnhandledPromiseRejectionHandler(
    present((realm, promise, reason) => (realm.noteRejection(promise, reason), true)),
  );
  core.setHandledPromiseRejectionHandler(
    present((realm, promise) => realm.forgetRejection(promise)),
  );
  globalThis.addEventListener("error", (event) => fail(event.error));
  globalThis.addEventListener("beforeunload", present((realm) => realm.endStuckRun()));
}

/** Globals without which Deno's own JavaScript does not work. */
const KEPT = new Set(["globalThis", "undefined", "NaN", "Infinity", ...CLASSES]);

/** No code of the guest's comes here, but see main_lock.js. */
function lockMainRealm() {
  const language = Object.getOwnPropertyNames(globalThis).filter(isOfTheLanguage);
  freezeDeeply([...language, ...CLASSES].map((name) => globalThis[name]));
  for (const name of Reflect.ownKeys(globalThis)) {
    if (typeof name === "string" && !KEPT.has(name) && !language.includes(name)) {
      delete globalThis[name];
    }
  }
}

const LANGUAGE = new Set(Object.getOwnPropertyNames(createContext(NEW_REALM, NO_CODE_FROM_TEXT)));

function isOfTheLanguage(name) {
  return LANGUAGE.has(name) && name !== "console" && name !== "WebAssembly" &&
    name !== "globalThis";
}

function prove() {
  for (let i = 0; i < TRIALS; i++) enterRealm().prove();
  state.realm = null;
  if (eventLoopHasMoreWork()) die("a trial left work behind");
}

function start() {
  const { deno, v8, typescript } = Deno.version;
  const ignore = () => {};
  Deno.addSignalListener("SIGUSR2", ignore);
  Deno.removeSignalListener("SIGUSR2", ignore);
  watchForFailures();
  lockMainRealm();
  prove();
  sendFrame(
    "ready",
    ',"deno":' + quote(deno) + ',"v8":' + quote(v8) + ',"typescript":' + quote(typescript),
  );
  nextTurn(serve);
}

globalThis.addEventListener("load", () => {
  try {
    start();
  } catch (thrown) {
    die(String(thrown?.stack ?? thrown));
  }
}, { once: true });
