// The part of a realm's bootstrap that has the web's classes, loaded when the code looks at one.

import { compileFunction, NO_IMPORTS } from "./primordials.js";
import { die } from "./channel.js";

/** @type {any} */
const webPart = { __proto__: null, source: Deno.args[3], shared: null, loaded: null };

/** Hand over a function that gives what it uses of the parts before it, by name. */
export function shareWithWeb(shared) {
  webPart.shared = shared;
}

/** @returns {any} */
export function loadWeb() {
  if (webPart.loaded === null) {
    const { 0: make, 1: error } = compileFunction(webPart.source, "onehop:guest", NO_IMPORTS, []);
    if (error !== null) die("its web part cannot be read");
    webPart.loaded = make()(webPart.shared());
  }
  return webPart.loaded;
}

export function isWebLoaded() {
  return webPart.loaded !== null;
}
