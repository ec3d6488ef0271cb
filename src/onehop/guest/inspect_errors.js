// An error as text: its stack, headed by the name of its class.

import {
  ArrayIsArray,
  CapturedString,
  ErrorPrototypeToString,
  RegExpPrototypeExec,
  StringPrototypeEndsWith,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
} from "./primordials.js";
import { cleanStacks } from "./errors.js";
import { add, contains } from "./inspect_lists.js";
import { has } from "./inspect_quotes.js";
import { prefixOf } from "./inspect_classes.js";

const STACK_HEAD = /^([A-Z][a-z_ A-Z0-9[\]()-]+)(?::|\n\s+at)/;
const STACK_NAME = /^([a-z_A-Z0-9-]*Error)$/;

/** Takes from `keys` what the text shows, and adds what it does not. */
export function errorText(inspector, error, constructor, tag, keys) {
  const name = CapturedString(error.name ?? "Error");
  const { message } = error;
  let stack = stackOf(error);
  if (!inspector.options.showHidden) hideShownKeys(keys, error, stack);
  if ("cause" in error && !contains(keys, "cause")) add(keys, "cause");
  if (ArrayIsArray(error.errors) && !contains(keys, "errors")) add(keys, "errors");
  stack = improveStack(stack, constructor, name, tag);
  let from = 0;
  if (typeof message === "string" && message !== "") {
    const at = StringPrototypeIndexOf(stack, message);
    if (at >= 0) from = at + message.length;
  }
  if (StringPrototypeIndexOf(stack, "\n    at", from) < 0) stack = "[" + stack + "]";
  return inspector.indent(stack);
}

/** The stack of an error as text; its name and message when it has none. */
function stackOf(error) {
  const { stack } = error;
  if (stack) return cleanStacks(CapturedString(stack));
  return ErrorPrototypeToString(error);
}

/** Take away the fields that the stack shows already. */
function hideShownKeys(keys, error, stack) {
  let kept = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (key === "name" || key === "message" || key === "stack") {
      const value = error[key];
      if (typeof value !== "string" || has(stack, value)) continue;
    }
    keys[kept++] = key;
  }
  keys.length = kept;
}

/** Put the name of the class at the head of a stack that has only that of its base. */
function improveStack(stack, constructor, name, tag) {
  let { length } = name;
  const next = stack[length];
  const isUsual = StringPrototypeEndsWith(name, "Error") &&
    StringPrototypeStartsWith(stack, name) &&
    (stack.length === length || next === ":" || next === "\n");
  if (constructor !== null && !isUsual) return stack;
  let fallback = "Error";
  if (constructor === null) {
    const head = RegExpPrototypeExec(STACK_HEAD, stack) ?? RegExpPrototypeExec(STACK_NAME, stack);
    const found = head === null ? "" : head[1];
    length = found.length;
    fallback = found || "Error";
  }
  const prefix = StringPrototypeSlice(prefixOf(constructor, tag, fallback), 0, -1);
  if (name === prefix) return stack;
  const rest = StringPrototypeSlice(stack, length);
  if (!has(prefix, name)) return prefix + " [" + name + "]" + rest;
  return length === 0 ? prefix + ": " + stack : prefix + rest;
}
