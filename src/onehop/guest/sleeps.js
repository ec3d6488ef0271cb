// Timers of a run that may be made again: the host says when one is due, and keeps the order.

import { CapturedRangeError } from "./primordials.js";
import { guestTime } from "./clock.js";
import { grant } from "./grant.js";
import { forgo, request } from "./calls.js";
import { openTools } from "./tools.js";

/** In one run; the host refuses more. */
const MOST_SLEEPS = 10000;

const sleeps = { __proto__: null, made: 0 };

/** Have `due` called back in `delay` ms; gives the number by which `forgo` forgets it. */
function startSleep(delay, due) {
  if (++sleeps.made > MOST_SLEEPS) {
    throw new CapturedRangeError("the run has set " + MOST_SLEEPS + " timers, which are all");
  }
  // Its names are read by waiting, which is not possible while an answer is on its way.
  if (grant.limits !== null) openTools();
  return request("sleep", ',"ms":' + delay, due);
}

/** From here on the host keeps the time of timers. */
export function moveTimers() {
  guestTime.sleep = startSleep;
  guestTime.stop = forgo;
}
