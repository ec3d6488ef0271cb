// From the value that the code returned to the answer: work that was left behind gets a moment.
//
// Deno's event loop knows whether there is more to do. What could only go on after the moment, such
// as a timer that is set for later, does not count.

import {
  CapturedMap,
  createTimer,
  eventLoopHasMoreWork,
  MapIteratorNext,
  MapPrototypeDelete,
  MapPrototypeEntries,
  MapPrototypeGetSize,
  MapPrototypeSet,
  MathMin,
  performanceNow,
  processTicksAndRejections,
} from "./primordials.js";
import { nextTurn } from "./turns.js";
import { warn } from "./warnings.js";
import { answers, fail, sendError } from "./answers.js";
import { isTimerPending, pendingTimers, releaseTimers } from "./timers.js";
import { runJob } from "./run.js";
import { isLate, noteLeftWork } from "./epoch.js";

/** Milliseconds for what was not awaited: by code that returned nothing, by code with a value. */
const GRACE = 1000;
const GRACE_WITH_VALUE = 100;
/** An interval that nobody clears would use up any time. */
const GRACE_FOR_INTERVALS = 100;
/** Milliseconds between two looks whether the work is done. */
const PAUSE = 2;

/** @type {Ending} */
const ending = {
  __proto__: null,
  /** Rejected promises that nobody has handled so far, with their reasons. */
  unhandled: new CapturedMap(),
  handOn: null,
  isFirstTurn: true,
  isOnTop: false,
  hasReturned: false,
  value: undefined,
  since: 0,
  grace: 0,
};

export function noteRejection(promise, reason) {
  if (isLate()) return;
  MapPrototypeSet(ending.unhandled, promise, reason);
}

export function forgetRejection(promise) {
  MapPrototypeDelete(ending.unhandled, promise);
}

export function hasUnhandled() {
  return MapPrototypeGetSize(ending.unhandled) > 0;
}

/** Fail because of the first rejection that nobody has handled; false when there is none. */
function failUnhandled() {
  if (!hasUnhandled()) return false;
  const { value: entry } = MapIteratorNext(MapPrototypeEntries(ending.unhandled));
  fail(entry[1]);
  return true;
}

/**
 * Run a job; `handOn` gets the value when nothing is left to do, or the moment is over.
 * @param {Job} job
 * @param {(value: unknown) => void} handOn
 */
export function runToEnd(job, handOn) {
  ending.handOn = handOn;
  ending.isFirstTurn = true;
  ending.hasReturned = false;
  if (hasUnhandled()) ending.unhandled = new CapturedMap();
  // Not awaited: that would look up `constructor` on a promise, and the guest may have run by then.
  runJob(job, noteReturn);
  // Most runs need no turn of the event loop, which costs more than all the rest of such a run.
  processTicksAndRejections();
  ending.isFirstTurn = false;
  if (!ending.hasReturned) return;
  ending.isOnTop = true;
  answerIfIdle();
  ending.isOnTop = false;
}

/** Whether the run answers in its first turn, and only getters of its value may be on the stack. */
export function isOnTop() {
  return ending.isOnTop;
}

function noteReturn(value) {
  ending.hasReturned = true;
  ending.value = value;
  if (!ending.isFirstTurn) nextTurn(answerIfIdle);
}

function answerIfIdle() {
  if (!eventLoopHasMoreWork()) return answer(false);
  ending.since = performanceNow();
  ending.grace = ending.value === undefined ? GRACE : GRACE_WITH_VALUE;
  releaseTimers(ending.grace, MathMin(ending.grace, GRACE_FOR_INTERVALS));
  wait();
}

/** Look now and then: what the work is waiting for may be an operation of Deno's as well. */
function wait() {
  const waited = performanceNow() - ending.since;
  if (waited >= GRACE_FOR_INTERVALS) releaseTimers(ending.grace - waited, -Infinity);
  if (!eventLoopHasMoreWork()) answer(false);
  else if (waited >= ending.grace) answer(true);
  else createTimer(() => nextTurn(wait), PAUSE, undefined, false, true);
}

const NEVER_SETTLES = {
  __proto__: null,
  name: "PromiseNeverSettledError",
  message: "the code waits for something that never happens: a promise that nothing will settle",
};

/** Nothing is left to do, and the code still waits. */
export function endStuckRun() {
  if (!failUnhandled()) sendError(NEVER_SETTLES, false);
}

function answer(isBusy) {
  if (answers.state === "ended" || failUnhandled()) return;
  warnOfWork(isBusy);
  ending.handOn?.(ending.value);
}

function warnOfWork(isBusy) {
  if (!isBusy && !isTimerPending()) return;
  if (isBusy) noteLeftWork();
  const work = pendingTimers();
  warn(
    "work was left behind when the run ended: " + (work || "a promise that had more to do") +
      ". A run waits " + GRACE + " ms for what the code does not await, " + GRACE_WITH_VALUE +
      " ms if it returns a value: await it, or clear it",
  );
}
