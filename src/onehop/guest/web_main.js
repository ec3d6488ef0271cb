// What goes to the main realm: stood for by a Proxy, or by a view where it is bytes.

import {
  ArrayIsArray,
  CapturedPromise,
  CapturedProxy,
  core,
  createList,
  isObject,
  ObjectPrototypePropertyIsEnumerable,
  ObjectSetPrototypeOf,
  plainArray,
  ReflectApply,
  ReflectGet,
  ReflectHas,
  ReflectOwnKeys,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} from "./primordials.js";
import { behind, border, own } from "./boundary.js";
import { isBytes, viewForMain } from "./bytes.js";
import { ask, define, listToGuest, mainOf, remember } from "./web_pairs.js";

/** What goes to the main realm. */
export function toMain(value) {
  return isObject(value) && isBytes(value) ? bytesToMain(value) : objectToMain(value);
}

function bytesToMain(value) {
  const inner = viewForMain(value);
  return remember(inner, value) && inner;
}

/** The same where bytes have no meaning: they are an object like any other, with what is on it. */
export function objectToMain(value) {
  if (!isObject(value)) return value;
  const known = behind(value) ?? WeakMapPrototypeGet(mainOf, value);
  if (known !== undefined) return known;
  return core.isPromise(value) ? promiseForMain(value) : standInOf(value);
}

/** The same for listeners: an instance of the web's classes may be one by a method of the guest's. */
export function listenerToMain(value) {
  return isObject(value) ? standInOf(value) : value;
}

function standInOf(value) {
  const known = WeakMapPrototypeGet(mainOf, value);
  if (known !== undefined) return known;
  const inner = standIn(value);
  WeakMapPrototypeSet(mainOf, value, inner);
  return remember(inner, value) && inner;
}

export function listToMain(values, convert) {
  const list = createList();
  for (let i = 0; i < values.length; i++) list[i] = convert(values[i]);
  return list;
}

function promiseForMain(value) {
  return ask.promise((resolve, reject) => {
    own.whenSettled(value, (result) => resolve(toMain(result)), (reason) => reject(toMain(reason)));
  });
}

/** The main realm would hand its own functions to a `then` of the guest's. */
function settled(result) {
  if (!isObject(result) || core.isPromise(result) || typeof result.then !== "function") {
    return objectToMain(result);
  }
  return promiseForMain(new CapturedPromise((resolve) => resolve(result)));
}

/** A Proxy has no prototype of the guest's, on which the main realm would find the guest's values. */
function standIn(value) {
  const target = typeof value === "function" ? () => {} : ArrayIsArray(value) ? [] : {};
  return new CapturedProxy(target, /** @type {any} */ (new Traps(value)));
}

/** Whatever the main realm does with an object of the guest's. */
class Traps {
  #value;

  constructor(value) {
    this.#value = value;
    ObjectSetPrototypeOf(this, TRAPS);
  }

  static of(traps) {
    return traps.#value;
  }
}

const { of: valueOf } = Traps;

/** What the guest throws goes to the main realm like all else. */
function thrownToMain(act) {
  try {
    return act();
  } catch (thrown) {
    throw toMain(thrown);
  }
}

const TRAPS = {
  __proto__: null,
  apply(_target, self, args) {
    if (border.isOver) return undefined;
    return thrownToMain(() =>
      settled(ReflectApply(valueOf(this), border.convert(self), plainArray(listToGuest(args))))
    );
  },
  get(_target, key) {
    return thrownToMain(() => toMain(ReflectGet(valueOf(this), key)));
  },
  set(_target, key, value) {
    return thrownToMain(() => {
      define(valueOf(this), key, border.convert(value), true);
      return true;
    });
  },
  has(_target, key) {
    return thrownToMain(() => ReflectHas(valueOf(this), key));
  },
  getPrototypeOf() {
    return null;
  },
  ownKeys() {
    return thrownToMain(() => ReflectOwnKeys(valueOf(this)));
  },
  getOwnPropertyDescriptor(target, key) {
    return thrownToMain(() => descriptorForMain(target, valueOf(this), key));
  },
};

function descriptorForMain(target, value, key) {
  if (!hasOwnKey(value, key)) return undefined;
  const isLength = key === "length" && ArrayIsArray(target);
  if (isLength) target.length = value.length;
  return {
    // Or a getter on the guest's Object.prototype would be called with this object.
    __proto__: null,
    value: toMain(value[key]),
    writable: true,
    enumerable: ObjectPrototypePropertyIsEnumerable(value, key),
    configurable: !isLength,
  };
}

function hasOwnKey(value, key) {
  const keys = ReflectOwnKeys(value);
  for (let i = 0; i < keys.length; i++) if (keys[i] === key) return true;
  return false;
}
