// Frames of the processes that read programs and run none, as docs/reference/protocol.md has them.

// deno-lint-ignore-file guest/globals guest/methods -- no guest runs in a compiler

import { decodeUtf8, encodeUtf8 } from "./primordials.js";

// Deno's modules for Node ask for these as soon as the first is loaded, and the jail has neither.
Deno.execPath = () => "/deno";
Deno.cwd = () => "/";

// What has been read and not yet taken: bytes `taken` to `filled`. One read gets a small frame whole.
const inbox = { bytes: new Uint8Array(65536), taken: 0, filled: 0 };

/** The next `length` bytes; null when the input ends before. */
function receive(length) {
  if (inbox.taken === inbox.filled) {
    inbox.taken = 0;
    inbox.filled = Deno.stdin.readSync(inbox.bytes) ?? 0;
  }
  const start = inbox.taken;
  inbox.taken = Math.min(start + length, inbox.filled);
  const bytes = inbox.bytes.subarray(start, inbox.taken);
  return bytes.length === length ? bytes : receiveRest(bytes, length);
}

/** What begins with `bytes`, filled from standard input; null when that ends before. */
function receiveRest(bytes, length) {
  const whole = new Uint8Array(length);
  whole.set(bytes);
  for (let done = bytes.length; done < length;) {
    const count = Deno.stdin.readSync(whole.subarray(done));
    if (count === null) return null;
    done += count;
  }
  return whole;
}

/** The text of the next frame; null at the end. */
export function receiveFrame() {
  const head = receive(4);
  if (head === null) return null;
  const length = ((head[0] << 24) | (head[1] << 16) | (head[2] << 8) | head[3]) >>> 0;
  const body = receive(length);
  return body === null ? null : decodeUtf8(body);
}

/** Whether the message was sent: one of more than `most` bytes is not. */
export function writeFrame(message, most = Infinity) {
  const frame = encodeUtf8("\0\0\0\0" + JSON.stringify(message));
  const length = frame.length - 4;
  if (length > most) return false;
  frame[0] = length >>> 24;
  frame[1] = length >>> 16;
  frame[2] = length >>> 8;
  frame[3] = length;
  for (let done = 0; done < frame.length;) done += Deno.stdout.writeSync(frame.subarray(done));
  return true;
}
