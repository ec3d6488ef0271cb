// What the library needs of the web's classes, in a realm: platform.js has the same for a process.

import { createList, listOf } from "./primordials.js";
import { behind, guarded } from "./boundary.js";
import { loadWeb } from "./web_part.js";

const platform = {
  __proto__: null,
  urlParts: guarded(main.urlParts),
  searchPairs: guarded(main.searchPairs),
  searchText: guarded(main.searchText),
  inspect: guarded(main.inspect),
};

export function platformClone(value, options) {
  return loadWeb().clone(value, options?.transfer);
}

export function makeDOMException(message, name) {
  return loadWeb().makeDOMException(message, name);
}

/** The parts of a URL, names and values in turn; null for anything else. */
export function readUrl(object) {
  const inner = behind(object);
  const found = inner === undefined ? null : platform.urlParts(inner);
  if (found === null) return null;
  const parts = createList();
  for (let i = 0; i < found.length; i++) parts[i] = loadWeb().toGuest(found[i]);
  return parts;
}

/** Names and values of URLSearchParams in turn; null for anything else. */
export function readSearch(object) {
  const inner = behind(object);
  return inner === undefined ? null : platform.searchPairs(inner);
}

/** URLSearchParams as text. Throws for anything else. */
export function searchText(object) {
  return platform.searchText(behind(object));
}

/** As Deno shows an object of one of its own classes. */
export function inspectByPlatform(value, options) {
  // An iterator on the guest's Array.prototype might see what is in an array.
  return platform.inspect(listOf(behind(value) ?? value), options);
}

/** Whether an object stands for one of Deno's own classes. */
export function isOfPlatform(object) {
  return behind(object) !== undefined;
}

/** The methods of V8's call sites, which are the same in all realms. */
export function callSiteMethods() {
  return siteMethods;
}
const siteMethods = { __proto__: null };
for (const name of main.siteNames) siteMethods[name] = guarded(main.siteMethods[name]);
