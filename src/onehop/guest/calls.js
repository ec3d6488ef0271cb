// Calls of the host's tools: what is asked goes out as a frame, and answers come in while the code
// does something else. docs/reference/protocol.md has the frames.

import {
  CapturedMap,
  CapturedUint8Array,
  decodeUtf8,
  JSONParse,
  MapPrototypeDelete,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  MathMin,
  ObjectSetPrototypeOf,
  TypedArrayGetLength,
  TypedArrayPrototypeIndexOf,
  TypedArrayPrototypeSet,
} from "./primordials.js";
import { startReading } from "./borrowed.js";
import { die, exitProcess, readFrame, sendFrame, viewOf } from "./channel.js";

const STDIN = 0;
const READ_BYTES = 65536;
const NEWLINE = 10;

/** @type {CallsState} */
const calls = {
  __proto__: null,
  /** What waits for an answer, by id. */
  open: new CapturedMap(),
  next: 1,
  isListening: false,
  buffer: null,
  head: new CapturedUint8Array(4),
  filled: 0,
  body: null,
};

/**
 * Ask the host; `settle` gets the answer's head, and the JSON text behind it.
 * @param {"call" | "ask" | "store"} kind
 * @param {string} fields JSON text that starts with a comma
 * @param {(head: AnswerHead, text: string) => void} settle
 */
export function request(kind, fields, settle) {
  const id = calls.next++;
  MapPrototypeSet(calls.open, id, { __proto__: null, settle, bytes: null });
  sendFrame(kind, ',"id":' + id + fields);
  if (!calls.isListening) void listen();
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
    const count = await startReading(STDIN, calls.buffer);
    if (count === 0) exitProcess(0);
    takeBytes(calls.buffer, count);
  }
  calls.isListening = false;
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
  MapPrototypeDelete(calls.open, head.id);
  asked.settle(head, decodeUtf8(asked.bytes));
}

function joined(first, second) {
  const length = TypedArrayGetLength(first);
  const both = new CapturedUint8Array(length + TypedArrayGetLength(second));
  TypedArrayPrototypeSet(both, first, 0);
  TypedArrayPrototypeSet(both, second, length);
  return both;
}
