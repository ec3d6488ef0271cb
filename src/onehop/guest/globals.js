// The names that the code finds on the global object beside the language. Functions, because a realm is
// made for each run, and only the process's main realm needs the lists.

/** @beforeGuest the lists are read when the globals are made, before the job */
const words = (lines) => lines.join(" ").split(" ");

/** The web's, as far as they touch nothing outside the process. */
export const webNames = () =>
  words([
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
  ]);

/** Ours. */
export const ourNames = () =>
  words([
    "clearImmediate clearInterval clearTimeout console queueMicrotask setImmediate setInterval",
    "setTimeout structuredClone navigator self tools snippets ToolError show progress store",
    "$once",
  ]);

export const portNames = () => words(["MessageChannel MessagePort"]);
