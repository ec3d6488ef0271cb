// Which keys of an object are shown, and how.

import {
  createList,
  ObjectGetOwnPropertyNames,
  ObjectGetOwnPropertySymbols,
  ObjectKeys,
  ObjectPrototypePropertyIsEnumerable,
  RegExpPrototypeExec,
  SymbolPrototypeToString,
} from "./primordials.js";
import { add } from "./inspect_lists.js";
import { escapeText, quoteText } from "./inspect_quotes.js";

const IDENTIFIER_KEY = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
const INDEX_KEY = /^(0|[1-9][0-9]*)$/;
const MAX_INDEX = 4294967294;
export const MAX_LISTED = 100000;

/** The keys that are shown, of those names where they are given. */
export function shownKeysOf(showHidden, value, names) {
  const keys = createList();
  const own = names ?? (showHidden ? ObjectGetOwnPropertyNames(value) : ObjectKeys(value));
  for (let i = 0; i < own.length; i++) add(keys, own[i]);
  const symbols = ObjectGetOwnPropertySymbols(value);
  for (let i = 0; i < symbols.length; i++) {
    if (showHidden || isEnumerable(value, symbols[i])) add(keys, symbols[i]);
  }
  return keys;
}

/** The keys beside the indexes, of an array or of a boxed string. */
export function keysBesideIndexes(showHidden, value, length) {
  const extra = createList();
  // Listing the indexes of a long one costs more than its few extra fields are worth.
  if (length > MAX_LISTED) return extra;
  const own = showHidden ? ObjectGetOwnPropertyNames(value) : ObjectKeys(value);
  for (let i = own.length - 1; i >= 0; i--) {
    // Indexes come first.
    if (isIndex(own[i])) break;
    add(extra, own[i]);
  }
  for (let i = 0, j = extra.length - 1; i < j; i++, j--) {
    const swapped = extra[i];
    extra[i] = extra[j];
    extra[j] = swapped;
  }
  return shownKeysOf(showHidden, value, extra);
}

export function keyText(key, enumerable) {
  if (typeof key === "symbol") return "[" + escapeText(SymbolPrototypeToString(key), -1) + "]";
  key = "" + key;
  if (key === "__proto__") return "['__proto__']";
  if (!enumerable) return "[" + escapeText(key, -1) + "]";
  return RegExpPrototypeExec(IDENTIFIER_KEY, key) !== null ? key : quoteText(key);
}

export function isIndex(key) {
  return typeof key === "string" && RegExpPrototypeExec(INDEX_KEY, key) !== null &&
    +key <= MAX_INDEX;
}

export function isEnumerable(object, key) {
  return ObjectPrototypePropertyIsEnumerable(object, key);
}
