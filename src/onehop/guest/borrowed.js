// Operations of Deno's that wait: their JavaScript looks methods up that the code may have replaced.
//
// What it would call in their place gets Deno's own function of the operation, which must not leave
// the bootstrap. So the language's own methods stand there while an operation is started.

import {
  CapturedPromise,
  FunctionPrototype,
  listOf,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectSetPrototypeOf,
  PromisePrototype,
  readAsync,
  SPECIES,
} from "./primordials.js";

/** @beforeGuest called below, for each place */
function place(object, name) {
  const own = Object.getOwnPropertyDescriptor(object, name);
  return { __proto__: null, object, name, own: Object.setPrototypeOf(own, null) };
}

const PLACES = listOf(
  place(FunctionPrototype, "call"),
  place(PromisePrototype, "then"),
  place(PromisePrototype, "constructor"),
  place(CapturedPromise, SPECIES),
);

function isOwn(found, own) {
  return found !== undefined && found.value === own.value && found.get === own.get;
}

/** What stands at a place now, if it is not the language's own, which is put there. */
function takeBack({ object, name, own }) {
  const found = ObjectGetOwnPropertyDescriptor(object, name);
  if (isOwn(found, own)) return null;
  ObjectDefineProperty(object, name, own);
  return found === undefined ? MISSING : ObjectSetPrototypeOf(found, null);
}

const MISSING = { __proto__: null };

function give({ object, name }, found) {
  if (found === MISSING) delete object[name];
  else if (found !== null) ObjectDefineProperty(object, name, found);
}

/**
 * Start to read from a resource of Deno's. Throws where the code has fixed something else in a place.
 * @returns {Promise<number>} the number of bytes; 0 at the end
 */
export function startReading(rid, bytes) {
  const found = listOf(null, null, null, null);
  for (let i = 0; i < PLACES.length; i++) found[i] = takeBack(PLACES[i]);
  const reading = readAsync(rid, bytes);
  for (let i = 0; i < PLACES.length; i++) give(PLACES[i], found[i]);
  // With this own property, await takes the promise as it is and looks nothing up.
  return ObjectDefineProperty(reading, "constructor", { __proto__: null, value: CapturedPromise });
}
