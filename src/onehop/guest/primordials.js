// What the bootstrap uses of the language, taken before the guest's code can replace it.
//
// Every other file here follows three rules once the guest runs: no method is looked up on an
// object the guest can reach, no element is assigned to an ordinary array (a setter on
// Array.prototype would see it), and nothing is iterated with for...of or spread. lint.js
// refuses what breaks them, as far as it can be told from the text.

/** @type {DenoInternals} */
const internals = /** @type {any} */ (Deno)[Deno.internal];
export const { core } = internals;

/** @type {(method: any) => (object: any, ...args: any[]) => any} */
export const uncurryThis = Function.prototype.bind.bind(Function.prototype.call);
/**
 * @beforeGuest what it takes must be V8's
 * @type {(prototype: object, name: PropertyKey) => (object: any) => any}
 */
export const getterOf = (prototype, name) =>
  uncurryThis(Object.getOwnPropertyDescriptor(prototype, name)?.get);

export const {
  apply: ReflectApply,
  get: ReflectGet,
  has: ReflectHas,
  ownKeys: ReflectOwnKeys,
} = Reflect;
export const {
  defineProperty: ObjectDefineProperty,
  getOwnPropertyDescriptor: ObjectGetOwnPropertyDescriptor,
  freeze: ObjectFreeze,
  getPrototypeOf: ObjectGetPrototypeOf,
  isExtensible: ObjectIsExtensible,
  keys: ObjectKeys,
  setPrototypeOf: ObjectSetPrototypeOf,
} = Object;
export const FunctionPrototype = Function.prototype;
export const ObjectPrototype = Object.prototype;
export const PromisePrototype = Promise.prototype;
export const ObjectPrototypeToString = uncurryThis(Object.prototype.toString);
export const {
  getOwnPropertyNames: ObjectGetOwnPropertyNames,
  getOwnPropertySymbols: ObjectGetOwnPropertySymbols,
} = Object;
export const ObjectPrototypePropertyIsEnumerable = uncurryThis(
  Object.prototype.propertyIsEnumerable,
);
export const ObjectPrototypeHasOwnProperty = uncurryThis(Object.prototype.hasOwnProperty);
export const FunctionPrototypeBind = uncurryThis(Function.prototype.bind);
export const FunctionPrototypeToString = uncurryThis(Function.prototype.toString);

export const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
// Deno's own classes show themselves by this.
export const DENO_CUSTOM = Symbol.for("Deno.privateCustomInspect");
export const { toPrimitive: TO_PRIMITIVE, toStringTag: TO_STRING_TAG } = Symbol;
export const { iterator: ITERATOR, asyncIterator: ASYNC_ITERATOR, species: SPECIES } = Symbol;

export const CapturedError = Error;
export const ErrorPrototype = Error.prototype;
export const ErrorPrototypeToString = uncurryThis(Error.prototype.toString);
export const CapturedFunction = Function;
export const CapturedInt32Array = Int32Array;
export const CapturedMap = Map;
export const CapturedNumber = Number;
export const CapturedPromise = Promise;
export const CapturedProxy = Proxy;
export const CapturedString = String;
export const CapturedRangeError = RangeError;
export const CapturedTypeError = TypeError;
export const CapturedUint8Array = Uint8Array;
export const CapturedWeakMap = WeakMap;
export const { isArray: ArrayIsArray, prototype: ArrayPrototype } = Array;
export const { isError: ErrorIsError, captureStackTrace: ErrorCaptureStackTrace } = Error;
export const { isRawJSON: JSONIsRawJSON, parse: JSONParse, stringify: JSONStringify } = JSON;
export const { fromCodePoint: StringFromCodePoint } = String;
export const { floor: MathFloor, max: MathMax, min: MathMin, round: MathRound, sqrt: MathSqrt } =
  Math;
export const { MAX_SAFE_INTEGER } = Number;
export const { isSafeInteger: NumberIsSafeInteger } = Number;
export const { parseFloat: NumberParseFloat, parseInt: NumberParseInt } = Number;

export const StringPrototypeCharCodeAt = uncurryThis(String.prototype.charCodeAt);
export const StringPrototypeCodePointAt = uncurryThis(String.prototype.codePointAt);
export const StringPrototypeToUpperCase = uncurryThis(String.prototype.toUpperCase);
export const StringPrototypeEndsWith = uncurryThis(String.prototype.endsWith);
export const StringPrototypeLastIndexOf = uncurryThis(String.prototype.lastIndexOf);
export const StringPrototypeIsWellFormed = uncurryThis(String.prototype.isWellFormed);
export const StringPrototypeIndexOf = uncurryThis(String.prototype.indexOf);
export const StringPrototypeRepeat = uncurryThis(String.prototype.repeat);
export const StringPrototypeSlice = uncurryThis(String.prototype.slice);
export const StringPrototypeStartsWith = uncurryThis(String.prototype.startsWith);
export const StringPrototypeToWellFormed = uncurryThis(String.prototype.toWellFormed);
export const StringPrototypeTrimStart = uncurryThis(String.prototype.trimStart);
export const RegExpPrototypeExec = uncurryThis(RegExp.prototype.exec);
export const RegExpGetFlags = getterOf(RegExp.prototype, "flags");
export const RegExpGetSource = getterOf(RegExp.prototype, "source");
export const RegExpPrototypeToString = uncurryThis(RegExp.prototype.toString);
export const SymbolPrototypeToString = uncurryThis(Symbol.prototype.toString);
export const DatePrototypeToISOString = uncurryThis(Date.prototype.toISOString);
export const BooleanPrototypeValueOf = uncurryThis(Boolean.prototype.valueOf);
export const NumberPrototypeToString = uncurryThis(Number.prototype.toString);
export const NumberPrototypeToFixed = uncurryThis(Number.prototype.toFixed);
export const NumberPrototypeValueOf = uncurryThis(Number.prototype.valueOf);
export const StringPrototypeValueOf = uncurryThis(String.prototype.valueOf);
export const BigIntPrototypeValueOf = uncurryThis(BigInt.prototype.valueOf);
export const SymbolPrototypeValueOf = uncurryThis(Symbol.prototype.valueOf);

export const MapPrototypeDelete = uncurryThis(Map.prototype.delete);
export const MapPrototypeEntries = uncurryThis(Map.prototype.entries);
export const MapPrototypeGet = uncurryThis(Map.prototype.get);
export const MapPrototypeSet = uncurryThis(Map.prototype.set);
export const MapPrototypeGetSize = getterOf(Map.prototype, "size");
export const MapIteratorNext = uncurryThis(Object.getPrototypeOf(new Map().entries()).next);
export const WeakMapPrototypeGet = uncurryThis(WeakMap.prototype.get);
export const WeakMapPrototypeSet = uncurryThis(WeakMap.prototype.set);
export const SetPrototypeGetSize = getterOf(Set.prototype, "size");
export const SetPrototypeValues = uncurryThis(Set.prototype.values);
export const SetIteratorNext = uncurryThis(Object.getPrototypeOf(new Set().values()).next);

export const { prototype: IteratorPrototype } = Iterator;
export const AsyncIteratorPrototype = Object.getPrototypeOf(
  Object.getPrototypeOf(async function* () {}.prototype),
);
/**
 * Of built-in iterators: the prototype, how the next value is taken, and whether it must end.
 * @type {Map<object, Walk>}
 */
export const builtinIterators = new Map();
/**
 * @beforeGuest called below, for each sample
 * @param {any} sample
 * @param {boolean} ends
 */
function noteIterator(sample, ends) {
  const prototype = Object.getPrototypeOf(sample);
  const next = uncurryThis(prototype.next);
  builtinIterators.set(prototype, { __proto__: null, next, ends });
}
noteIterator(new Map().entries(), true);
noteIterator(new Set().values(), true);
noteIterator([].values(), true);
noteIterator(""[Symbol.iterator](), true);
noteIterator("".matchAll(/a/g), true);
noteIterator(Object.getPrototypeOf((function* () {})()), false);
noteIterator([].values().take(0), false);
noteIterator(Iterator.from(/** @type {any} */ ({ next() {} })), false);

const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype);
export const TypedArrayGetBuffer = getterOf(TypedArrayPrototype, "buffer");
export const TypedArrayGetByteLength = getterOf(TypedArrayPrototype, "byteLength");
export const TypedArrayGetByteOffset = getterOf(TypedArrayPrototype, "byteOffset");
export const TypedArrayGetTag = getterOf(TypedArrayPrototype, Symbol.toStringTag);
export const TypedArrayGetLength = getterOf(TypedArrayPrototype, "length");
export const TypedArrayPrototypeIndexOf = uncurryThis(TypedArrayPrototype.indexOf);
export const TypedArrayPrototypeSet = uncurryThis(TypedArrayPrototype.set);
export const DataViewGetBuffer = getterOf(DataView.prototype, "buffer");
export const DataViewGetByteLength = getterOf(DataView.prototype, "byteLength");
export const DataViewGetByteOffset = getterOf(DataView.prototype, "byteOffset");
export const Uint8ArrayFromBase64 = Uint8Array.fromBase64.bind(Uint8Array);
export const Uint8ArrayPrototypeToBase64 = uncurryThis(Uint8Array.prototype.toBase64);
export const performanceNow = performance.now.bind(performance);
// Deno loads its crypto at the first use, which shall not be the guest's.
void crypto.randomUUID;

export const { inspectArgs } = internals;
export const {
  cancelTimer,
  compileFunction,
  createTimer,
  unrefTimer,
  decode: decodeUtf8,
  destructureError,
  encode: encodeUtf8,
  eventLoopHasMoreWork,
  processTicksAndRejections,
  queueImmediate,
  read: readAsync,
} = core;

/** A number here instead of Deno's own options makes every import() in the code reject. */
export const NO_IMPORTS = [1];

/**
 * A list whose elements can be assigned: no setter of the guest is on its prototype chain.
 * @returns {any[]}
 */
export function createList() {
  return ObjectSetPrototypeOf([], null);
}

export function listOf(...values) {
  return ObjectSetPrototypeOf(values, null);
}

/**
 * A string that survives UTF-8: lone surrogates become U+FFFD.
 * @param {string} text
 * @returns {string} a JSON string
 */
export function quote(text) {
  return JSONStringify(StringPrototypeToWellFormed(text));
}

export function isObject(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/**
 * An ordinary array of the elements of a list, without a setter of the guest seeing them.
 * @param {any[]} list
 */
export function plainArray(list) {
  const array = [];
  for (let i = 0; i < list.length; i++) {
    ObjectDefineProperty(array, i, {
      __proto__: null,
      value: list[i],
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return array;
}
