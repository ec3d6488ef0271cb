// The order of things: lock down, prove it on a small run, say so, take one job, answer it.

import {
  core,
  eventLoopHasMoreWork,
  getterOf,
  processTicksAndRejections,
  quote,
  uncurryThis,
} from "./primordials.js";
import { die, exitProcess, halt, readFrame, sendFrame } from "./channel.js";
import { show } from "./errors.js";
import { encodeValue } from "./values.js";
import { format } from "./console.js";
import { answers, fail, succeed } from "./answers.js";
import { call, compile } from "./run.js";
import { cancelTimers } from "./timers.js";
import { nextTurn } from "./turns.js";
import { endStuckRun, forgetRejection, isOnTop, noteRejection, runToEnd } from "./ending.js";
import { beginEpoch, isLate } from "./epoch.js";
import { isListening } from "./second.js";
import { ourNames } from "./globals.js";
import { defineBuiltins, defineOurs, lockDown, removeGlobals, verifyLockdown } from "./lockdown.js";
import { MessageChannel, MessagePort } from "./ports.js";

const EventPrototypePreventDefault = uncurryThis(Event.prototype.preventDefault);

/** @beforeGuest the start comes before the job */
function watchForFailures() {
  core.setReportExceptionCallback(failNow);
  core.setUnhandledPromiseRejectionHandler((promise, reason) => {
    noteRejection(promise, reason);
    return true;
  });
  core.setHandledPromiseRejectionHandler(forgetRejection);
  // Listeners of an EventTarget report what they throw in this way only.
  const errorOf = getterOf(ErrorEvent.prototype, "error");
  globalThis.addEventListener("error", (event) => failNow(errorOf(event)));
  // Deno dispatches this when its event loop has nothing left to do.
  globalThis.addEventListener("beforeunload", (event) => {
    endStuckRun();
    EventPrototypePreventDefault(event); // a session goes on
  });
}

/**
 * Set up what a signal needs now: the host allows no new descriptor later.
 * @beforeGuest the start comes before the job
 */
function warmSignals() {
  const ignore = () => {};
  Deno.addSignalListener("SIGUSR2", ignore);
  Deno.removeSignalListener("SIGUSR2", ignore);
}

/** What an earlier call of a session has left fails by itself. */
function failNow(thrown) {
  if (!isLate()) fail(thrown);
}

const WARM_UP_JS = `
  const log = [context.list.map((x) => x + 1), new Map([["a", new Set([1n])]])];
  log.push(new Error().stack.includes("code.js:3:"));
  return { log, text: "ok" };`;
const WARM_UP_OUTPUT = '{"log":[[2,3],{"a":["1"]},true],"text":"ok"}';
/** What every worker must show before it is ready: the machinery runs, and imports nothing. */
async function proveNoImport() {
  const code = 'try { await import("data:text/javascript,0"); return 1 } catch { return context }';
  expectOutput(await call(compile({ code, original: null, session: null }), 0), "0");
}

// V8 compiles what has been called eight times or so, in one go with whatever else has got hot.
// Without enough turns, that quarter of a millisecond falls into the job.
const WARM_UP_TURNS = 12;

/**
 * Run the machinery once more, as a job would, so that the first job meets compiled code, and see
 * that it is right. A third of a start, so only when the host finds the time for it. `job` came as
 * the first job will, so that V8 knows objects of its shape by then.
 */
function warmUp(job) {
  nextTurn(() => {
    rehearse(job);
    serve();
  });
}

function rehearse(job) {
  let output;
  const expectJS = (value) => expectOutput(output = value, WARM_UP_OUTPUT);
  begin({ ...job, code: WARM_UP_JS, original: null }, expectJS);
  let turns = 0;
  for (let i = 0; i < WARM_UP_TURNS; i++) {
    begin(job, (value) => {
      expectOutput(value, "[1,2]");
      turns++;
    });
  }
  if (turns < WARM_UP_TURNS || eventLoopHasMoreWork()) die("a trial run left work behind");
  format(["warm-up", output]);
  answers.succeeded = backToWarming;
  succeed(output);
}

/** @beforeGuest a rehearsal comes before the job */
function backToWarming() {
  answers.state = "warming";
  answers.succeeded = halt;
}

/** @beforeGuest a rehearsal comes before the job */
function expectOutput(value, expected) {
  delete globalThis.context;
  const seen = encodeValue(value, 4096).text;
  if (seen !== expected) die("a trial run gave " + seen);
}

/**
 * Take the job, and before it any number of requests to warm up; a large context may have come ahead
 * of the job, which has null in its place then.
 * @param {unknown} ahead
 */
function serve(ahead = null) {
  const frame = readFrame();
  if (frame === null) return exitProcess(0);
  if (frame.v !== 3) die("the host speaks another version");
  if (frame.kind === "warm") return warmUp(frame);
  if (frame.kind === "context") return serve(frame.context);
  if (frame.kind !== "job") die("a frame before the job is no request to warm up");
  frame.context ??= ahead;
  if (frame.session !== null) return beginSession(frame);
  answers.state = "running";
  begin(frame, succeed);
}

/** All that a job goes through stands here and below: a rehearsal has V8 compile it. */
function begin(job, handOn) {
  runToEnd(job, handOn);
}

/**
 * The next call of a session, and whether the last one has ended before any turn of the event loop.
 * @type {{ __proto__: null, next: Job | null, isOver: boolean }}
 */
const kept = { __proto__: null, next: null, isOver: false };

function beginSession(job) {
  answers.settle = openField;
  answers.succeeded = serveAfterValue;
  answers.failed = serveLater;
  kept.next = job;
  nextTurn(serveCalls); // not from here, where the first job would stay in memory
}

/** Calls that need no turn of the event loop, which costs more than all the rest, follow here. */
function serveCalls() {
  for (;;) {
    answers.state = "running";
    begin(takeCall(), succeed);
    if (!kept.isOver) return;
    kept.isOver = false;
    waitForCall();
    processTicksAndRejections(); // what the value's getters have begun
    if (eventLoopHasMoreWork()) return nextTurn(serveCalls);
  }
}

/** @returns {Job} */
function takeCall() {
  const { next } = kept;
  kept.next = null;
  return /** @type {Job} */ (next);
}

function serveAfterValue() {
  if (isOnTop()) kept.isOver = true;
  else serveLater();
}

/** The guest may be on the stack. */
function serveLater() {
  waitForCall();
  nextTurn(serveCalls);
}

/** Of a session: whether the host has been asked something, so that no other call can follow. */
function openField() {
  return isListening() ? ',"open":true' : "";
}

/** Of a session: nothing runs until the next call comes. */
function waitForCall() {
  if (isListening()) die("a call had asked its host something, and did not await the answer");
  const frame = readFrame();
  if (frame === null) return exitProcess(0);
  if (frame.kind !== "job" || frame.session === null) die("a frame that is no call of the session");
  cancelTimers();
  beginEpoch(); // from here on all that is left of the last call is late
  kept.next = frame;
}

function dieOf(thrown) {
  die(show(thrown));
}

/** @beforeGuest the start comes before the job */
async function main() {
  // From here on the bootstrap as a whole is on no stack: V8 would parse all of it again for the
  // first error's line numbers.
  await null;
  const { deno, v8, typescript } = Deno.version;
  warmSignals();
  watchForFailures();
  lockDown();
  for (const name of ourNames()) defineOurs(name);
  removeGlobals();
  defineBuiltins(globalThis, { MessageChannel, MessagePort });
  delete /** @type {any} */ (URL).createObjectURL;
  delete /** @type {any} */ (URL).revokeObjectURL;
  await proveNoImport();
  verifyLockdown();
  sendFrame(
    "ready",
    ',"deno":' + quote(deno) + ',"v8":' + quote(v8) + ',"typescript":' + quote(typescript),
  );
  nextTurn(serve);
}

/** @beforeGuest the start comes before the job */
function start() {
  void main().catch(dieOf);
}

// When Deno dispatches this, it is done with its own start, in which it trusts the global object.
globalThis.addEventListener("load", start, { once: true });
