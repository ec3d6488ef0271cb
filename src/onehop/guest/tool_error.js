// The error of every call of a tool that failed, and the global class of it.

import {
  CapturedError,
  isObject,
  ObjectDefineProperty,
  ObjectKeys,
  ObjectSetPrototypeOf,
} from "./primordials.js";

/** A call of a tool that failed. Its fields are enumerable, so that output and logs show them. */
export class ToolError extends CapturedError {
  constructor(message, fields) {
    super(message);
    if (isObject(fields)) define(this, fields);
  }
}
const toolErrorPrototype = ToolError.prototype;
ObjectDefineProperty(toolErrorPrototype, "name", {
  __proto__: null,
  value: "ToolError",
  writable: true,
  configurable: true,
});

/** One without fields, made where the call is: its stack is the caller's. */
export function blankToolError() {
  return ObjectSetPrototypeOf(new CapturedError(), toolErrorPrototype);
}

/** What the host says of a failure, in an error that the call has made. */
export function fillToolError(error, fields) {
  define(error, fields);
  return error;
}

function define(error, fields) {
  const names = ObjectKeys(fields);
  for (let i = 0; i < names.length; i++) {
    ObjectDefineProperty(error, names[i], {
      __proto__: null,
      value: fields[names[i]],
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
}
