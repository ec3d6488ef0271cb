// Which object of this realm and which of the main realm stand for one another.

import {
  CapturedWeakMap,
  createList,
  ObjectDefineProperty,
  ObjectKeys,
  ObjectSetPrototypeOf,
  WeakMapPrototypeSet,
} from "./primordials.js";
import { border, guarded, own, standFor } from "./boundary.js";

/** By object of the main realm. */
export const guestOf = new CapturedWeakMap();
/** By object of the guest. */
export const mainOf = new CapturedWeakMap();

export const ask = {
  __proto__: null,
  className: guarded(main.className),
  construct: guarded(main.construct),
  promise: guarded(main.promise),
  whenSettled: guarded(main.whenSettled),
};

export function remember(value, guest) {
  WeakMapPrototypeSet(guestOf, value, guest);
  return guest;
}

export function link(object, value) {
  standFor(object, value);
  WeakMapPrototypeSet(guestOf, value, object);
  // Some classes keep a field on the object itself, as MessageEvent does.
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) {
    define(object, keys[i], border.convert(value[keys[i]]), true);
  }
  return object;
}

/** A new object with that prototype; an error where it stands for one, so that it has a stack. */
export function blank(prototype, isError) {
  return isError ? ObjectSetPrototypeOf(new own.Error(), prototype) : own.create(prototype);
}

export function define(object, key, value, enumerable) {
  ObjectDefineProperty(object, key, {
    __proto__: null,
    value,
    writable: true,
    enumerable,
    configurable: true,
  });
}

export function listToGuest(values) {
  const list = createList();
  for (let i = 0; i < values.length; i++) list[i] = border.convert(values[i]);
  return list;
}
