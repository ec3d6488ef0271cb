// What time it is for the code: the machine's, unless the job has fixed it.

import { performanceNow } from "./primordials.js";

/** Milliseconds that a clock which moves goes on with each look, so that no loop waits for ever. */
const LOOK = 0.01;

/**
 * `clock`: ms since 1970 that every clock of the code shows; null when time goes on. `moves`: whether
 * the host keeps the time of timers, so that a run that is made again sees all in the same order:
 * `sleep` has it say when one is due, and `stop` forgets one. `goesOn`: whether its answers move the
 * clock, which else stands still.
 * @type {GuestTime}
 */
export const guestTime = {
  __proto__: null,
  clock: null,
  origin: 0,
  moves: false,
  goesOn: false,
  sleep: null,
  stop: null,
};

/** The clock of a job that has fixed it. */
export function readClock() {
  if (guestTime.goesOn) guestTime.clock = (guestTime.clock ?? 0) + LOOK;
  return guestTime.clock ?? 0;
}

/** The host has told the time; it never goes back. */
export function moveClock(at) {
  if (guestTime.goesOn && at > (guestTime.clock ?? 0)) guestTime.clock = at;
}

/** Milliseconds since the start, as the code may know them. */
export function guestNow() {
  return guestTime.clock === null ? performanceNow() : readClock() - guestTime.origin;
}
