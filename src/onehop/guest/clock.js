// What time it is for the code: the machine's, unless the job has fixed it.

import { performanceNow } from "./primordials.js";

/**
 * `clock`: ms since 1970 that every clock of the code shows; null when time goes on.
 * @type {{ __proto__?: null, clock: number | null }}
 */
export const guestTime = { __proto__: null, clock: null };

/** Milliseconds since the start, as the code may know them. */
export function guestNow() {
  return guestTime.clock === null ? performanceNow() : 0;
}
