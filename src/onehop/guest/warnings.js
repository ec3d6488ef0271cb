// What the reader of a result should know although the run succeeded. The host refuses more, or
// longer, warnings than these bounds allow.

import { createList, quote, RegExpPrototypeExec, StringPrototypeSlice } from "./primordials.js";
import { cut } from "./errors.js";

const MAX_WARNINGS = 8;
const MAX_WARNING = 600;
const MAX_PLACES = 5;
const MAX_STEP = 40;
/** Of iterators whose end is not known; the rest is left where it is. */
export const MAX_ITERATED = 10000;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

const warnings = createList();

/** For the next call of a session. */
export function forgetWarnings() {
  warnings.length = 0;
}

export function warn(text) {
  for (let i = 0; i < warnings.length; i++) if (warnings[i] === text) return;
  if (warnings.length < MAX_WARNINGS) warnings[warnings.length] = cut(text, MAX_WARNING);
}

/** The field of a result frame, as JSON text that starts with a comma; empty without warnings. */
export function warningsField() {
  if (warnings.length === 0) return "";
  let text = "";
  for (let i = 0; i < warnings.length; i++) text += (i === 0 ? "" : ",") + quote(warnings[i]);
  return ',"warnings":[' + text + "]";
}

/** Where something was found: the first few paths, and how many there are. */
export class Places {
  #paths = "";
  #count = 0;

  note(path) {
    if (this.#count < MAX_PLACES) this.#paths += (this.#count === 0 ? "" : ", ") + path;
    this.#count++;
  }

  toText() {
    const more = this.#count - MAX_PLACES;
    return more > 0 ? this.#paths + " and " + more + " more" : this.#paths;
  }
}

/**
 * A step of a path: `[0]`, `.name`, or `["odd name"]`.
 * @param {string | number} key
 */
export function pathStep(key) {
  if (typeof key === "number") return "[" + key + "]";
  if (key.length > MAX_STEP) key = StringPrototypeSlice(key, 0, MAX_STEP) + "…";
  return RegExpPrototypeExec(IDENTIFIER, key) !== null ? "." + key : "[" + quote(key) + "]";
}

/**
 * What an encoder has found.
 * @param {Findings} findings
 */
export function warnOfValues({ inexact, merged, replaced, empty, endless, unawaited }) {
  if (inexact !== null) {
    warn(
      "integers beyond 2^53 are not exact: " + inexact.toText() +
        " (compute with BigInt, which comes back as text with all digits)",
    );
  }
  if (merged !== null) {
    warn(
      "keys became one when lone surrogates were replaced by U+FFFD; only the last value is " +
        "left: " + merged.toText(),
    );
  }
  if (replaced !== null) {
    warn(
      "lone surrogates were replaced by U+FFFD: " + replaced.toText() +
        " (a character was cut in two; [...text] has whole ones)",
    );
  }
  if (empty !== null) {
    warn(
      "objects came back empty, because what they hold is in no field or element that JSON has: " +
        empty.toText() + " (return the parts that are needed)",
    );
  }
  if (endless !== null) {
    warn("only the first " + MAX_ITERATED + " values of an iterator are here: " + endless.toText());
  }
  if (unawaited !== null) {
    warn(
      "promises and async iterators came back as text, because the code did not await them: " +
        unawaited.toText() + " (await each, or await Promise.all(list) before the return)",
    );
  }
}
