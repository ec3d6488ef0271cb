// Which values V8's own encoder writes as this one does: plain objects and arrays of plain values.

import {
  ArrayIsArray,
  JSONIsRawJSON,
  MAX_SAFE_INTEGER,
  ObjectGetPrototypeOf,
  ObjectPrototype,
  ReflectOwnKeys,
} from "./primordials.js";

export const MAX_DEPTH = 100;

/** Whether an object without fields is an ordinary one with nothing in it at all. */
export function isBare(object) {
  const prototype = ObjectGetPrototypeOf(object);
  if (prototype !== ObjectPrototype && prototype !== null) return false;
  return ReflectOwnKeys(object).length === 0;
}

/**
 * What is left of `room` characters after a value that JSON has as it is: plain objects and arrays
 * of text, numbers, booleans and null. Negative when it is another value, or too long.
 */
function roomAfter(object, depth, room) {
  if (depth > MAX_DEPTH || object.toJSON !== undefined || typeof object === "function") return -1;
  if (ArrayIsArray(object)) {
    const { length } = object;
    if (length === 0) { for (const _ in object) return -1; }
    for (let i = 0; i < length && room >= 0; i++) room = roomAfterValue(object[i], depth, room);
    return room;
  }
  const prototype = ObjectGetPrototypeOf(object);
  if (prototype !== ObjectPrototype && (prototype !== null || JSONIsRawJSON(object))) return -1;
  let isFieldless = true;
  for (const key in object) {
    isFieldless = false;
    room = roomAfterValue(object[key], depth, room - key.length);
    if (room < 0) break;
  }
  return isFieldless && !isBare(object) ? -1 : room;
}

export function roomAfterValue(value, depth, room) {
  switch (typeof value) {
    case "string":
      return room - value.length - 4;
    case "number":
      return value > MAX_SAFE_INTEGER || value < -MAX_SAFE_INTEGER ? -1 : room - 8;
    case "boolean":
      return room - 8;
    case "object":
      return value === null ? room - 8 : roomAfter(value, depth + 1, room - 4);
  }
  return -1;
}
