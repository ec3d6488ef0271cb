// What code finds in the sandbox beside the language, for the check of types before a run. It has
// what lockdown.js leaves there. Where precise types would help nobody, they are loose: what runs must
// never be refused.

// deno-lint-ignore-file no-explicit-any no-var ban-types guest/state -- declarations

// --- console and timers ---

interface Console {
  assert(condition?: unknown, ...data: unknown[]): void;
  clear(): void;
  count(label?: string): void;
  countReset(label?: string): void;
  debug(...data: unknown[]): void;
  dir(item?: unknown, options?: unknown): void;
  dirxml(...data: unknown[]): void;
  error(...data: unknown[]): void;
  group(...data: unknown[]): void;
  groupCollapsed(...data: unknown[]): void;
  groupEnd(): void;
  info(...data: unknown[]): void;
  log(...data: unknown[]): void;
  profile(label?: string): void;
  profileEnd(label?: string): void;
  table(data?: unknown, columns?: readonly string[]): void;
  time(label?: string): void;
  timeEnd(label?: string): void;
  timeLog(label?: string, ...data: unknown[]): void;
  timeStamp(label?: string): void;
  trace(...data: unknown[]): void;
  warn(...data: unknown[]): void;
  [name: string]: any;
}
declare var console: Console;

declare function setTimeout(
  callback: (...args: any[]) => void,
  delay?: number,
  ...args: any[]
): any;
declare function setInterval(
  callback: (...args: any[]) => void,
  delay?: number,
  ...args: any[]
): any;
declare function setImmediate(callback: (...args: any[]) => void, ...args: any[]): any;
declare function clearTimeout(timer?: any): void;
declare function clearInterval(timer?: any): void;
declare function clearImmediate(timer?: any): void;
declare function queueMicrotask(callback: () => void): void;
declare function structuredClone<T = any>(value: T, options?: { transfer?: any[] }): T;

// --- tools ---

/** A call of a tool that failed. */
interface ToolError extends Error {
  tool: string;
  code:
    | "unknown_tool"
    | "invalid_arguments"
    | "denied"
    | "blocked"
    | "expired"
    | "timeout"
    | "unavailable"
    | "auth_required"
    | "failed"
    | "too_large"
    | "invalid_result"
    | "budget"
    | "internal";
  field?: string;
  expected?: string;
  parameters?: string[];
  nearest?: string[];
  retryable: boolean;
  retryAfter?: number;
  status?: number;
  effect: "none" | "applied" | "unknown";
}
declare var ToolError: {
  new (message?: string, fields?: object): ToolError;
  readonly prototype: ToolError;
};

// --- what the code hands to its host ---

/** Adds a file to the result's artifacts: text, bytes, or data as JSON. */
declare function show(value: unknown, options?: { type?: string; title?: string }): void;
/** Tells how far the code is, from 0 to 1. */
declare function progress(fraction: number, message?: string | null): void;
/**
 * The value that `make` gives, as JSON. When a paused run is made again, or replayed, the value is
 * the one that it gave the first time: for what may come out differently.
 */
declare function $once<T>(name: string, make: () => T | Promise<T>): Promise<T>;
/** Keeps JSON data with the session. */
declare const store: {
  get(key: string): Promise<any>;
  set(key: string, value: any): Promise<void>;
  delete(key: string): Promise<boolean>;
  keys(): Promise<string[]>;
};

// --- text ---

declare function atob(text: string): string;
declare function btoa(text: string): string;

interface TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}
declare var TextEncoder: { new (): TextEncoder; readonly prototype: TextEncoder };
interface TextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: ArrayBufferLike | ArrayBufferView, options?: { stream?: boolean }): string;
}
declare var TextDecoder: {
  new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
  readonly prototype: TextDecoder;
};

interface URL {
  hash: string;
  host: string;
  hostname: string;
  href: string;
  readonly origin: string;
  password: string;
  pathname: string;
  port: string;
  protocol: string;
  search: string;
  readonly searchParams: URLSearchParams;
  username: string;
  toJSON(): string;
  toString(): string;
}
declare var URL: {
  new (url: string | URL, base?: string | URL): URL;
  readonly prototype: URL;
  canParse(url: string | URL, base?: string | URL): boolean;
  parse(url: string | URL, base?: string | URL): URL | null;
};
interface URLSearchParams {
  readonly size: number;
  append(name: string, value: any): void;
  delete(name: string, value?: any): void;
  entries(): IterableIterator<[string, string]>;
  forEach(
    callback: (value: string, key: string, parent: URLSearchParams) => void,
    self?: any,
  ): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: any): boolean;
  keys(): IterableIterator<string>;
  set(name: string, value: any): void;
  sort(): void;
  toString(): string;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}
declare var URLSearchParams: {
  new (init?: any): URLSearchParams;
  readonly prototype: URLSearchParams;
};
type URLPattern = any;
declare var URLPattern: any;

// --- numbers, bytes, time ---

interface Crypto {
  readonly subtle: any;
  getRandomValues<T>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
}
declare var Crypto: any;
declare var crypto: Crypto;
type CryptoKey = any;
declare var CryptoKey: any;
type SubtleCrypto = any;
declare var SubtleCrypto: any;

interface Performance extends EventTarget {
  readonly timeOrigin: number;
  now(): number;
  mark(name: string, options?: any): any;
  measure(name: string, options?: any, end?: string): any;
  clearMarks(name?: string): void;
  clearMeasures(name?: string): void;
  getEntries(): any[];
  getEntriesByName(name: string, type?: string): any[];
  getEntriesByType(type: string): any[];
  toJSON(): any;
}
declare var Performance: any;
declare var performance: Performance;
type PerformanceEntry = any;
declare var PerformanceEntry: any;
type PerformanceMark = any;
declare var PerformanceMark: any;
type PerformanceMeasure = any;
declare var PerformanceMeasure: any;

declare namespace Temporal {
  type Duration = any;
  type Instant = any;
  type PlainDate = any;
  type PlainDateTime = any;
  type PlainMonthDay = any;
  type PlainTime = any;
  type PlainYearMonth = any;
  type ZonedDateTime = any;
  const Duration: any;
  const Instant: any;
  const Now: any;
  const PlainDate: any;
  const PlainDateTime: any;
  const PlainMonthDay: any;
  const PlainTime: any;
  const PlainYearMonth: any;
  const ZonedDateTime: any;
}

// --- events ---

interface Event {
  readonly type: string;
  readonly target: any;
  readonly currentTarget: any;
  readonly defaultPrevented: boolean;
  readonly timeStamp: number;
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
  [name: string]: any;
}
declare var Event: {
  new (type: string, init?: any): Event;
  readonly prototype: Event;
  readonly NONE: 0;
  readonly CAPTURING_PHASE: 1;
  readonly AT_TARGET: 2;
  readonly BUBBLING_PHASE: 3;
};
interface EventTarget {
  addEventListener(type: string, listener: any, options?: any): void;
  removeEventListener(type: string, listener: any, options?: any): void;
  dispatchEvent(event: Event): boolean;
  getParent(event: Event): any;
}
declare var EventTarget: { new (): EventTarget; readonly prototype: EventTarget };
interface CustomEvent<T = any> extends Event {
  readonly detail: T;
}
declare var CustomEvent: {
  new <T = any>(type: string, init?: any): CustomEvent<T>;
  readonly prototype: CustomEvent;
};
interface MessageEvent<T = any> extends Event {
  readonly data: T;
}
declare var MessageEvent: {
  new <T = any>(type: string, init?: any): MessageEvent<T>;
  readonly prototype: MessageEvent;
};
interface AbortSignal extends EventTarget {
  readonly aborted: boolean;
  readonly reason: any;
  onabort: any;
  throwIfAborted(): void;
}
declare var AbortSignal: Function & {
  readonly prototype: AbortSignal;
  abort(reason?: any): AbortSignal;
  any(signals: Iterable<AbortSignal>): AbortSignal;
  timeout(milliseconds: number): AbortSignal;
};
interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: any): void;
}
declare var AbortController: { new (): AbortController; readonly prototype: AbortController };
interface DOMException extends Error {
  readonly code: number;
}
declare var DOMException: any;
type QuotaExceededError = any;
declare var QuotaExceededError: any;
type MessageChannel = any;
declare var MessageChannel: any;
type MessagePort = any;
declare var MessagePort: any;

// --- bytes and streams ---

interface Blob {
  readonly size: number;
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  slice(start?: number, end?: number, type?: string): Blob;
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>;
  text(): Promise<string>;
  textStream(): ReadableStream<string>;
}
declare var Blob: { new (parts?: any, options?: any): Blob; readonly prototype: Blob };
interface File extends Blob {
  readonly lastModified: number;
  readonly name: string;
  readonly webkitRelativePath: string;
}
declare var File: { new (parts: any, name: string, options?: any): File; readonly prototype: File };
interface ReadableStream<R = any> {
  readonly locked: boolean;
  cancel(reason?: any): Promise<void>;
  getReader(options?: any): any;
  pipeThrough(transform: any, options?: any): ReadableStream<any>;
  pipeTo(target: any, options?: any): Promise<void>;
  tee(): [ReadableStream<R>, ReadableStream<R>];
  values(options?: any): AsyncIterableIterator<R>;
  [Symbol.asyncIterator](options?: any): AsyncIterableIterator<R>;
}
declare var ReadableStream: {
  new <R = any>(source?: any, strategy?: any): ReadableStream<R>;
  readonly prototype: ReadableStream;
  from<R>(source: AsyncIterable<R> | Iterable<R | PromiseLike<R>>): ReadableStream<R>;
};
type ByteLengthQueuingStrategy = any;
declare var ByteLengthQueuingStrategy: any;
type CompressionStream = any;
declare var CompressionStream: any;
type CountQueuingStrategy = any;
declare var CountQueuingStrategy: any;
type DecompressionStream = any;
declare var DecompressionStream: any;
type ReadableByteStreamController = any;
declare var ReadableByteStreamController: any;
type ReadableStreamBYOBReader = any;
declare var ReadableStreamBYOBReader: any;
type ReadableStreamBYOBRequest = any;
declare var ReadableStreamBYOBRequest: any;
type ReadableStreamDefaultController<R = any> = any;
declare var ReadableStreamDefaultController: any;
type ReadableStreamDefaultReader<R = any> = any;
declare var ReadableStreamDefaultReader: any;
type TextDecoderStream = any;
declare var TextDecoderStream: any;
type TextEncoderStream = any;
declare var TextEncoderStream: any;
type TransformStream<I = any, O = any> = any;
declare var TransformStream: any;
type TransformStreamDefaultController<O = any> = any;
declare var TransformStreamDefaultController: any;
type WritableStream<W = any> = any;
declare var WritableStream: any;
type WritableStreamDefaultController = any;
declare var WritableStreamDefaultController: any;
type WritableStreamDefaultWriter<W = any> = any;
declare var WritableStreamDefaultWriter: any;

// --- where the code runs ---

declare var navigator: {
  readonly userAgent: string;
  readonly language: string;
  readonly languages: readonly string[];
  readonly hardwareConcurrency: number;
  readonly onLine: boolean;
};
declare var self: typeof globalThis & Record<string, any>;

// --- what the language has, and TypeScript's declarations do not yet ---

interface JSON {
  rawJSON(text: string): any;
  isRawJSON(value: unknown): boolean;
}
interface ErrorConstructor {
  prepareStackTrace?: any;
  captureStackTrace(target: object, start?: Function): void;
  stackTraceLimit: number;
}
interface Math {
  sumPrecise(numbers: Iterable<number>): number;
}
interface RegExpConstructor {
  escape(text: string): string;
}
interface Uint8Array<TArrayBuffer extends ArrayBufferLike> {
  toBase64(options?: any): string;
  toHex(): string;
  setFromBase64(text: string, options?: any): { read: number; written: number };
  setFromHex(text: string): { read: number; written: number };
}
interface Uint8ArrayConstructor {
  fromBase64(text: string, options?: any): Uint8Array<ArrayBuffer>;
  fromHex(text: string): Uint8Array<ArrayBuffer>;
}
interface Date {
  getYear(): number;
  setYear(year: number): number;
  toGMTString(): string;
  toTemporalInstant(): any;
}
interface Map<K, V> {
  getOrInsert(key: K, value: V): V;
  getOrInsertComputed(key: K, compute: (key: K) => V): V;
}
interface WeakMap<K extends WeakKey, V> {
  getOrInsert(key: K, value: V): V;
  getOrInsertComputed(key: K, compute: (key: K) => V): V;
}
interface IteratorConstructor {
  concat<T>(...iterables: Iterable<T>[]): IteratorObject<T, undefined, unknown>;
}
declare namespace Intl {
  type DurationFormat = any;
  const DurationFormat: any;
}
