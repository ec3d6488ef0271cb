// What the guest finds on the global object: the language, and harmless standard objects.
//
// An allow-list, so that what a later Deno adds stays away until someone has looked at it.

const ALLOWED_GLOBALS = [
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
  "setTimeout structuredClone MessageChannel MessagePort navigator self",
  // The web's, as far as they touch nothing outside the process.
  "AbortController AbortSignal Blob ByteLengthQueuingStrategy CompressionStream",
  "CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream Event",
  "EventTarget File MessageEvent Performance PerformanceEntry PerformanceMark PerformanceMeasure",
  "QuotaExceededError",
  "ReadableByteStreamController ReadableStream ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader",
  "SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream",
  "TransformStreamDefaultController URL URLPattern URLSearchParams WritableStream",
  "WritableStreamDefaultController WritableStreamDefaultWriter atob btoa crypto performance",
].join(" ").split(" ");

// Deno dispatches `beforeunload` on the global object, whose listeners hang on such symbols.
const ALLOWED_SYMBOLS = 2;

/** Names that must be gone whatever the list above says. */
const FORBIDDEN_GLOBALS = (
  "Deno process Buffer global require Worker SharedWorker WebAssembly ShadowRealm fetch " +
  "Request Response WebSocket EventSource BroadcastChannel Navigator " +
  "localStorage sessionStorage caches alert confirm prompt close window " +
  "importScripts reportError location"
).split(" ");

const objectURL = { __proto__: null, create: URL.createObjectURL, revoke: URL.revokeObjectURL };
const CapturedBlob = Blob;

/** Put on `target` what `source` has, as ordinary built-ins look: writable, not enumerable. */
function defineBuiltins(target, source) {
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

const allowedGlobals = new Set(ALLOWED_GLOBALS);

function removeGlobals() {
  for (const name of ReflectOwnKeys(globalThis)) {
    if (typeof name === "string" && !allowedGlobals.has(name)) delete globalThis[name];
  }
}

// What these are restored from holds no more than the guest had: text, and parts of its own blobs.
const CLONEABLE = ["DOMException", "Blob", "File"];

/** Deno's own words for a deserializer that threw. */
const NOT_RESTORED = "could not deserialize value";

function dataCloneError(what) {
  return new CapturedDOMException(what + " cannot be cloned", "DataCloneError");
}

/**
 * Cloning without transfer of streams and ports, and without the types that Deno registers: their
 * deserializers are handed whatever the guest puts behind Deno's brand for host objects. Each of
 * those refuses; without any, Deno would panic.
 */
function limitStructuredClone() {
  const cloneable = ObjectSetPrototypeOf(core.getCloneableDeserializers(), null);
  for (const name of ObjectKeys(cloneable)) {
    if (CLONEABLE.includes(name)) continue;
    cloneable[name] = () => {
      throw dataCloneError(name);
    };
  }
  const clone = globalThis.structuredClone;
  const cloneOrRefuse = (value, options) => {
    try {
      return clone(value, options);
    } catch (thrown) {
      // A getter of the guest may have thrown the like; it is the same to it.
      if (readString(thrown, "message") !== NOT_RESTORED) throw thrown;
      throw dataCloneError("an object of the platform, such as a CryptoKey,");
    }
  };
  return {
    structuredClone(value, options = undefined) {
      if (arguments.length === 0) throw new CapturedTypeError("structuredClone needs a value");
      if (options !== null && typeof options !== "object" && typeof options !== "function" &&
        options !== undefined) {
        throw new CapturedTypeError("the options of structuredClone must be an object");
      }
      const transfer = createList();
      const wanted = options?.transfer;
      if (wanted !== undefined) {
        if (!ArrayIsArray(wanted)) throw new CapturedTypeError("transfer must be an array");
        const length = wanted.length;
        for (let i = 0; i < length; i++) {
          // Read once: the next time a getter may give another object.
          const buffer = wanted[i];
          if (!core.isArrayBuffer(buffer)) {
            throw new CapturedTypeError("only an ArrayBuffer can be transferred");
          }
          for (let j = 0; j < i; j++) {
            if (transfer[j] === buffer) throw dataCloneError("a buffer in transfer twice");
          }
          transfer[i] = buffer;
        }
      }
      return transfer.length === 0
        ? cloneOrRefuse(value)
        : cloneOrRefuse(value, { __proto__: null, transfer: plainArray(transfer) });
    },
  };
}

/** An ordinary array of the elements of a list, without a setter of the guest seeing them. */
function plainArray(list) {
  const array = [];
  for (let i = 0; i < list.length; i++) {
    ObjectDefineProperty(array, i, {
      __proto__: null,
      value: list[i],
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return array;
}

/** What libraries look at to see where they run; nothing of the machine. */
const bareNavigator = {
  userAgent: "onehop",
  language: "en-US",
  languages: Object.freeze(["en-US"]),
  hardwareConcurrency: 1,
  onLine: false,
};

/** The guest's own structuredClone; set by the lockdown. */
let guestClone;

function lockDown() {
  const clone = limitStructuredClone();
  guestClone = clone.structuredClone;
  takeStacks();
  removeGlobals();
  defineBuiltins(globalThis, timerGlobals);
  defineBuiltins(globalThis, clone);
  defineBuiltins(Atomics, atomicsFunctions);
  defineBuiltins(globalThis, { console: guestConsole, navigator: bareNavigator });
  defineBuiltins(globalThis, { self: globalThis, MessageChannel, MessagePort });
  delete URL.createObjectURL;
  delete URL.revokeObjectURL;
}

/** End the process unless the lockdown did what it should. */
function verifyLockdown() {
  for (const name of FORBIDDEN_GLOBALS) {
    if (name in globalThis) die("the global " + name + " is still there");
  }
  let symbols = 0;
  for (const key of ReflectOwnKeys(globalThis)) {
    if (typeof key === "symbol") symbols++;
    else if (!allowedGlobals.has(key)) die("the global object still has " + key);
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
