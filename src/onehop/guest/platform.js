// What the library needs of the web's classes, which are Deno's here; a realm has realm_platform.js.

import { CapturedError, createList, getterOf, inspectArgs, uncurryThis } from "./primordials.js";
import { inheritsFrom } from "./errors.js";

const CapturedDOMException = DOMException;
const { prototype: URLPrototype } = URL;
const { prototype: SearchPrototype } = URLSearchParams;
const searchToString = uncurryThis(SearchPrototype.toString);
const searchEntries = uncurryThis(SearchPrototype.entries);
const searchNext = uncurryThis(Object.getPrototypeOf(new URLSearchParams().entries()).next);
/** @beforeGuest called below, for each name */
function urlGetter(name) {
  return { name, read: getterOf(URL.prototype, name) };
}
/** In the order in which Node shows them. */
const urlGetters = [
  ..."href origin protocol username password host hostname port pathname".split(" "),
  ..."search searchParams hash".split(" "),
].map(urlGetter);

export const { structuredClone: platformClone } = globalThis;

export function makeDOMException(message, name) {
  return new CapturedDOMException(message, name);
}

/** The parts of a URL, names and values in turn; null for anything else. */
export function readUrl(object) {
  if (!inheritsFrom(object, URLPrototype)) return null;
  const parts = createList();
  try {
    for (let i = 0; i < urlGetters.length; i++) {
      parts[2 * i] = urlGetters[i].name;
      parts[2 * i + 1] = urlGetters[i].read(object);
    }
  } catch {
    return null;
  }
  return parts;
}

/** Names and values of URLSearchParams in turn; null for anything else. */
export function readSearch(object) {
  if (!inheritsFrom(object, SearchPrototype)) return null;
  const pairs = createList();
  try {
    const entries = searchEntries(object);
    for (;;) {
      const { done, value } = searchNext(entries);
      if (done) return pairs;
      pairs[pairs.length] = value[0];
      pairs[pairs.length] = value[1];
    }
  } catch {
    return null;
  }
}

/** URLSearchParams as text. Throws for anything else. */
export function searchText(object) {
  return searchToString(object);
}

/** As Deno shows an object of one of its own classes. */
export function inspectByPlatform(value, options) {
  return inspectArgs([value], options);
}

/** Whether an object is of one of Deno's own classes, which show themselves by this symbol. */
export function isOfPlatform(object, symbol) {
  return typeof object[symbol] === "function";
}

/**
 * The methods of V8's call sites, which nobody can change. Not before the bootstrap is off the stack: V8
 * would parse all of it again for the line numbers.
 * @beforeGuest the lockdown comes before the job
 */
export function callSiteMethods() {
  const methods = { __proto__: null };
  CapturedError.prepareStackTrace = (_error, sites) => {
    const prototype = Object.getPrototypeOf(sites[0]);
    for (const name of Object.getOwnPropertyNames(prototype)) {
      methods[name] = uncurryThis(prototype[name]);
    }
  };
  void new CapturedError().stack;
  delete /** @type {any} */ (CapturedError).prepareStackTrace;
  return methods;
}
