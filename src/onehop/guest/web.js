// The web's classes in a realm: each is a class of this realm that stands for one of the main realm's.
//
// No object of the main realm gets to the guest, and none of the guest's to the main realm, except
// bytes. What comes from there is converted or stood for (`toGuest`); what goes there is stood for by a
// Proxy (`toMain`), so that the same object comes back as the same.

import {
  ArrayIsArray,
  ASYNC_ITERATOR,
  AsyncIteratorPrototype,
  CapturedMap,
  CapturedPromise,
  CapturedProxy,
  CapturedUint8Array,
  CapturedWeakMap,
  core,
  createList,
  ErrorIsError,
  isObject,
  IteratorPrototype,
  listOf,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectKeys,
  ObjectPrototypePropertyIsEnumerable,
  ObjectSetPrototypeOf,
  plainArray,
  ReflectApply,
  ReflectGet,
  ReflectHas,
  ReflectOwnKeys,
  TO_STRING_TAG,
  TypedArrayGetBuffer,
  TypedArrayGetByteLength,
  TypedArrayGetTag,
  TypedArrayPrototypeSet,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} from "./primordials.js";
import {
  behind,
  border,
  guarded,
  isForeign,
  own,
  ownThrown,
  plainError,
  standFor,
} from "./boundary.js";

/** By object of the main realm. */
const guestOf = new CapturedWeakMap();
/** By object of the guest. */
const mainOf = new CapturedWeakMap();
/** By name. */
const classes = new CapturedMap();

const ask = {
  __proto__: null,
  className: guarded(main.className),
  construct: guarded(main.construct),
  promise: guarded(main.promise),
  whenSettled: guarded(main.whenSettled),
};

/** What comes from the main realm, as the guest gets it. */
export function toGuest(value) {
  if (!isObject(value)) return value;
  const known = WeakMapPrototypeGet(guestOf, value);
  if (known !== undefined) return known;
  return isForeign(value) ? converted(value) : value;
}

function converted(value) {
  const name = ask.className(value);
  if (typeof value === "function") {
    return name === "" ? remember(value, functionOf(value)) : classFor(name);
  }
  if (name !== "") return link(blank(classFor(name).prototype, ErrorIsError(value)), value);
  if (core.isPromise(value)) return remember(value, promiseOf(value));
  if (ErrorIsError(value)) return remember(value, plainError(value));
  if (core.isAnyArrayBuffer(value)) return TypedArrayGetBuffer(bytesCopied(value));
  if (core.isTypedArray(value)) return viewOf(value);
  if (ArrayIsArray(value)) return plainArray(listToGuest(value));
  if (typeof value.next === "function") return remember(value, iteratorOf(value));
  return recordOf(value);
}

function remember(value, guest) {
  WeakMapPrototypeSet(guestOf, value, guest);
  return guest;
}

function link(object, value) {
  standFor(object, value);
  WeakMapPrototypeSet(guestOf, value, object);
  // Some classes keep a field on the object itself, as MessageEvent does.
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) define(object, keys[i], toGuest(value[keys[i]]), true);
  return object;
}

/** A new object with that prototype; an error where it stands for one, so that it has a stack. */
function blank(prototype, isError) {
  return isError ? ObjectSetPrototypeOf(new own.Error(), prototype) : own.create(prototype);
}

function functionOf(value) {
  return methodOf(value.name, value);
}

function promiseOf(value) {
  return new CapturedPromise((resolve, reject) => {
    ask.whenSettled(
      value,
      (result) => {
        if (!border.isOver) resolve(toGuest(result));
      },
      (reason) => {
        if (!border.isOver) reject(toGuest(reason));
      },
    );
  });
}

function bytesCopied(buffer) {
  const bytes = new CapturedUint8Array(buffer);
  const copy = new CapturedUint8Array(TypedArrayGetByteLength(bytes));
  TypedArrayPrototypeSet(copy, bytes, 0);
  return copy;
}

function viewOf(view) {
  const { buffer, byteOffset, byteLength } = view;
  const bytes = new CapturedUint8Array(buffer, byteOffset, byteLength);
  const copy = new CapturedUint8Array(byteLength);
  TypedArrayPrototypeSet(copy, bytes, 0);
  return new own[TypedArrayGetTag(view)](TypedArrayGetBuffer(copy));
}

function listToGuest(values) {
  const list = createList();
  for (let i = 0; i < values.length; i++) list[i] = toGuest(values[i]);
  return list;
}

function recordOf(value) {
  const record = {};
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) define(record, keys[i], toGuest(value[keys[i]]), true);
  return record;
}

function iteratorOf(value) {
  const isAsync = typeof value[ASYNC_ITERATOR] === "function";
  const iterator = own.create(isAsync ? AsyncIteratorPrototype : IteratorPrototype);
  standFor(iterator, value);
  define(iterator, "next", methodOf("next", value.next), false);
  if (typeof value.return === "function") {
    define(iterator, "return", methodOf("return", value.return), false);
  }
  const tag = value[TO_STRING_TAG];
  if (typeof tag === "string") define(iterator, TO_STRING_TAG, tag, false);
  return iterator;
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

/** What goes to the main realm. */
function toMain(value) {
  if (!isObject(value)) return value;
  const known = behind(value) ?? WeakMapPrototypeGet(mainOf, value);
  if (known !== undefined) return known;
  if (core.isAnyArrayBuffer(value) || core.isTypedArray(value) || core.isDataView(value)) {
    return value;
  }
  if (core.isPromise(value)) return promiseForMain(value);
  const inner = typeof value === "function" ? functionForMain(value) : standIn(value);
  WeakMapPrototypeSet(mainOf, value, inner);
  return remember(inner, value) && inner;
}

function listToMain(values) {
  const list = createList();
  for (let i = 0; i < values.length; i++) list[i] = toMain(values[i]);
  return list;
}

function promiseForMain(value) {
  return ask.promise((resolve, reject) => {
    own.whenSettled(value, (result) => resolve(toMain(result)), (reason) => reject(toMain(reason)));
  });
}

/** A function that the main realm may call: the guest's, with the guest's own kind of values. */
function functionForMain(value) {
  return /** @this {any} */ function (...args) {
    if (border.isOver) return undefined;
    try {
      return settled(ReflectApply(value, toGuest(this), plainArray(listToGuest(args))));
    } catch (thrown) {
      throw toMain(thrown);
    }
  };
}

/** The main realm would hand its own functions to a `then` of the guest's. */
function settled(result) {
  if (!isObject(result) || core.isPromise(result) || typeof result.then !== "function") {
    return toMain(result);
  }
  return promiseForMain(new CapturedPromise((resolve) => resolve(result)));
}

function standIn(value) {
  return new CapturedProxy(ArrayIsArray(value) ? [] : {}, /** @type {any} */ (new Traps(value)));
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

const TRAPS = {
  __proto__: null,
  get(_target, key) {
    return toMain(ReflectGet(valueOf(this), key));
  },
  set(_target, key, value) {
    define(valueOf(this), key, toGuest(value), true);
    return true;
  },
  has(_target, key) {
    return ReflectHas(valueOf(this), key);
  },
  getPrototypeOf() {
    return null;
  },
  ownKeys() {
    return ReflectOwnKeys(valueOf(this));
  },
  getOwnPropertyDescriptor(target, key) {
    const value = valueOf(this);
    if (!hasOwnKey(value, key)) return undefined;
    const isLength = key === "length" && ArrayIsArray(target);
    if (isLength) target.length = value.length;
    return {
      value: toMain(value[key]),
      writable: true,
      enumerable: ObjectPrototypePropertyIsEnumerable(value, key),
      configurable: !isLength,
    };
  },
};

function hasOwnKey(value, key) {
  const keys = ReflectOwnKeys(value);
  for (let i = 0; i < keys.length; i++) if (keys[i] === key) return true;
  return false;
}

/** Call a function of the main realm for the guest. */
function invoke(call, self, args) {
  try {
    return toGuest(ReflectApply(call, toMain(self), listToMain(args)));
  } catch (thrown) {
    throw ownThrown(thrown);
  }
}

function methodOf(key, call) {
  const { [key]: method } = {
    [key](...args) {
      return invoke(call, this, args);
    },
  };
  ObjectDefineProperty(method, "length", {
    __proto__: null,
    value: call.length,
    configurable: true,
  });
  return method;
}

/** The class of this realm that stands for the one with that name. */
function classFor(name) {
  const known = MapPrototypeGet(classes, name);
  if (known !== undefined) return known;
  const { inner, parent, isError, members } = main.classes[name];
  const made = isError && parent === ""
    ? derived(name, own.Error, inner, true)
    : parent === ""
    ? base(name, inner)
    : derived(name, classFor(parent), inner, isError);
  MapPrototypeSet(classes, name, made);
  WeakMapPrototypeSet(guestOf, inner, made);
  for (let i = 0; i < members.length; i++) addMember(made, members[i]);
  return made;
}

function build(prototype, inner, args, isError) {
  return link(blank(prototype, isError), ask.construct(inner, listToMain(args)));
}

function base(name, inner) {
  const { [name]: made } = {
    [name]: class {
      constructor(...args) {
        return build(new.target.prototype, inner, args, false);
      }
    },
  };
  return made;
}

function derived(name, parent, inner, isError) {
  const { [name]: made } = {
    [name]: class extends parent {
      // @ts-expect-error: what it returns is not made by the parent
      constructor(...args) {
        return build(new.target.prototype, inner, args, isError);
      }
    },
  };
  return made;
}

function addMember(made, { key, isStatic, call, get, set, value, enumerable }) {
  const descriptor = { __proto__: null, enumerable, configurable: true };
  if (call !== undefined) {
    descriptor.value = methodOf(key, call);
    descriptor.writable = true;
  } else if (get === undefined) {
    descriptor.value = value;
  } else {
    descriptor.get = accessor(key, get);
    if (set !== undefined) descriptor.set = setterOf(key, set);
  }
  ObjectDefineProperty(isStatic ? made : made.prototype, key, descriptor);
}

function accessor(key, get) {
  const { [key]: read } = {
    [key]() {
      return invoke(get, this, createList());
    },
  };
  return read;
}

function setterOf(key, set) {
  const { [key]: write } = {
    [key](value) {
      invoke(set, this, listOf(value));
    },
  };
  return write;
}

/** A global of the web's by its name. */
export function webGlobal(name) {
  if (ours[name] !== undefined) return ours[name];
  return main.classes[name] !== undefined ? classFor(name) : toGuest(main.values[name]);
}

export function makeDOMException(message, name) {
  return new (classFor("DOMException"))(message, name);
}

border.convert = toGuest;
/** For ports.js. */
export const EventTarget = classFor("EventTarget");
export const MessageEvent = classFor("MessageEvent");

/** What is not one of the main realm's: ports, and the global object as a target of events. */
const ours = { __proto__: null };

/** Add a global by its name. */
export function addGlobal(name, value) {
  ours[name] = value;
}

function addGlobalMethod(key, target) {
  const { [key]: call } = EventTarget.prototype;
  const { [key]: method } = {
    [key](...args) {
      return ReflectApply(call, target, args);
    },
  };
  addGlobal(key, method);
}
const globalTarget = new EventTarget();
addGlobalMethod("addEventListener", globalTarget);
addGlobalMethod("dispatchEvent", globalTarget);
addGlobalMethod("removeEventListener", globalTarget);
