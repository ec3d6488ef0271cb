// What a run that may be made again leaves to its host: when timers are due, and what came of
// what may come out differently.

import {
  CapturedPromise,
  CapturedRangeError,
  CapturedTypeError,
  core,
  FunctionPrototypeBind,
  JSONParse,
  JSONStringify,
  ObjectDefineProperty,
  ObjectFreeze,
  quote,
  ReflectApply,
} from "./primordials.js";
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

// --- $once ---

/** Bytes of JSON, in a frame that is not an output. */
const MOST_ONCE = 128 * 1024;
const LONGEST_ONCE = 512;

/** The value that `make` gives; when the run is made again, the one that it gave the first time. */
async function once(name, make) {
  if (typeof name !== "string" || name.length === 0 || name.length > LONGEST_ONCE) {
    throw new CapturedTypeError("$once(name, fn) takes a name of 1 to 512 characters");
  }
  if (typeof make !== "function") {
    throw new CapturedTypeError("$once(name, fn) takes a function");
  }
  const value = await ReflectApply(make, undefined, []);
  if (!guestTime.moves || grant.limits === null) return value;
  const text = JSONStringify(value === undefined ? null : value);
  if (text === undefined || core.byteLength(text) > MOST_ONCE) {
    throw new CapturedRangeError("$once keeps JSON of at most " + MOST_ONCE + " bytes");
  }
  return keptOnce(name, text);
}

function keptOnce(name, text) {
  openTools();
  const promise = new CapturedPromise((resolve) => {
    const fields = ',"about":"once","subject":' + quote(name) + ',"value":' + quote(text);
    request("ask", fields, (_head, answer) => resolve(JSONParse(answer)));
  });
  // With this own property, await takes the promise as it is and looks nothing up.
  return ObjectDefineProperty(promise, "constructor", { __proto__: null, value: CapturedPromise });
}

const boundOnce = FunctionPrototypeBind(once, undefined);
ObjectDefineProperty(boundOnce, "name", { __proto__: null, value: "$once" });
export const onceGlobal = ObjectFreeze(boundOnce);
