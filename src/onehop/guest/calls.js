// Calls of the host's tools: what is asked goes out as a frame, and answers come in while the code
// does something else. docs/reference/protocol.md has the frames.

import {
  CapturedMap,
  CapturedPromise,
  CapturedUint8Array,
  core,
  createList,
  decodeUtf8,
  JSONParse,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  MathMin,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  TypedArrayGetLength,
  TypedArrayPrototypeIndexOf,
  TypedArrayPrototypeSet,
} from "./primordials.js";
import { startReading } from "./borrowed.js";
import { guestTime, moveClock } from "./clock.js";
import { die, exitProcess, readFrame, sendFrame, viewOf } from "./channel.js";
import { nextTurn } from "./turns.js";

const STDIN = 0;
const READ_BYTES = 65536;
const NEWLINE = 10;

/** @type {CallsState} */
const calls = {
  __proto__: null,
  /** What waits for an answer, by id. */
  open: new CapturedMap(),
  next: 1,
  /** How many of them the run waits for: not those that were forgone. */
  awaited: 0,
  reading: null,
  isListening: false,
  buffer: null,
  head: new CapturedUint8Array(4),
  filled: 0,
  body: null,
  /** Answers that are here, to be settled one in each turn. */
  arrived: createList(),
  taken: 0,
};

/**
 * Ask the host; `settle` gets the answer's head, and the JSON text behind it.
 * @param {"call" | "ask" | "store" | "sleep"} kind
 * @param {string} fields JSON text that starts with a comma
 * @param {(head: AnswerHead, text: string) => void} settle
 * @returns {number} its id
 */
export function request(kind, fields, settle) {
  const id = calls.next++;
  MapPrototypeSet(calls.open, id, { __proto__: null, settle, bytes: null, isForgone: false });
  calls.awaited++;
  sendFrame(kind, ',"id":' + id + fields);
  if (!calls.isListening) void listen();
  else if (calls.awaited === 1) holdReading();
  return id;
}

/** The run does not wait for this answer any more; what it would settle hears nothing of it. */
export function forgo(id) {
  const asked = MapPrototypeGet(calls.open, id);
  if (asked === undefined || asked.isForgone) return;
  asked.isForgone = true;
  calls.awaited--;
  if (calls.awaited === 0) holdReading();
}

/** Reading keeps the event loop busy only as long as an answer is awaited. */
function holdReading() {
  if (calls.reading === null) return;
  if (calls.awaited > 0) core.refOpPromise(calls.reading);
  else core.unrefOpPromise(calls.reading);
}

/** Whether something is asked and not answered. */
export function isAsking() {
  return calls.isListening;
}

/** The names of what is granted; nothing else happens until the host has answered. */
export function readNames() {
  sendFrame("names", "");
  const frame = readFrame();
  if (frame === null) exitProcess(0);
  return /** @type {any} */ (frame).names;
}

/** Read as long as something is asked: when nothing is, the run may end. */
async function listen() {
  calls.isListening = true;
  try {
    await readAnswers();
  } catch {
    die("the code has made it impossible to read the answers of tools");
  }
}

async function readAnswers() {
  calls.buffer ??= new CapturedUint8Array(READ_BYTES);
  while (MapPrototypeGetSize(calls.open) > 0) {
    calls.reading = startReading(STDIN, calls.buffer);
    if (calls.awaited === 0) holdReading();
    const count = await calls.reading;
    calls.reading = null;
    if (count === 0) exitProcess(0);
    takeBytes(calls.buffer, count);
    while (calls.taken < calls.arrived.length) {
      settleNext();
      if (calls.taken < calls.arrived.length) await turn();
    }
    forgetArrived();
  }
  calls.isListening = false;
}

/** @returns {Promise<void>} of the next turn, when all that the last answer has moved has run */
function turn() {
  /** @type {Promise<void>} */
  const promise = new CapturedPromise((resolve) => nextTurn(resolve));
  // With this own property, await takes the promise as it is and looks nothing up.
  return ObjectDefineProperty(promise, "constructor", { __proto__: null, value: CapturedPromise });
}

function settleNext() {
  const { asked, head, text } = calls.arrived[calls.taken++];
  settleAnswer(asked, head, text);
}

function forgetArrived() {
  if (calls.taken === 0) return;
  calls.arrived = createList();
  calls.taken = 0;
}

function takeBytes(bytes, count) {
  for (let at = 0; at < count;) {
    if (calls.body === null) takeHeadByte(bytes[at++]);
    else at += takePart(viewOf(bytes, at, MathMin(count - at, bodyRoom())));
  }
}

function bodyRoom() {
  return TypedArrayGetLength(calls.body) - calls.filled;
}

function takeHeadByte(byte) {
  const { head } = calls;
  head[calls.filled++] = byte;
  if (calls.filled < 4) return;
  const length = ((head[0] << 24) | (head[1] << 16) | (head[2] << 8) | head[3]) >>> 0;
  calls.body = new CapturedUint8Array(length);
  calls.filled = 0;
}

function takePart(part) {
  TypedArrayPrototypeSet(calls.body, part, calls.filled);
  const count = TypedArrayGetLength(part);
  calls.filled += count;
  if (bodyRoom() === 0) {
    const body = calls.body;
    calls.body = null;
    calls.filled = 0;
    takeFrame(body);
  }
  return count;
}

/** A frame is one line of JSON, and behind it a part of an answer's text. */
function takeFrame(body) {
  const end = TypedArrayPrototypeIndexOf(body, NEWLINE);
  // Without a prototype: what is not in it would be looked up on an object that the code can change.
  const head = ObjectSetPrototypeOf(JSONParse(decodeUtf8(viewOf(body, 0, end))), null);
  const asked = MapPrototypeGet(calls.open, head.id);
  if (asked === undefined) die("an answer to nothing");
  const part = viewOf(body, end + 1, TypedArrayGetLength(body) - end - 1);
  asked.bytes = asked.bytes === null ? part : joined(asked.bytes, part);
  if (head.more === true) return;
  const text = decodeUtf8(asked.bytes);
  if (guestTime.moves) calls.arrived[calls.arrived.length] = { __proto__: null, asked, head, text };
  else settleAnswer(asked, head, text);
}

function settleAnswer(asked, head, text) {
  MapPrototypeDelete(calls.open, head.id);
  if (head.at !== undefined) moveClock(head.at);
  if (asked.isForgone) return;
  calls.awaited--;
  asked.settle(head, text);
}

function joined(first, second) {
  const length = TypedArrayGetLength(first);
  const both = new CapturedUint8Array(length + TypedArrayGetLength(second));
  TypedArrayPrototypeSet(both, first, 0);
  TypedArrayPrototypeSet(both, second, length);
  return both;
}
