// The border of a realm: what its bootstrap uses of the process's main realm. The guest's code must not
// get hold of any of it.
//
// This part stands before all others and gives them, by Deno's own names, functions that are made in
// this realm. What the main realm throws, such as an error of a full stack, becomes an error of this
// one. `main` is what realms.js hands over.

const { apply, getPrototypeOf } = Reflect;
const { defineProperty, prototype: ownObjectPrototype } = Object;
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const weakGet = uncurry(WeakMap.prototype.get);
const weakSet = uncurry(WeakMap.prototype.set);
const RangeErrorOfRealm = RangeError;
const ERRORS = {
  __proto__: null,
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};
const FULL_STACK = "Maximum call stack size exceeded";
const LONGEST_CHAIN = 100;

/** What web.js makes objects of this realm with, taken before the guest can replace it. */
export const own = {
  __proto__: null,
  .../** @type {object} */ (ERRORS),
  ArrayBuffer,
  BigInt64Array,
  BigUint64Array,
  DataView,
  Date,
  Float16Array,
  Float32Array,
  Float64Array,
  Int16Array,
  Int32Array,
  Int8Array,
  Map,
  Object,
  RegExp,
  Set,
  Uint16Array,
  Uint32Array,
  Uint8Array,
  Uint8ClampedArray,
  construct: Reflect.construct,
  create: Object.create,
  whenSettled: uncurry(Promise.prototype.then),
  valueOfDate: uncurry(Date.prototype.getTime),
  sliceBuffer: uncurry(ArrayBuffer.prototype.slice),
  transferBuffer: uncurry(ArrayBuffer.prototype.transfer),
  addToSet: uncurry(Set.prototype.add),
};

/** @type {any} */
export const border = {
  __proto__: null,
  /** Objects of the main realm, by those of this realm that stand for them. */
  behind: new WeakMap(),
  /** How web_guest.js converts what comes from the main realm; null before it is loaded. */
  convert: null,
  /** Set when the run is over: what still calls back is not heard. */
  isOver: false,
  /** Whether something stays that the event loop does not know of: no other run may follow. */
  hasTrace: false,
  /** Whether the process ends with this run. */
  isLast: true,
};

/** Whether an object is one of the main realm's. */
export function isForeign(value) {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  for (let i = 0; i < LONGEST_CHAIN && value !== null; i++) {
    if (value === main.ObjectPrototype) return true;
    if (main.core.isProxy(value)) return false;
    value = getPrototypeOf(value);
  }
  return false;
}

/** Whether an object is one of this realm's for certain: the main realm has some without a prototype. */
export function isOfThisRealm(value) {
  for (let i = 0; i < LONGEST_CHAIN && value !== null; i++) {
    if (value === ownObjectPrototype || main.core.isProxy(value)) return true;
    value = getPrototypeOf(value);
  }
  return false;
}

/** What was thrown, as this realm has it. */
export function ownThrown(thrown) {
  try {
    if (border.convert !== null) return border.convert(thrown);
    return isForeign(thrown) ? plainError(thrown) : thrown;
  } catch {
    return new RangeErrorOfRealm(FULL_STACK);
  }
}

/** An error of this realm with the same name and words. */
export function plainError(thrown) {
  const { name, message } = main.describe(thrown);
  const error = new (ERRORS[name] ?? ERRORS.Error)(message);
  if (ERRORS[name] === undefined) {
    defineProperty(error, "name", { __proto__: null, value: name, configurable: true });
  }
  return error;
}

/** A function of this realm that calls one of the main realm's, which needs no `this`. */
export function guarded(call) {
  return (...args) => {
    try {
      return apply(call, undefined, args);
    } catch (thrown) {
      throw ownThrown(thrown);
    }
  };
}

/** The object of the main realm behind one of this realm; undefined when there is none. */
export function behind(object) {
  return weakGet(border.behind, object);
}

export function standFor(object, inner) {
  weakSet(border.behind, object, inner);
}

const guardedCore = { __proto__: null, getCloneableDeserializers: () => ({ __proto__: null }) };
for (const name of main.coreNames) guardedCore[name] = guarded(main.core[name]);
for (const name of ["kRefed", "hostObjectBrand"]) guardedCore[name] = main.core[name];

export const Deno = {
  __proto__: null,
  internal: "internals",
  internals: { __proto__: null, core: guardedCore, inspectArgs: guarded(main.inspect) },
  args: main.args,
  exit: main.exit,
  stdin: { __proto__: null, readSync: guarded(main.read) },
  stdout: { __proto__: null, writeSync: guarded(main.write) },
  stderr: { __proto__: null, writeSync: main.complain },
};
export const performance = { __proto__: null, now: main.now };
export const crypto = { __proto__: null };
