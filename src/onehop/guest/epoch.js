// Which call of a session the running code belongs to. V8 hands a mark on from a function to what
// goes on after its awaits, so that what an earlier call has left behind is known wherever it runs.

import { core } from "./primordials.js";

const { getAsyncContext, setAsyncContext } = core;

/**
 * `call`: the mark of the present call; null outside of sessions. `leftWork`: whether an earlier
 * call has left something that may go on without a mark.
 * @type {{ __proto__?: null, call: object | null, leftWork: boolean }}
 */
const epoch = { __proto__: null, call: null, leftWork: false };

/** From here on the code is that of another call. */
export function beginEpoch() {
  epoch.call = { __proto__: null };
}

export function noteLeftWork() {
  epoch.leftWork = true;
}

/** Whether an earlier call runs, whose words nobody may take for the present one's. */
export function isLate() {
  if (epoch.call === null) return false;
  const context = getAsyncContext();
  return context === undefined || context === null ? epoch.leftWork : context !== epoch.call;
}

/** Run as the present call. */
export function inEpoch(callback) {
  return epoch.call === null ? callback() : runIn(epoch.call, callback);
}

/** A function that runs as the call that it was made in. */
export function keepEpoch(callback) {
  if (epoch.call === null) return callback;
  const context = getAsyncContext();
  return () => runIn(context, callback);
}

function runIn(context, callback) {
  const before = getAsyncContext();
  setAsyncContext(context);
  try {
    return callback();
  } finally {
    setAsyncContext(before);
  }
}
