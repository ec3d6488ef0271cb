// Turns of Deno's event loop.

import { core, queueImmediate } from "./primordials.js";

/** Call back when the microtasks that there are, and theirs, have run, and rejections are known. */
export function nextTurn(callback) {
  core.immediateRefCount(true);
  // As Node's class of immediates has them, with nothing to inherit from the guest.
  queueImmediate({
    __proto__: null,
    [core.kRefed]: true,
    _onImmediate: callback,
    _argv: null,
    _destroyed: false,
    _idleNext: null,
    _idlePrev: null,
    asyncId: 0,
    triggerAsyncId: 0,
  });
}
