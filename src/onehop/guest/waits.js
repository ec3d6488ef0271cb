// Atomics.waitAsync: V8 itself waits there, and Deno's event loop, which ends when nothing is left
// to do, knows nothing of it. Timers of ours keep it going as long as a wait may end.

const { waitAsync: atomicsWaitAsync, notify: atomicsNotify } = Atomics;
const PENDING = 0;
/** V8 gets to a wait that is over in a later turn: how often to look, and after how many ms. */
const LOOKS = 100;
const PAUSE_OF_LOOKS = 1;

/** Promises of waits that have not been seen to end, each with its timer or null. */
const waits = new CapturedMap();
let looks = 0;

function watchWait(promise, timeout) {
  const isTimed = timeout >= 0 && timeout <= LONGEST_TIMER;
  MapPrototypeSet(waits, promise, isTimed ? startTimer(expectEnds, timeout, [], false) : null);
}

/** A wait is over, and its promise settles soon. */
function expectEnds() {
  const isLooking = looks > 0;
  looks = LOOKS;
  if (!isLooking) lookAtWaits();
}

function lookAtWaits() {
  forgetEnded();
  looks = MapPrototypeGetSize(waits) > 0 ? looks - 1 : 0;
  if (looks > 0) createTimer(lookAtWaits, PAUSE_OF_LOOKS, undefined, false, true);
}

function forgetEnded() {
  const entries = MapPrototypeEntries(waits);
  for (;;) {
    const { done, value: entry } = MapIteratorNext(entries);
    if (done) return;
    if (core.getPromiseDetails(entry[0])[0] === PENDING) continue;
    MapPrototypeDelete(waits, entry[0]);
    if (entry[1] !== null) stopTimer(entry[1]);
  }
}

const atomicsFunctions = {
  __proto__: null,
  waitAsync(array, index, value, timeout) {
    const limit = +timeout;
    const result = atomicsWaitAsync(array, index, value, limit);
    if (result.async) watchWait(result.value, limit);
    return result;
  },
  notify(array, index, count) {
    const woken = atomicsNotify(array, index, count);
    if (woken > 0) expectEnds();
    return woken;
  },
};
