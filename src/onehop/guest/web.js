// The web's classes in a realm: each is a class of this realm that stands for one of the main realm's.
//
// No object of the main realm gets to the guest, and none of the guest's to the main realm, except
// the memory of bytes. What comes from there is converted or stood for (`toGuest`); what goes there is
// stood for by a Proxy (`toMain`), or by a view where it is bytes, so that the same object comes back as
// the same.

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
  TypedArrayPrototypeSet,
  WeakMapPrototypeGet,
  WeakMapPrototypeSet,
} from "./primordials.js";
import {
  behind,
  border,
  guarded,
  isOfThisRealm,
  own,
  ownThrown,
  plainError,
  standFor,
} from "./boundary.js";
import { isBytes, kindOfView, viewForMain } from "./bytes.js";

/** By object of the main realm. */
const guestOf = new CapturedWeakMap();
/** By object of the guest. */
const mainOf = new CapturedWeakMap();
/** By name. */
const classes = new CapturedMap();

const { prototype: ArrayBufferPrototype } = own.ArrayBuffer;

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
  return isOfThisRealm(value) ? value : converted(value);
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
  if (isBytes(value)) return viewOf(value);
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
  return new own[kindOfView(view)](TypedArrayGetBuffer(copy));
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
  return isObject(value) && isBytes(value) ? bytesToMain(value) : objectToMain(value);
}

function bytesToMain(value) {
  const inner = viewForMain(value);
  return remember(inner, value) && inner;
}

/** The same where bytes have no meaning: they are an object like any other, with what is on it. */
function objectToMain(value) {
  if (!isObject(value)) return value;
  const known = behind(value) ?? WeakMapPrototypeGet(mainOf, value);
  if (known !== undefined) return known;
  return core.isPromise(value) ? promiseForMain(value) : standInOf(value);
}

/** The same for listeners: an instance of the web's classes may be one by a method of the guest's. */
function listenerToMain(value) {
  return isObject(value) ? standInOf(value) : value;
}

function standInOf(value) {
  const known = WeakMapPrototypeGet(mainOf, value);
  if (known !== undefined) return known;
  const inner = standIn(value);
  WeakMapPrototypeSet(mainOf, value, inner);
  return remember(inner, value) && inner;
}

function listToMain(values, convert) {
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
      settled(ReflectApply(valueOf(this), toGuest(self), plainArray(listToGuest(args))))
    );
  },
  get(_target, key) {
    return thrownToMain(() => toMain(ReflectGet(valueOf(this), key)));
  },
  set(_target, key, value) {
    return thrownToMain(() => {
      define(valueOf(this), key, toGuest(value), true);
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

/** Call a function of the main realm for the guest. */
function invoke(call, self, args, convert) {
  try {
    return toGuest(ReflectApply(call, objectToMain(self), listToMain(args, convert)));
  } catch (thrown) {
    throw ownThrown(thrown);
  }
}

/** Methods that take listeners, other callbacks and iterators, which bytes may be by what is on them. */
const CONVERSIONS = {
  __proto__: null,
  addEventListener: listenerToMain,
  removeEventListener: listenerToMain,
  forEach: objectToMain,
  from: objectToMain,
};

function methodOf(key, call) {
  const convert = CONVERSIONS[key] ?? toMain;
  const { [key]: method } = {
    [key](...args) {
      return invoke(call, this, args, convert);
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

/** No constructor takes bytes as they are: what it takes has them within. */
function build(prototype, inner, args, isError) {
  return link(blank(prototype, isError), ask.construct(inner, listToMain(args, objectToMain)));
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

/** What a source of bytes is asked to fill is the one thing that is not copied. */
function viewToFill(view) {
  if (!isObject(view)) return view;
  const { buffer, byteOffset, byteLength } = view;
  // Then it has nothing of the main realm's any more.
  ObjectSetPrototypeOf(buffer, ArrayBufferPrototype);
  return new own[kindOfView(view)](buffer, byteOffset, byteLength);
}

function viewAccessor(get) {
  return /** @this {any} */ function view() {
    try {
      return viewToFill(ReflectApply(get, objectToMain(this), createList()));
    } catch (thrown) {
      throw ownThrown(thrown);
    }
  };
}

function accessor(key, get) {
  if (key === "view") return viewAccessor(get);
  const { [key]: read } = {
    [key]() {
      return invoke(get, this, createList(), toMain);
    },
  };
  return read;
}

function setterOf(key, set) {
  const { [key]: write } = {
    [key](value) {
      invoke(set, this, listOf(value), objectToMain);
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
