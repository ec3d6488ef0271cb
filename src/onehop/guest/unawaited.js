// The promise of a tool's answer says so when the code reads it as if it were the answer.
//
// `const person = tools.crm.find({}); return person.name` is a mistake that shows nowhere: the value
// is undefined. So the promise has a prototype of its own, behind which that of all promises stands.
// What a promise has is found there as ever. A name that it has not is undefined as ever, too, so
// that code which only probes goes on; the result warns of it.

import {
  CapturedError,
  CapturedMap,
  CapturedProxy,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  ObjectSetPrototypeOf,
  PromisePrototype,
  ReflectGet,
  ReflectHas,
  StringPrototypeSlice,
} from "./primordials.js";
import { isLate } from "./epoch.js";
import { describeThrown } from "./errors.js";
import { pathStep, warn } from "./warnings.js";

const MOST = 8;
const LONGEST_PATH = 100;
/** @type {{ __proto__?: null, told: Map<string, boolean> }} */
const reads = { __proto__: null, told: new CapturedMap() };

/** For the next call of a session. */
export function forgetReads() {
  reads.told = new CapturedMap();
}

/**
 * @param {Promise<unknown>} promise
 * @param {string} path of the tool.
 */
export function watchReads(promise, path) {
  const get = (target, name, receiver) => {
    if (typeof name === "string" && !ReflectHas(target, name)) warnOfRead(path, name);
    return ReflectGet(target, name, receiver);
  };
  const target = { __proto__: PromisePrototype };
  return ObjectSetPrototypeOf(promise, new CapturedProxy(target, { __proto__: null, get }));
}

function warnOfRead(path, name) {
  if (isLate() || MapPrototypeGetSize(reads.told) >= MOST) return;
  const { line } = describeThrown(new CapturedError());
  const tool = "tools." + StringPrototypeSlice(path, 0, LONGEST_PATH);
  const text = (line === null ? "" : "line " + line + ": ") + mistake(tool + "(…)", name);
  if (MapPrototypeGet(reads.told, text) === true) return;
  MapPrototypeSet(reads.told, text, true);
  warn(text);
}

function mistake(call, name) {
  if (name === "toJSON") {
    return "the promise of " + call + " was made JSON, not its answer: write await " + call;
  }
  const step = pathStep(name);
  return "`" + step + "` was read from the promise of " + call + ", not from its answer, and is " +
    "undefined: write (await " + call + ")" + step;
}
