// Timers for the guest: numbers as handles, as in a browser, and callbacks that get nothing of
// Deno's own (its timer objects are `this` there, and their class could be called from outside).

import {
  cancelTimer,
  CapturedMap,
  CapturedTypeError,
  createTimer,
  MapIteratorNext,
  MapPrototypeDelete,
  MapPrototypeEntries,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  performanceNow,
  ReflectApply,
  unrefTimer,
} from "./primordials.js";
import { guestTime } from "./clock.js";
import { fail } from "./answers.js";
import { isLate, keepEpoch } from "./epoch.js";

const timers = { __proto__: null, pending: new CapturedMap(), next: 1 };
/** Milliseconds; any timer that should be longer is due at once, as in Node. */
export const LONGEST_TIMER = 2 ** 31 - 1;

const captured = { __proto__: null, queueMicrotask: globalThis.queueMicrotask };

/** Run a callback of the guest; what it throws ends the run. */
function runCallback(callback, args) {
  try {
    ReflectApply(callback, undefined, args);
  } catch (thrown) {
    fail(thrown);
  }
}

function requireFunction(callback, name) {
  if (typeof callback === "function") return;
  throw new CapturedTypeError(name + " needs a function; text is never run as code");
}

export function startTimer(callback, delay, args, repeat) {
  const id = timers.next++;
  if (isLate()) return id;
  if (!(delay >= 1 && delay <= LONGEST_TIMER)) delay = 1;
  const due = performanceNow() + delay;
  const run = keepEpoch(() => {
    if (!repeat) MapPrototypeDelete(timers.pending, id);
    runCallback(callback, args);
  });
  /** @type {Timer} */
  const entry = { __proto__: null, timer: null, asked: 0, due, repeat };
  MapPrototypeSet(timers.pending, id, entry);
  if (guestTime.sleep === null) entry.timer = createTimer(run, delay, undefined, repeat, true);
  else askForTimer(entry, delay, run);
  return id;
}

/** Have the host say when it is due. */
function askForTimer(entry, delay, run) {
  entry.asked = guestTime.sleep?.(delay, () => {
    if (entry.repeat) askForTimer(entry, delay, run);
    run();
  });
}

function endTimer({ timer, asked }) {
  if (timer === null) guestTime.stop?.(asked);
  else cancelTimer(timer);
}

export function stopTimer(id) {
  // Number, because a handle that went through JSON or an object key is still a handle.
  const key = typeof id === "string" ? +id : id;
  const entry = MapPrototypeGet(timers.pending, key);
  if (entry === undefined) return;
  MapPrototypeDelete(timers.pending, key);
  endTimer(entry);
}

/** End all of them, with the call of a session that has set them. */
export function cancelTimers() {
  eachTimer(endTimer);
  timers.pending = new CapturedMap();
}

/** Let only what is due within these milliseconds keep the event loop busy. */
export function releaseTimers(timeouts, intervals) {
  const now = performanceNow();
  eachTimer((entry) => {
    if (entry.due <= now + (entry.repeat ? intervals : timeouts)) return;
    if (entry.timer === null) guestTime.stop?.(entry.asked);
    else unrefTimer(entry.timer);
  });
}

/** @param {(timer: Timer) => void} visit */
function eachTimer(visit) {
  const entries = MapPrototypeEntries(timers.pending);
  for (;;) {
    const { done, value } = MapIteratorNext(entries);
    if (done) return;
    visit(value[1]);
  }
}

export function isTimerPending() {
  return MapPrototypeGetSize(timers.pending) > 0;
}

/** The timers that are still set, in words; empty when there are none. */
export function pendingTimers() {
  let intervals = 0;
  eachTimer(({ repeat }) => (intervals += repeat ? 1 : 0));
  const timeouts = MapPrototypeGetSize(timers.pending) - intervals;
  const words = (number, name) => number === 0 ? "" : number + " " + name + (number > 1 ? "s" : "");
  const both = timeouts > 0 && intervals > 0 ? " and " : "";
  return words(timeouts, "timer") + both + words(intervals, "interval");
}

// Written as methods, because those have no `prototype` and are no constructors.
export const timerGlobals = {
  __proto__: null,
  setTimeout(callback, delay = 0, ...args) {
    requireFunction(callback, "setTimeout");
    return startTimer(callback, +delay, args, false);
  },
  setInterval(callback, delay = 0, ...args) {
    requireFunction(callback, "setInterval");
    return startTimer(callback, +delay, args, true);
  },
  setImmediate(callback, ...args) {
    requireFunction(callback, "setImmediate");
    return startTimer(callback, 0, args, false);
  },
  clearTimeout(id) {
    stopTimer(id);
  },
  clearInterval(id) {
    stopTimer(id);
  },
  clearImmediate(id) {
    stopTimer(id);
  },
  queueMicrotask(callback) {
    requireFunction(callback, "queueMicrotask");
    captured.queueMicrotask(() => runCallback(callback, []));
  },
};
