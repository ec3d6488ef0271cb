// The part of the bootstrap that is parsed when the worker warms up, or when it gets a job that will
// need it: with it a start would take a fifth longer.

import { compileFunction, NO_IMPORTS, StringPrototypeIndexOf } from "./primordials.js";
import { die } from "./channel.js";
import { grant } from "./grant.js";

/** @type {SecondState} */
const secondPart = { __proto__: null, source: Deno.args[1], shared: null, loaded: null };

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
export function prepareFor({ code, capture, tools }) {
  grant.limits = tools;
  const prints = capture && StringPrototypeIndexOf(code, "console") >= 0;
  if (prints || (tools !== null && StringPrototypeIndexOf(code, "tools") >= 0)) loadSecondPart();
}

/** @returns {SecondPart} */
export function loadSecondPart() {
  if (secondPart.loaded === null) {
    const { 0: make, 1: error } = compileFunction(
      secondPart.source,
      "onehop:guest",
      NO_IMPORTS,
      [],
    );
    if (error !== null) die("its second part cannot be read");
    secondPart.loaded =
      /** @type {SecondPart} */ (make()(/** @type {any} */ (secondPart).shared()));
  }
  return secondPart.loaded;
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
