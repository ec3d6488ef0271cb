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
 * What is left of `room` characters after a value that JSON has as it is: text, a number, a boolean,
 * null, or a plain object or array of such, inside of `depth` others. Negative when it is another
 * value, or too long. One function, because V8 compiles two that call each other for three times as
 * long as the whole walk takes.
 */
export function roomAfterValue(value, depth, room) {
  switch (typeof value) {
    case "string":
      return room - value.length - 4;
    case "number":
      return value > MAX_SAFE_INTEGER || value < -MAX_SAFE_INTEGER ? -1 : room - 8;
    case "boolean":
      return room - 8;
    case "object":
      if (value === null) return room - 8;
      break;
    default:
      return -1;
  }
  depth++;
  room -= 4;
  if (depth > MAX_DEPTH || value.toJSON !== undefined) return -1;
  if (ArrayIsArray(value)) {
    const { length } = value;
    if (length === 0) { for (const _ in value) return -1; }
    for (let i = 0; i < length && room >= 0; i++) room = roomAfterValue(value[i], depth, room);
    return room;
  }
  const prototype = ObjectGetPrototypeOf(value);
  if (prototype !== ObjectPrototype && (prototype !== null || JSONIsRawJSON(value))) return -1;
  let isFieldless = true;
  for (const key in value) {
    isFieldless = false;
    room = roomAfterValue(value[key], depth, room - key.length);
    if (room < 0) break;
  }
  return isFieldless && !isBare(value) ? -1 : room;
}
