// The part of the bootstrap that is parsed when the worker warms up, or when it gets a job that will
// need it: with it a start would take a fifth longer.

const secondSource = Deno.args[1];
let second = null;

/**
 * Before the guest runs, if it is likely to print: Deno's way to a function fails where the guest
 * has replaced how arrays are taken apart, and then values are not shown.
 */
function prepareFor({ code, capture }) {
  if (capture && StringPrototypeIndexOf(code, "console") >= 0) loadSecondPart();
}

/** @returns {{inspect: Function, table: Function, refuseColumns: Function}} */
function loadSecondPart() {
  if (second === null) {
    const { 0: make, 1: error } = compileFunction(secondSource, "onehop:guest", NO_IMPORTS, []);
    if (error !== null) die("its second part cannot be read");
    second = make()(sharedWithSecond);
  }
  return second;
}
