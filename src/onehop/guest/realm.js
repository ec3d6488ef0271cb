// One realm: its globals, its one run, and what the process's main realm may ask of it.

import {
  CapturedTypeError,
  eventLoopHasMoreWork,
  JSONParse,
  listOf,
  ObjectDefineProperty,
  processTicksAndRejections,
} from "./primordials.js";
import { die, mute } from "./channel.js";
import { border, own } from "./boundary.js";
import { isWebLoaded, loadWeb } from "./web_part.js";
import { encodeValue } from "./values.js";
import { answers, fail, succeed } from "./answers.js";
import { isTimerPending } from "./timers.js";
import { isWaiting } from "./waits.js";
import { endStuckRun, forgetRejection, hasUnhandled, noteRejection, runToEnd } from "./ending.js";
import { defineLazily, defineOurs, lockDown, verifyLockdown } from "./lockdown.js";

/** Whether this realm leaves nothing behind that could run, or be seen, in the next one's time. */
function leavesNothing() {
  return !border.hasTrace && !isTimerPending() && !isWaiting() && !hasUnhandled() &&
    !eventLoopHasMoreWork();
}

/** What the value's own code has started runs before the answer, so that nothing runs after it. */
function settle(isError) {
  if (isError) return ""; // the process ends
  mute(true);
  processTicksAndRejections();
  mute(false);
  border.isLast = !leavesNothing();
  return border.isLast ? "" : ',"again":true';
}

function end() {
  border.isOver = true;
  mute(true);
  if (border.isLast) main.halt();
  main.ended(isWebLoaded());
}

const { FinalizationRegistry: OwnRegistry } = globalThis;

/** A run that has one ends its process: the callbacks come later, in the time of another run. */
function WatchedRegistry(callback) {
  if (new.target === undefined) {
    throw new CapturedTypeError("Constructor FinalizationRegistry requires 'new'");
  }
  border.hasTrace = true;
  return own.construct(OwnRegistry, listOf(callback), new.target);
}

/** @beforeGuest a realm is opened before its job */
function open() {
  ObjectDefineProperty(WatchedRegistry, "name", { value: "FinalizationRegistry" });
  WatchedRegistry.prototype = OwnRegistry.prototype;
  ObjectDefineProperty(OwnRegistry.prototype, "constructor", { value: WatchedRegistry });
  ObjectDefineProperty(globalThis, "FinalizationRegistry", { value: WatchedRegistry });
  // All else that a fresh realm has is allowed, as `prove` sees before the first job.
  for (const name of ENGINES_OWN) delete globalThis[name];
  lockDown();
}

const ENGINES_OWN = ["WebAssembly", "console", "queueMicrotask"];

const webGlobal = (name) => loadWeb().webGlobal(name);

/** @beforeGuest a realm is opened before its job */
function define(name, isOurs) {
  if (isOurs) defineOurs(name);
  else defineLazily(name, webGlobal);
}

/**
 * Run a job, which is JSON text. When it has its answer, and another realm may follow, the main realm
 * hears of it.
 */
function run(text) {
  answers.settle = settle;
  answers.succeeded = end;
  const job = JSONParse(text);
  if (job.v !== 3 || job.kind !== "job") die("the host sent something else than a job");
  if (job.session !== null) die("a realm keeps nothing for a session");
  answers.state = "running";
  // What is fixed is fixed in the globals themselves.
  main.eachGlobal(job.fixed === null ? job.code : null, define);
  runToEnd(job, succeed);
}

const TRIAL = `
  try { await import("data:text/javascript,0"); return 0 } catch { /* as it should be */ }
  const seen = [context.list.map((x) => x + 1), new Map([["a", new Set([1n])]])];
  seen.push(new Error().stack.includes("code.js:4:"), new URL("x:y").href, [] instanceof Array);
  return seen;`;
const TRIAL_OUTPUT = '[[2,3],{"a":["1"]},true,"x:y",true]';

/**
 * End the process unless this realm is what it should be.
 * @beforeGuest a trial comes before any job
 */
function prove() {
  main.eachGlobal(null, define);
  verifyLockdown();
  const limits = { output: 4096, keep: 4096, logs: 0, entries: 0 };
  const context = JSON.parse('{"list":[1,2]}');
  /** @type {any} */
  const job = { kind: "job", code: TRIAL, original: null, token: "", context, capture: false };
  let seen = "nothing";
  runToEnd(
    { ...job, limits, tools: null, fixed: null, session: null },
    (value) => (seen = encodeValue(value, 4096).text),
  );
  if (seen !== TRIAL_OUTPUT || eventLoopHasMoreWork()) die("a trial run gave " + seen);
}

open();
/** What the main realm may ask of this one. */
export const realm = {
  __proto__: null,
  run,
  prove,
  endStuckRun,
  noteRejection(promise, reason) {
    noteRejection(promise, isWebLoaded() ? loadWeb().toGuest(reason) : reason);
  },
  forgetRejection,
  noteTrace() {
    border.hasTrace = true;
  },
  fail(thrown) {
    fail(isWebLoaded() ? loadWeb().toGuest(thrown) : thrown);
  },
};
