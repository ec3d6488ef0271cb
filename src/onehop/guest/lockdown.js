// What the guest finds on the global object: the language, and harmless standard objects.
//
// An allow-list, so that what a later Deno adds stays away until someone has looked at it.

import {
  CapturedFunction,
  ObjectDefineProperty,
  ObjectKeys,
  ReflectOwnKeys,
} from "./primordials.js";
import { die } from "./channel.js";
import { loadSecondPart } from "./second.js";
import { takeStacks } from "./stacks.js";
import { guestConsole } from "./console.js";
import { timerGlobals } from "./timers.js";
import { atomicsFunctions } from "./waits.js";
import { cloneGlobals, limitCloneables } from "./clone.js";

/** The web's, as far as they touch nothing outside the process. */
export const WEB_GLOBALS = [
  "AbortController AbortSignal Blob ByteLengthQueuingStrategy CompressionStream",
  "CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream Event",
  "EventTarget File MessageEvent Performance PerformanceEntry PerformanceMark PerformanceMeasure",
  "QuotaExceededError",
  "ReadableByteStreamController ReadableStream ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader",
  "SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream",
  "TransformStreamDefaultController URL URLPattern URLSearchParams WritableStream",
  "WritableStreamDefaultController WritableStreamDefaultWriter atob btoa crypto performance",
  "addEventListener dispatchEvent removeEventListener",
].join(" ").split(" ");

const OTHER_GLOBALS = [
  // The language.
  "AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array",
  "BigUint64Array Boolean DataView Date DisposableStack Error EvalError FinalizationRegistry",
  "Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl",
  "Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect",
  "RegExp Set SharedArrayBuffer String SuppressedError Symbol SyntaxError Temporal TypeError",
  "URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet",
  "decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite",
  "isNaN parseFloat parseInt undefined unescape",
  // Ours.
  "clearImmediate clearInterval clearTimeout console queueMicrotask setImmediate setInterval",
  "setTimeout structuredClone MessageChannel MessagePort navigator self tools ToolError",
  "show progress store $once",
];

// Deno dispatches `beforeunload` on the global object, whose listeners hang on such symbols.
const ALLOWED_SYMBOLS = 2;

/** Names that must be gone whatever the list above says. */
const FORBIDDEN_GLOBALS = (
  "Deno process Buffer global require Worker SharedWorker WebAssembly ShadowRealm fetch " +
  "Request Response WebSocket EventSource BroadcastChannel Navigator " +
  "localStorage sessionStorage caches alert confirm prompt close window " +
  "importScripts reportError location"
).split(" ");

/**
 * Put on `target` what `source` has, as ordinary built-ins look: writable, not enumerable.
 * @beforeGuest the lockdown comes before the job
 */
export function defineBuiltins(target, source) {
  for (const name of ObjectKeys(source)) {
    ObjectDefineProperty(target, name, {
      __proto__: null,
      value: source[name],
      writable: true,
      enumerable: false,
      configurable: true,
    });
  }
}

/**
 * Put a global there that is made when it is first looked at; the code may put another in its place.
 * @beforeGuest the lockdown comes before the job
 */
export function defineLazily(name, make) {
  ObjectDefineProperty(globalThis, name, {
    __proto__: null,
    get: () => make(name),
    set: (value) =>
      ObjectDefineProperty(globalThis, name, {
        __proto__: null,
        value,
        writable: true,
        enumerable: false,
        configurable: true,
      }),
    enumerable: false,
    configurable: true,
  });
}

/** @beforeGuest the lockdown comes before the job */
function allowedGlobals() {
  return new Set([...OTHER_GLOBALS.join(" ").split(" "), ...WEB_GLOBALS]);
}

/** @beforeGuest the lockdown comes before the job */
export function removeGlobals() {
  const allowed = allowedGlobals();
  for (const name of ReflectOwnKeys(globalThis)) {
    if (typeof name === "string" && !allowed.has(name)) delete globalThis[name];
  }
}

/** What libraries look at to see where they run; nothing of the machine. */
const bareNavigator = {
  userAgent: "onehop",
  language: "en-US",
  languages: Object.freeze(["en-US"]),
  hardwareConcurrency: 1,
  onLine: false,
};

/** @beforeGuest the lockdown comes before the job */
export function lockDown() {
  limitCloneables();
  takeStacks();
  defineBuiltins(globalThis, timerGlobals);
  defineBuiltins(globalThis, cloneGlobals);
  defineBuiltins(Atomics, atomicsFunctions);
  defineBuiltins(globalThis, { console: guestConsole, navigator: bareNavigator });
  defineBuiltins(globalThis, { self: globalThis });
  defineLazily("tools", () => loadSecondPart().openTools());
  defineLazily("ToolError", () => loadSecondPart().ToolError);
  defineLazily("show", () => loadSecondPart().services.show);
  defineLazily("progress", () => loadSecondPart().services.progress);
  defineLazily("$once", () => loadSecondPart().onceGlobal);
  defineLazily("store", () => loadSecondPart().services.store);
}

/**
 * End the process unless the lockdown did what it should.
 * @beforeGuest the lockdown comes before the job
 */
export function verifyLockdown() {
  for (const name of FORBIDDEN_GLOBALS) {
    if (name in globalThis) die("the global " + name + " is still there");
  }
  const allowed = allowedGlobals();
  let symbols = 0;
  for (const key of ReflectOwnKeys(globalThis)) {
    if (typeof key === "symbol") symbols++;
    else if (!allowed.has(key)) die("the global object still has " + key);
  }
  if (symbols > ALLOWED_SYMBOLS) die("the global object has an unknown symbol");
  let generated = true;
  try {
    new CapturedFunction("");
  } catch {
    generated = false;
  }
  if (generated) die("code generation from strings is on");
}
