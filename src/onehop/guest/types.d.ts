// What crosses from one file of the guest to another, and what the files use of Deno's internals.
// Nothing of this gets into a worker; `docs/protocol.md` has the frames.

/** Bounds of a run, in bytes; `entries` counts console calls. */
interface Limits {
  output: number;
  keep: number;
  logs: number;
  entries: number;
}

/** The TypeScript that code was made from, and the mappings from the code to it. */
interface Original {
  code: string;
  map: string;
}

/** What a run may use of the host's tools: how many calls, questions about tools, and bytes. */
interface ToolLimits {
  calls: number;
  asks: number;
  arguments: number;
  /** What they are called; null when the guest must ask for that. */
  names: object | null;
}

/** A line of JSON before the text of an answer, or of a part of it. */
interface AnswerHead {
  id: number;
  more?: boolean;
  error?: object;
  /** ms since 1970, in a run whose clock the host moves. */
  at?: number;
}

interface CallsState {
  __proto__?: null;
  // deno-lint-ignore no-explicit-any
  open: any;
  next: number;
  awaited: number;
  // deno-lint-ignore no-explicit-any
  reading: any;
  isListening: boolean;
  buffer: Uint8Array<ArrayBuffer> | null;
  head: Uint8Array<ArrayBuffer>;
  filled: number;
  body: Uint8Array<ArrayBuffer> | null;
  // deno-lint-ignore no-explicit-any
  arrived: any[];
  taken: number;
}

/** The host's frame that starts a run, or a rehearsal of one. */
interface Job {
  v: number;
  kind: "job" | "warm" | "context";
  token: string;
  code: string;
  original: Original | null;
  context: unknown;
  capture: boolean;
  limits: Limits;
  tools: ToolLimits | null;
  fixed: Fixed | null;
  session: SessionJob | null;
}

/** How the code of a session's call is run so that what it declares stays. */
interface SessionJob {
  edits: [number, number, string][];
  values: [number, number, number][];
  lets: string[];
  consts: string[];
  variables: string[];
  functions: string[];
  fresh: string[];
  strict: boolean;
  read: boolean;
}

/** What the job fixes: the seed of random numbers, and the time in ms since 1970. */
interface Fixed {
  seed: number | null;
  clock: number | null;
  moves?: "timers" | "all";
}

/** The clock of the code; see `clock.js`. */
interface GuestTime {
  __proto__?: null;
  clock: number | null;
  origin: number;
  moves: boolean;
  goesOn: boolean;
  sleep: ((delay: number, due: () => void) => number) | null;
  stop: ((id: number) => void) | null;
}

/** A place in the caller's text; lines and columns start at 1. */
interface Place {
  __proto__?: null;
  line: number;
  column: number;
}

interface FilePlace extends Place {
  file: string;
}

/** A place in a line of a stack, and where in the line it stands. */
interface FoundPlace extends Place {
  start: number;
  end: number;
}

/** The guest's frames in a stack: their text, and where the innermost is. */
interface Frames {
  __proto__?: null;
  text: string;
  line: number | null;
  column: number | null;
}

interface NameAndMessage {
  __proto__?: null;
  name: string;
  message: string;
}

/** What an error frame tells of a thrown value. */
interface Failure extends NameAndMessage {
  stack?: string | null;
  line?: number | null;
  column?: number | null;
}

/** A linked list of bytes. */
interface Chunk {
  __proto__?: null;
  bytes: Uint8Array<ArrayBuffer>;
  next: Chunk | null;
}

interface Chunks {
  __proto__?: null;
  chunks: Chunk;
  size: number;
}

/** What an encoder has found that the reader of a result should know; see `warnOfValues`. */
interface Findings {
  __proto__?: null;
  inexact: { toText(): string } | null;
  merged: { toText(): string } | null;
  replaced: { toText(): string } | null;
  empty: { toText(): string } | null;
  endless: { toText(): string } | null;
  unawaited: { toText(): string } | null;
}

/** How an iterator's next value is taken, and whether its end must come. */
interface Walk {
  __proto__?: null;
  next: (iterator: object) => IteratorResult<unknown>;
  ends: boolean;
}

/** What the second part of the bootstrap is to the first. */
interface SecondPart {
  inspectValue(value: unknown, depth: number, more?: object): string;
  logTable(args: unknown[]): void;
  refuseColumns(columns: unknown): never;
  openTools(): object;
  openSnippets(): object;
  forgetCall(): void;
  isAsking(): boolean;
  moveTimers(): void;
  onceGlobal: object;
  services: { show: object; progress: object; store: object };
  // deno-lint-ignore no-explicit-any
  ToolError: any;
}

/** What the third part of the bootstrap is to the first. */
interface ThirdPart {
  fix(fixed: Fixed | null): void;
  beginKeptCall(): void;
  compileKept(
    code: string,
    session: SessionJob,
    head: string,
    tail: string,
  ): (() => Promise<unknown>) | string;
}

interface SecondState {
  __proto__?: null;
  source: string;
  shared: (() => object) | null;
  loaded: SecondPart | null;
}

/** Where the running code sits in the text that was compiled. */
interface Source {
  __proto__?: null;
  file: string;
  shownAs: string;
  toOriginal: ((line: number, column: number) => Place | null) | null;
}

/** From the value that the code returned to the answer. */
interface Ending {
  __proto__?: null;
  // deno-lint-ignore no-explicit-any
  unhandled: any;
  handOn: ((value: unknown) => void) | null;
  isFirstTurn: boolean;
  isOnTop: boolean;
  hasReturned: boolean;
  value: unknown;
  since: number;
  grace: number;
}

interface Timer {
  __proto__?: null;
  // deno-lint-ignore no-explicit-any
  timer: any;
  /** By which the host is asked, when it keeps the time. */
  asked: number;
  due: number;
  repeat: boolean;
}

interface Wait {
  __proto__?: null;
  timer: number | null;
  isOver: boolean;
}

type ConsoleLevel = "log" | "info" | "warn" | "error" | "debug";

// --- of the language and of Deno ---

interface PropertyDescriptor {
  __proto__?: null;
}

interface ProxyHandler<T> {
  __proto__?: null;
}

interface MessageEventInit<T> {
  __proto__?: null;
}

interface JSON {
  isRawJSON(value: unknown): boolean;
}

interface CallSite {
  getFileName(): string | null;
}

interface ErrorFrame {
  fileName: string | null;
  functionName: string | null;
  lineNumber: number | null;
  columnNumber: number | null;
}

/** Null, or what was thrown instead of a value. */
type CompileError = { thrown: Error } | null;

interface DenoCore {
  // deno-lint-ignore no-explicit-any
  getAsyncContext(): any;
  // deno-lint-ignore no-explicit-any
  setAsyncContext(context: any): void;
  byteLength(text: string): number;
  cancelTimer(timer: object): void;
  compileFunction(
    text: string,
    file: string,
    hostDefinedOptions: number[],
    parameters: string[],
    // deno-lint-ignore no-explicit-any
  ): [(...args: any[]) => any, CompileError];
  createTimer(
    callback: () => void,
    delay: number,
    args: undefined,
    repeat: boolean,
    isRefed: boolean,
  ): object;
  decode(bytes: Uint8Array): string;
  destructureError(error: unknown): { frames: ErrorFrame[] };
  encode(text: string): Uint8Array<ArrayBuffer>;
  // deno-lint-ignore no-explicit-any
  evalContext(text: string, file: string): [any, CompileError];
  eventLoopHasMoreWork(): boolean;
  // deno-lint-ignore no-explicit-any
  getCloneableDeserializers(): Record<string, (data: any) => any>;
  getPromiseDetails(promise: unknown): [0 | 1 | 2, unknown];
  getProxyDetails(proxy: unknown): [unknown, unknown];
  hostObjectBrand: symbol;
  immediateRefCount(isUp: boolean): void;
  isAnyArrayBuffer(value: unknown): value is ArrayBuffer | SharedArrayBuffer;
  isArrayBuffer(value: unknown): value is ArrayBuffer;
  isDataView(value: unknown): value is DataView;
  kRefed: symbol;
  processTicksAndRejections(): void;
  queueImmediate(immediate: object): void;
  read(rid: number, bytes: Uint8Array): Promise<number>;
  refOpPromise(promise: Promise<unknown>): void;
  unrefOpPromise(promise: Promise<unknown>): void;
  setHandledPromiseRejectionHandler(handler: (promise: Promise<unknown>) => void): void;
  setReportExceptionCallback(callback: (thrown: unknown) => void): void;
  setUnhandledPromiseRejectionHandler(
    handler: (promise: Promise<unknown>, reason: unknown) => boolean,
  ): void;
  unrefTimer(timer: object): void;
  // Whether V8 made a value of this kind, whatever its prototype says.
  [isKind: `is${string}`]: (value: unknown) => boolean;
}

declare namespace Deno {
  const internal: unique symbol;
}

interface DenoInternals {
  core: DenoCore;
  inspectArgs(args: unknown[], options: object): string;
}

/** What realms.js hands to the bootstrap of a realm. */
// deno-lint-ignore no-explicit-any
declare const main: any;
