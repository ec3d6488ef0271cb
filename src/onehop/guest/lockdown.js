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
import { ourNames, portNames, webNames } from "./globals.js";
import { loadSecondPart } from "./second.js";
import { takeStacks } from "./stacks.js";
import { makeConsole } from "./console.js";
import { timerGlobals } from "./timers.js";
import { atomicsFunctions } from "./waits.js";
import { cloneGlobals, limitCloneables } from "./clone.js";

/** @beforeGuest the lockdown comes before the job */
const languageNames = () =>
  [
    "AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array",
    "BigUint64Array Boolean DataView Date DisposableStack Error EvalError FinalizationRegistry",
    "Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl",
    "Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect",
    "RegExp Set SharedArrayBuffer String SuppressedError Symbol SyntaxError Temporal TypeError",
    "URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet",
    "decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite",
    "isNaN parseFloat parseInt undefined unescape",
  ].join(" ").split(" ");

// Deno dispatches `beforeunload` on the global object, whose listeners hang on such symbols.
const ALLOWED_SYMBOLS = 2;

/**
 * Names that must be gone whatever the list above says.
 * @beforeGuest the lockdown comes before the job
 */
const forbiddenNames = () =>
  (
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
  for (const name of ObjectKeys(source)) defineBuiltin(target, name, source[name]);
}

/** @beforeGuest the lockdown comes before the job */
function defineBuiltin(target, name, value) {
  ObjectDefineProperty(target, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
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
  return new Set([...languageNames(), ...webNames(), ...ourNames(), ...portNames()]);
}

/** @beforeGuest the lockdown comes before the job */
export function removeGlobals() {
  const allowed = allowedGlobals();
  for (const name of ReflectOwnKeys(globalThis)) {
    if (typeof name === "string" && !allowed.has(name)) delete globalThis[name];
  }
}

/** What libraries look at to see where they run; nothing of the machine. */
const bareNavigator = () => ({
  userAgent: "onehop",
  language: "en-US",
  languages: Object.freeze(["en-US"]),
  hardwareConcurrency: 1,
  onLine: false,
});

/**
 * Close what the language and Deno leave open; no global of ours is there yet.
 * @beforeGuest the lockdown comes before the job
 */
export function lockDown() {
  limitCloneables();
  takeStacks();
  defineBuiltins(Atomics, atomicsFunctions);
}

/**
 * Put a global of ours there.
 * @beforeGuest the lockdown comes before the job
 */
export function defineOurs(name) {
  const ready = timerGlobals[name] ?? cloneGlobals[name];
  if (ready !== undefined) return defineBuiltin(globalThis, name, ready);
  switch (name) {
    case "console":
      return defineBuiltin(globalThis, name, makeConsole());
    case "navigator":
      return defineBuiltin(globalThis, name, bareNavigator());
    case "self":
      return defineBuiltin(globalThis, name, globalThis);
    case "tools":
      return defineLazily(name, () => loadSecondPart().openTools());
    case "snippets":
      return defineLazily(name, () => loadSecondPart().openSnippets());
    case "ToolError":
      return defineLazily(name, () => loadSecondPart().ToolError);
    case "$once":
      return defineLazily(name, () => loadSecondPart().onceGlobal);
    default:
      return defineLazily(name, () => loadSecondPart().services[name]);
  }
}

/**
 * End the process unless the lockdown did what it should.
 * @beforeGuest the lockdown comes before the job
 */
export function verifyLockdown() {
  for (const name of forbiddenNames()) {
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
