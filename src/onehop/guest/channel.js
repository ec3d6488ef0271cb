// Frames on standard input and output, as docs/reference/protocol.md has them.

import {
  CapturedInt32Array,
  CapturedUint8Array,
  decodeUtf8,
  encodeUtf8,
  JSONParse,
  MathMin,
  TypedArrayGetBuffer,
  TypedArrayGetByteOffset,
  TypedArrayGetLength,
  TypedArrayPrototypeSet,
  uncurryThis,
} from "./primordials.js";

const stdin = Deno.stdin;
const stdout = Deno.stdout;
const readStdin = uncurryThis(stdin.readSync);
const writeStdout = uncurryThis(stdout.writeSync);
const writeStderr = Deno.stderr.writeSync.bind(Deno.stderr);
/** @type {(code: number) => never} */
export const exitProcess = Deno.exit;

const { wait: AtomicsWait } = Atomics;
const CapturedSharedArrayBuffer = SharedArrayBuffer;

const ONE_WRITE = 32768;
const CLOSING_BRACE = 0x7d;

const channel = {
  __proto__: null,
  frameHead: '{"v":3,"token":"","kind":"',
  // What has been read and not yet taken: bytes `taken` to `filled` of the inbox. One read gets a
  // small frame whole.
  inbox: new CapturedUint8Array(16384),
  taken: 0,
  filled: 0,
  isMuted: false,
};

/** Send nothing for a while: of what runs then, nobody shall hear. */
export function mute(isMuted) {
  channel.isMuted = isMuted;
}

/**
 * Bind the frames that follow to this run; the host's token has nothing to escape.
 * @param {string} token
 */
export function setToken(token) {
  channel.frameHead = '{"v":3,"token":"' + token + '","kind":"';
}

/**
 * End the process; the host takes a worker that ends without an answer as broken.
 * @param {string} reason
 * @returns {never}
 */
export function die(reason) {
  try {
    writeStderr(encodeUtf8("onehop guest: " + reason + "\n"));
  } finally {
    exitProcess(70);
  }
}

/** Wait for the host to end the process, so that nothing of the guest runs after its answer. */
export function halt() {
  const buffer = new CapturedUint8Array(1);
  try {
    while (readStdin(stdin, buffer) !== null);
  } catch {
    // A call of a tool is open, and its answer is being waited for in another thread.
    const never = new CapturedInt32Array(new CapturedSharedArrayBuffer(4));
    for (;;) AtomicsWait(never, 0, 0);
  }
  exitProcess(0);
}

/** Fill `bytes` from standard input; false when it ends before. */
function readFully(bytes) {
  const buffer = TypedArrayGetBuffer(bytes);
  const length = TypedArrayGetLength(bytes);
  let done = takeFromInbox(bytes, length);
  while (done < length) {
    const count = readStdin(stdin, new CapturedUint8Array(buffer, done));
    if (count === null) return false;
    done += count;
  }
  return true;
}

function takeFromInbox(bytes, most) {
  const count = MathMin(most, channel.filled - channel.taken);
  TypedArrayPrototypeSet(bytes, viewOf(channel.inbox, channel.taken, count), 0);
  channel.taken += count;
  return count;
}

/** A part of the bytes. */
export function viewOf(bytes, start, length) {
  return new CapturedUint8Array(TypedArrayGetBuffer(bytes), start, length);
}

/** Read what there is when the inbox is empty; false at the end of the input. */
function fillInbox() {
  if (channel.taken < channel.filled) return true;
  const count = readStdin(stdin, channel.inbox);
  channel.taken = 0;
  channel.filled = count ?? 0;
  return count !== null;
}

/** What stands in front of a frame; null at the end of the input. */
function readLength() {
  if (channel.filled - channel.taken >= 4) {
    channel.taken += 4;
    return lengthAt(channel.inbox, channel.taken - 4);
  }
  const head = new CapturedUint8Array(4);
  return readFully(head) ? lengthAt(head, 0) : null;
}

function lengthAt(bytes, i) {
  return ((bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3]) >>> 0;
}

/**
 * The next frame from the host as an object; null at the end of the input.
 * @returns {Job | null}
 */
export function readFrame() {
  const text = readText();
  return text === null ? null : JSONParse(text);
}

/** The same as JSON text. */
export function readText() {
  if (!fillInbox()) return null;
  const length = readLength();
  if (length === null) return null;
  if (length <= channel.filled - channel.taken) {
    channel.taken += length;
    return decodeUtf8(viewOf(channel.inbox, channel.taken - length, length));
  }
  const body = new CapturedUint8Array(length);
  return readFully(body) ? decodeUtf8(body) : null;
}

function writeFully(bytes) {
  const length = TypedArrayGetLength(bytes);
  try {
    for (let done = writeStdout(stdout, bytes); done < length;) {
      const start = TypedArrayGetByteOffset(bytes) + done;
      const rest = new CapturedUint8Array(TypedArrayGetBuffer(bytes), start, length - done);
      done += writeStdout(stdout, rest);
    }
  } catch {
    die("standard output is closed");
  }
}

/** The bytes of `text` behind the length of a body that has `more` bytes after them. */
function encodeHead(text, more) {
  const frame = encodeUtf8("\0\0\0\0" + text);
  const length = TypedArrayGetLength(frame) - 4 + more;
  frame[0] = length >>> 24;
  frame[1] = length >>> 16;
  frame[2] = length >>> 8;
  frame[3] = length;
  return frame;
}

/**
 * Send one frame; `fields` is JSON text that starts with a comma.
 * @param {string} kind
 * @param {string} fields
 */
export function sendFrame(kind, fields) {
  if (channel.isMuted) return;
  writeFully(encodeHead(channel.frameHead + kind + '"' + fields + "}", 0));
}

/**
 * Send a frame whose last field is JSON text of `size` bytes.
 * @param {string} kind
 * @param {string} fields JSON text that starts with a comma
 * @param {string} name of the last field
 * @param {Chunk | null} chunks
 * @param {number} size
 */
export function sendChunked(kind, fields, name, chunks, size) {
  const head = encodeHead(channel.frameHead + kind + '"' + fields + ',"' + name + '":', size + 1);
  // One write wakes the host once; a large frame is not worth a copy.
  if (size <= ONE_WRITE) return writeFully(joinChunks(head, chunks, size));
  writeFully(head);
  for (let chunk = chunks; chunk !== null; chunk = chunk.next) writeFully(chunk.bytes);
  writeFully(encodeUtf8("}"));
}

function joinChunks(head, chunks, size) {
  const start = TypedArrayGetLength(head);
  const frame = new CapturedUint8Array(start + size + 1);
  TypedArrayPrototypeSet(frame, head, 0);
  let at = start;
  for (let chunk = chunks; chunk !== null; chunk = chunk.next) {
    TypedArrayPrototypeSet(frame, chunk.bytes, at);
    at += TypedArrayGetLength(chunk.bytes);
  }
  frame[at] = CLOSING_BRACE;
  return frame;
}
