// The part of the bootstrap that is parsed when the worker warms up, or when it gets a job that will
// need it: with it a start would take a fifth longer.

import { compileFunction, NO_IMPORTS, StringPrototypeIndexOf } from "./primordials.js";
import { die } from "./channel.js";
import { grant } from "./grant.js";

/** @type {SecondState} */
const secondPart = { __proto__: null, source: Deno.args[1], shared: null, loaded: null };
/**
 * What few jobs need, and all of it before the code runs.
 * @type {{ __proto__: null, source: string, loaded: ThirdPart | null }}
 */
const thirdPart = { __proto__: null, source: Deno.args[2], loaded: null };

/**
 * Hand over what the second part uses of the first, by name.
 * @param {object} shared
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
export function prepareFor({ code, capture, tools, fixed }) {
  grant.limits = tools;
  if (fixed !== null || thirdPart.loaded !== null) loadThirdPart().fix(fixed);
  const prints = capture && StringPrototypeIndexOf(code, "console") >= 0;
  if (prints || (tools !== null && StringPrototypeIndexOf(code, "tools") >= 0)) loadSecondPart();
}

/** @returns {SecondPart} */
export function loadSecondPart() {
  secondPart.loaded ??= /** @type {SecondPart} */ (load(secondPart.source));
  return secondPart.loaded;
}

/** @returns {ThirdPart} */
function loadThirdPart() {
  thirdPart.loaded ??= /** @type {ThirdPart} */ (load(thirdPart.source));
  return thirdPart.loaded;
}

/** @param {string} source */
function load(source) {
  const { 0: make, 1: error } = compileFunction(source, "onehop:guest", NO_IMPORTS, []);
  if (error !== null) die("a later part of it cannot be read");
  return make()(secondPart.shared);
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
