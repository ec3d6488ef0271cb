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

const { call: functionCall } = FunctionPrototype;
const { then: promiseThen } = PromisePrototype;
const { get: readSpecies } = /** @type {any} */ (
  ObjectGetOwnPropertyDescriptor(CapturedPromise, SPECIES)
);

function place(object, name, own) {
  return { __proto__: null, object, name, own };
}

function ownMethod(value) {
  return { __proto__: null, value, writable: true, enumerable: false, configurable: true };
}

const borrowed = { __proto__: null, places: null };

/** Where the language's own methods stand. Hardly any run starts an operation that waits. */
function borrowedPlaces() {
  return borrowed.places ??= listOf(
    place(FunctionPrototype, "call", ownMethod(functionCall)),
    place(PromisePrototype, "then", ownMethod(promiseThen)),
    place(PromisePrototype, "constructor", ownMethod(CapturedPromise)),
    place(CapturedPromise, SPECIES, {
      __proto__: null,
      get: readSpecies,
      set: undefined,
      enumerable: false,
      configurable: true,
    }),
  );
}

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
  const all = borrowedPlaces();
  const found = listOf(null, null, null, null);
  for (let i = 0; i < all.length; i++) found[i] = takeBack(all[i]);
  const reading = readAsync(rid, bytes);
  for (let i = 0; i < all.length; i++) give(all[i], found[i]);
  // With this own property, await takes the promise as it is and looks nothing up.
  return ObjectDefineProperty(reading, "constructor", { __proto__: null, value: CapturedPromise });
}
