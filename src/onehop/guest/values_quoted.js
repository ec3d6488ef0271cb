// JSON text as one JSON string, in chunks.

import { CapturedUint8Array, encodeUtf8, MathMin, TypedArrayGetLength } from "./primordials.js";

const QUOTE = 34;
const BACKSLASH = 92;

/**
 * JSON text, in chunks, as one JSON string of at most `keep` bytes of it, in chunks.
 * @param {Chunk | null} chunks
 * @param {number} keep
 * @returns {Chunks}
 */
export function quoteChunks(chunks, keep) {
  /** @type {Chunk} */
  const first = { __proto__: null, bytes: encodeUtf8('"'), next: null };
  let last = first;
  let size = 2;
  let room = keep;
  for (let chunk = chunks; chunk !== null && room > 0; chunk = chunk.next) {
    const bytes = escapeBytes(chunk.bytes, room);
    room -= TypedArrayGetLength(chunk.bytes);
    size += TypedArrayGetLength(bytes);
    last = last.next = { __proto__: null, bytes, next: null };
  }
  last.next = { __proto__: null, bytes: encodeUtf8('"'), next: null };
  return { __proto__: null, chunks: first, size };
}

/** Escape at most `limit` bytes of JSON text, whole characters only; it has no control characters. */
function escapeBytes(bytes, limit) {
  let length = MathMin(TypedArrayGetLength(bytes), limit);
  if (length < TypedArrayGetLength(bytes)) {
    while (length > 0 && (bytes[length] & 0xc0) === 0x80) length--;
  }
  let extra = 0;
  for (let i = 0; i < length; i++) {
    if (bytes[i] === QUOTE || bytes[i] === BACKSLASH) extra++;
  }
  const escaped = new CapturedUint8Array(length + extra);
  for (let i = 0, j = 0; i < length; i++) {
    if (bytes[i] === QUOTE || bytes[i] === BACKSLASH) escaped[j++] = BACKSLASH;
    escaped[j++] = bytes[i];
  }
  return escaped;
}
