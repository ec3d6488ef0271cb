// The part of the bootstrap that is parsed when the worker warms up, or when it gets a job that will
// need it: with it a start would take a fifth longer.

import { compileFunction, NO_IMPORTS, StringPrototypeIndexOf } from "./primordials.js";
import { die } from "./channel.js";
import { grant } from "./grant.js";
import { beginEpoch } from "./epoch.js";

/** @type {SecondState} */
const secondPart = { __proto__: null, source: Deno.args[1], shared: null, loaded: null };
/**
 * What few jobs need, and all of it before the code runs.
 * @type {{ __proto__: null, source: string, loaded: ThirdPart | null }}
 */
const thirdPart = { __proto__: null, source: Deno.args[2], loaded: null };

/**
 * Hand over what the second part uses of the first, by name: a function, since most runs ask for none.
 * @param {() => object} shared
 */
export function shareWithSecond(shared) {
  secondPart.shared = shared;
}

/**
 * Have this for the second part; tests give it the functions of the files.
 * @param {SecondPart} functions
 */
export function setSecondPart(functions) {
  secondPart.loaded = functions;
}

/**
 * Before the guest runs, if it is likely to print or to call tools: Deno's way to a function fails
 * where the guest has replaced how arrays are taken apart, and then values are not shown.
 * @param {Job} job
 */
export function prepareFor({ code, capture, tools, fixed, session }) {
  grant.limits = tools;
  grant.hasSession = session !== null;
  if (fixed !== null || thirdPart.loaded !== null) loadThirdPart().fix(fixed);
  if (fixed !== null && typeof fixed.moves === "string") loadSecondPart().moveTimers();
  // The next call's code may need it when this one's has replaced what Deno looks up.
  if (session !== null) return beginCall();
  const prints = capture && StringPrototypeIndexOf(code, "console") >= 0;
  if (prints || (tools !== null && StringPrototypeIndexOf(code, "tools") >= 0) || serves(code)) {
    loadSecondPart();
  }
}

/** @param {string} code */
function serves(code) {
  return StringPrototypeIndexOf(code, "show") >= 0 ||
    StringPrototypeIndexOf(code, "snippets") >= 0 ||
    StringPrototypeIndexOf(code, "progress") >= 0 || StringPrototypeIndexOf(code, "store") >= 0 ||
    StringPrototypeIndexOf(code, "$once") >= 0;
}

/** Whether the host has been asked something, and has not answered. */
export function isListening() {
  return secondPart.loaded !== null && secondPart.loaded.isAsking();
}

/** Of a session: nothing of an earlier one goes on. */
function beginCall() {
  loadSecondPart().forgetCall();
  loadThirdPart().beginKeptCall();
  beginEpoch();
}

/** @returns {SecondPart} */
export function loadSecondPart() {
  secondPart.loaded ??= /** @type {SecondPart} */ (load(secondPart.source));
  return secondPart.loaded;
}

/** @returns {ThirdPart} */
export function loadThirdPart() {
  thirdPart.loaded ??= /** @type {ThirdPart} */ (load(thirdPart.source));
  return thirdPart.loaded;
}

/** @param {string} source */
function load(source) {
  const { 0: make, 1: error } = compileFunction(source, "onehop:guest", NO_IMPORTS, []);
  if (error !== null) die("a later part of it cannot be read");
  return make()(/** @type {any} */ (secondPart).shared());
}

/**
 * One value as `util.inspect` shows it. May throw what a getter or a Proxy throws.
 * @param {unknown} value
 * @param {number} depth
 * @param {object} [more] options
 */
export function inspect(value, depth, more) {
  return loadSecondPart().inspectValue(value, depth, more);
}
