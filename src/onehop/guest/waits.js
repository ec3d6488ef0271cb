// Atomics.waitAsync: V8 itself waits there, and Deno's event loop, which ends when nothing is left
// to do, knows nothing of it. Timers of ours keep it going as long as a wait may end.

import {
  CapturedMap,
  core,
  createTimer,
  MapIteratorNext,
  MapPrototypeDelete,
  MapPrototypeEntries,
  MapPrototypeGetSize,
  MapPrototypeSet,
} from "./primordials.js";
import { LONGEST_TIMER, startTimer, stopTimer } from "./timers.js";

const { waitAsync: atomicsWaitAsync, notify: atomicsNotify } = Atomics;
const PENDING = 0;
/** V8 gets to a wait that is over in a later turn: how often to look, and after how many ms. */
const LOOKS = 100;
const PAUSE_OF_LOOKS = 1;

const waits = {
  __proto__: null,
  /** By promise, waits that have not been seen to end: the timer of each and whether it is over. */
  pending: new CapturedMap(),
  /** How many waits were woken, and have not been seen to end. */
  woken: 0,
  looks: 0,
};

function watchWait(promise, timeout) {
  /** @type {Wait} */
  const wait = { __proto__: null, timer: null, isOver: false };
  MapPrototypeSet(waits.pending, promise, wait);
  if (!(timeout >= 0 && timeout <= LONGEST_TIMER)) return;
  const end = () => {
    wait.isOver = true;
    expectEnds();
  };
  wait.timer = startTimer(end, timeout, [], false);
}

/** Whether some wait has not been seen to end. */
export function isWaiting() {
  return MapPrototypeGetSize(waits.pending) > 0;
}

/** Some wait is over, and its promise settles soon. */
function expectEnds() {
  const isLooking = waits.looks > 0;
  waits.looks = LOOKS;
  if (!isLooking) lookAtWaits();
}

function lookAtWaits() {
  const isExpected = forgetEnded() || waits.woken > 0;
  waits.looks = isExpected ? waits.looks - 1 : 0;
  if (waits.looks > 0) createTimer(lookAtWaits, PAUSE_OF_LOOKS, undefined, false, true);
  else waits.woken = 0;
}

/** Forget the waits whose promises have settled; true when another is over. */
function forgetEnded() {
  let isExpected = false;
  const entries = MapPrototypeEntries(waits.pending);
  for (;;) {
    const { done, value: entry } = MapIteratorNext(entries);
    if (done) return isExpected;
    const { 0: state, 1: end } = core.getPromiseDetails(entry[0]);
    if (state === PENDING) isExpected ||= entry[1].isOver;
    else forget(entry[0], entry[1], end);
  }
}

function forget(promise, { timer }, end) {
  MapPrototypeDelete(waits.pending, promise);
  if (timer !== null) stopTimer(timer);
  if (end === "ok") waits.woken--;
}

export const atomicsFunctions = {
  __proto__: null,
  waitAsync(array, index, value, timeout) {
    const limit = +timeout;
    const result = atomicsWaitAsync(array, index, value, limit);
    if (result.async) watchWait(result.value, limit);
    return result;
  },
  notify(array, index, count) {
    const number = atomicsNotify(array, index, count);
    if (number > 0) {
      waits.woken += number;
      expectEnds();
    }
    return number;
  },
};
