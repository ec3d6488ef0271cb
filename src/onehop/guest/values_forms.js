// What of an object that is not made of plain fields its JSON has.

import {
  core,
  createList,
  FunctionPrototypeToString,
  listOf,
  MapIteratorNext,
  MapPrototypeEntries,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPrototypeToString,
  RegExpPrototypeToString,
} from "./primordials.js";
import { searchText } from "./platform.js";
import { isAsyncIterator } from "./values_steps.js";

/** What errors of the language have in fields that are not enumerable. */
export const ERROR_FIELDS = listOf("cause", "errors", "error", "suppressed");

function isErrorField(key) {
  for (let i = 0; i < ERROR_FIELDS.length; i++) if (ERROR_FIELDS[i] === key) return true;
  return false;
}

/** The enumerable fields that someone put on an error, without those written by name. */
export function ownFields(error) {
  const fields = createList();
  const keys = ObjectKeys(error);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (key !== "name" && key !== "message" && key !== "stack" && !isErrorField(key)) {
      fields[fields.length] = key;
    }
  }
  return fields;
}

/** The text of a value whose JSON form is its string; null for any other. */
export function stringForm(object) {
  if (typeof object === "function") return FunctionPrototypeToString(object);
  if (core.isRegExp(object)) return RegExpPrototypeToString(object);
  if (core.isPromise(object)) return "[Promise]";
  if (isAsyncIterator(object)) return "[AsyncIterator]";
  // The tag may lie; the method does not.
  if (ObjectPrototypeToString(object) !== "[object URLSearchParams]") return null;
  try {
    return searchText(object);
  } catch {
    return null;
  }
}

/**
 * Whether a value is still to come: its text is not what the code wanted to return. Not the promise
 * of a tool's answer, which has told of itself; see unawaited.js.
 */
export function isUnawaited(object) {
  if (core.isPromise(object)) return !core.isProxy(ObjectGetPrototypeOf(object));
  return typeof object !== "function" && isAsyncIterator(object);
}

export function hasStringKeys(map) {
  const entries = MapPrototypeEntries(map);
  for (;;) {
    const { done, value } = MapIteratorNext(entries);
    if (done) return true;
    if (typeof value[0] !== "string") return false;
  }
}

export function keysOf(map) {
  const keys = createList();
  const entries = MapPrototypeEntries(map);
  for (;;) {
    const { done, value } = MapIteratorNext(entries);
    if (done) return keys;
    keys[keys.length] = value[0];
  }
}
