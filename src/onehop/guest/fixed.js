// The job's `seed` and `clock`: random numbers that come again, and clocks that stand still.
//
// What stands in for the language's own is put there with the first job that fixes something, and
// does what the language does for a later job of the session that fixes nothing.

import {
  CapturedProxy,
  CapturedUint8Array,
  FunctionPrototypeBind,
  getterOf,
  isObject,
  MathFloor,
  ObjectDefineProperty,
  ReflectApply,
  TypedArrayGetBuffer,
  TypedArrayGetByteLength,
  TypedArrayGetByteOffset,
  uncurryThis,
} from "./primordials.js";
import { guestNow, guestTime, readClock } from "./clock.js";

const { construct: ReflectConstruct } = Reflect;
const { imul: MathImul, random: mathRandom } = Math;
const CapturedDate = Date;
const DateToString = uncurryThis(Date.prototype.toString);
const { now: dateNow } = Date;
const CapturedFile = File;
const CapturedMark = PerformanceMark;
const getRandomValues = uncurryThis(Crypto.prototype.getRandomValues);
const randomUUID = uncurryThis(Crypto.prototype.randomUUID);
const getTimeStamp = getterOf(Event.prototype, "timeStamp");
const getTimeOrigin = getterOf(Performance.prototype, "timeOrigin");
const performanceMark = uncurryThis(Performance.prototype.mark);
const performanceMeasure = uncurryThis(Performance.prototype.measure);
const performanceToJSON = uncurryThis(Performance.prototype.toJSON);
const getFormat = getterOf(Intl.DateTimeFormat.prototype, "format");
const formatToParts = uncurryThis(Intl.DateTimeFormat.prototype.formatToParts);
const { fromEpochMilliseconds } = Temporal.Instant;
const instantFromMs = fromEpochMilliseconds.bind(Temporal.Instant);
const instantToZoned = uncurryThis(Temporal.Instant.prototype.toZonedDateTimeISO);
const { timeZoneId, instant: nowInstant } = Temporal.Now;
const zonedTo = {
  __proto__: null,
  plainDateTimeISO: uncurryThis(Temporal.ZonedDateTime.prototype.toPlainDateTime),
  plainDateISO: uncurryThis(Temporal.ZonedDateTime.prototype.toPlainDate),
  plainTimeISO: uncurryThis(Temporal.ZonedDateTime.prototype.toPlainTime),
};

const places = {
  __proto__: null,
  global: globalThis,
  math: Math,
  crypto: Crypto.prototype,
  date: Date.prototype,
  event: Event.prototype,
  performance: Performance.prototype,
  format: Intl.DateTimeFormat.prototype,
  temporal: Temporal.Now,
  file: File.prototype,
  mark: PerformanceMark.prototype,
};

const state = { __proto__: null, isInstalled: false, isSeeded: false, a: 0, b: 0, c: 0, count: 0 };

/**
 * @param {Fixed | null} fixed
 */
export function fix(fixed) {
  guestTime.clock = fixed === null ? null : fixed.clock;
  guestTime.origin = guestTime.clock ?? 0;
  guestTime.moves = fixed !== null && typeof fixed.moves === "string";
  guestTime.goesOn = fixed !== null && fixed.moves === "all";
  state.isSeeded = fixed !== null && fixed.seed !== null;
  if (state.isSeeded) sow(fixed?.seed);
  if (fixed === null || state.isInstalled) return;
  state.isInstalled = true;
  installRandom();
  installDate();
  installTemporal();
  installPerformance();
  installOthers();
}

// --- random numbers ---

const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;
const ROUNDS = 16;

/** The generator is sfc32. */
function sow(seed) {
  state.a = 0;
  state.b = seed >>> 0;
  state.c = MathFloor(seed / TWO_32) >>> 0;
  state.count = 1;
  for (let i = 0; i < ROUNDS; i++) draw();
}

/** 32 bits. */
function draw() {
  const sum = (state.a + state.b + state.count++) | 0;
  state.a = state.b ^ (state.b >>> 9);
  state.b = (state.c + (state.c << 3)) | 0;
  state.c = (((state.c << 21) | (state.c >>> 11)) + sum) | 0;
  return sum >>> 0;
}

function fill(bytes) {
  const length = TypedArrayGetByteLength(bytes);
  for (let i = 0; i < length; i++) bytes[i] = MathImul(draw(), 0x01000193) >>> 24;
  return bytes;
}

const HEX = "0123456789abcdef";

function uuid() {
  const bytes = fill(new CapturedUint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  let text = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
    text += HEX[bytes[i] >>> 4] + HEX[bytes[i] & 15];
  }
  return text;
}

// Methods, because those are no constructors.
const random = {
  __proto__: null,
  random() {
    if (!state.isSeeded) return mathRandom();
    return ((draw() >>> 5) * 2 ** 26 + (draw() >>> 6)) / TWO_53;
  },
  getRandomValues(array) {
    getRandomValues(this, array); // which refuses what it should
    if (!state.isSeeded) return array;
    const length = TypedArrayGetByteLength(array);
    fill(
      new CapturedUint8Array(TypedArrayGetBuffer(array), TypedArrayGetByteOffset(array), length),
    );
    return array;
  },
  randomUUID() {
    const fresh = randomUUID(this);
    return state.isSeeded ? uuid() : fresh;
  },
};

function installRandom() {
  put(places.math, "random", native("random", random.random));
  put(places.crypto, "getRandomValues", random.getRandomValues);
  put(places.crypto, "randomUUID", random.randomUUID);
}

// --- the date ---

function nowMs() {
  return guestTime.clock === null ? dateNow() : readClock();
}

/** A class of the language's that is given the clock's time where it would take the machine's. */
function stand(original, construct, apply) {
  return new CapturedProxy(original, { __proto__: null, construct, apply });
}

function installDate() {
  const FixedDate = stand(
    CapturedDate,
    (target, args, newTarget) =>
      ReflectConstruct(target, args.length === 0 ? [nowMs()] : args, newTarget),
    () => DateToString(new CapturedDate(nowMs())),
  );
  put(CapturedDate, "now", native("now", () => MathFloor(nowMs())));
  put(places.date, "constructor", FixedDate);
  put(places.global, "Date", FixedDate);
}

function installTemporal() {
  const instant = () =>
    guestTime.clock === null ? nowInstant() : instantFromMs(MathFloor(readClock()));
  const zoned = (zone) => instantToZoned(instant(), zone === undefined ? timeZoneId() : zone);
  put(places.temporal, "instant", native("instant", instant));
  put(places.temporal, "zonedDateTimeISO", native("zonedDateTimeISO", zoned));
  putZoned("plainDateTimeISO", zoned);
  putZoned("plainDateISO", zoned);
  putZoned("plainTimeISO", zoned);
}

function putZoned(name, zoned) {
  const { [name]: convert } = zonedTo;
  put(places.temporal, name, native(name, (zone) => convert(zoned(zone))));
}

// --- performance ---

const performanceMethods = {
  __proto__: null,
  now() {
    return guestNow();
  },
  mark(name, options) {
    return performanceMark(this, name, markOptions(options));
  },
  measure(name, start, end) {
    if (guestTime.clock === null) return performanceMeasure(this, name, start, end);
    if (end !== undefined) return performanceMeasure(this, name, start, end);
    return performanceMeasure(this, name, measureOptions(start));
  },
  toJSON() {
    const told = performanceToJSON(this);
    if (guestTime.clock !== null) told.timeOrigin = guestTime.origin;
    return told;
  },
};

function markOptions(options) {
  if (guestTime.clock === null || options?.startTime !== undefined) return options;
  return { __proto__: null, detail: options?.detail, startTime: guestNow() };
}

function measureOptions(start) {
  const end = guestNow();
  const none = { __proto__: null, start: 0, end };
  if (start === undefined || start === null) return none;
  if (!isObject(start)) return { __proto__: null, start, end };
  if (start.end !== undefined || start.duration !== undefined) return start;
  return { __proto__: null, detail: start.detail, start: start.start ?? 0, end };
}

function installPerformance() {
  put(places.performance, "now", performanceMethods.now);
  put(places.performance, "mark", performanceMethods.mark);
  put(places.performance, "measure", performanceMethods.measure);
  put(places.performance, "toJSON", performanceMethods.toJSON);
  putGetter(places.performance, "timeOrigin", (self) => {
    const origin = getTimeOrigin(self);
    return guestTime.clock === null ? origin : guestTime.origin;
  });
  const FixedMark = stand(CapturedMark, (target, { 0: name, 1: options, length }, newTarget) => {
    const args = length === 0 ? [] : [name, markOptions(options)];
    return ReflectConstruct(target, args, newTarget);
  }, undefined);
  put(places.mark, "constructor", FixedMark);
  put(places.global, "PerformanceMark", FixedMark);
}

// --- what else tells the time ---

const formatMethods = {
  __proto__: null,
  formatToParts(date) {
    return formatToParts(this, date === undefined ? nowMs() : date);
  },
};

function installOthers() {
  put(places.format, "formatToParts", formatMethods.formatToParts);
  putGetter(places.format, "format", (self) => {
    const format = getFormat(self);
    if (guestTime.clock === null) return format;
    const fixed = (date) => ReflectApply(format, undefined, [date === undefined ? nowMs() : date]);
    return native("", fixed);
  });
  putGetter(places.event, "timeStamp", (self) => {
    const stamp = getTimeStamp(self);
    return guestTime.clock === null ? stamp : 0;
  });
  const FixedFile = stand(CapturedFile, (target, args, newTarget) => {
    const { 0: parts, 1: name, 2: options, length } = args;
    if (guestTime.clock === null || length < 2 || options?.lastModified !== undefined) {
      return ReflectConstruct(target, args, newTarget);
    }
    const { type, endings } = options ?? {};
    const dated = { __proto__: null, type, endings, lastModified: MathFloor(nowMs()) };
    return ReflectConstruct(target, [parts, name, dated], newTarget);
  }, undefined);
  put(places.file, "constructor", FixedFile);
  put(places.global, "File", FixedFile);
}

// --- putting it there ---

/** Bound, so that its text says nothing of ours. */
function native(name, callback) {
  const bound = FunctionPrototypeBind(callback, undefined);
  const value = name;
  return ObjectDefineProperty(bound, "name", { __proto__: null, value, configurable: true });
}

/** As the language's own stand there. */
function put(object, name, value) {
  const property = {
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  };
  ObjectDefineProperty(object, name, property);
}

/**
 * @param {object} object
 * @param {string} name
 * @param {(self: any) => any} read
 */
function putGetter(object, name, read) {
  /** @this {any} */
  const get = function () {
    return read(this);
  };
  ObjectDefineProperty(object, name, {
    __proto__: null,
    get,
    enumerable: true,
    configurable: true,
  });
}
