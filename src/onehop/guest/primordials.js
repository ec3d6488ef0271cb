// What the bootstrap uses of the language, taken before the guest's code can replace it.
//
// Every other file here follows three rules once the guest runs: no method is looked up on an
// object the guest can reach, no element is assigned to an ordinary array (a setter on
// Array.prototype would see it), and nothing is iterated with for...of or spread.

const internals = Deno[Deno.internal];
const { core } = internals;

const uncurryThis = Function.prototype.bind.bind(Function.prototype.call);
const getterOf = (prototype, name) =>
  uncurryThis(Object.getOwnPropertyDescriptor(prototype, name).get);

const { apply: ReflectApply, ownKeys: ReflectOwnKeys } = Reflect;
const {
  defineProperty: ObjectDefineProperty,
  getOwnPropertyDescriptor: ObjectGetOwnPropertyDescriptor,
  getPrototypeOf: ObjectGetPrototypeOf,
  keys: ObjectKeys,
  setPrototypeOf: ObjectSetPrototypeOf,
} = Object;
const ObjectPrototype = Object.prototype;
const ObjectPrototypeToString = uncurryThis(Object.prototype.toString);
const {
  getOwnPropertyNames: ObjectGetOwnPropertyNames,
  getOwnPropertySymbols: ObjectGetOwnPropertySymbols,
} = Object;
const ObjectPrototypePropertyIsEnumerable = uncurryThis(Object.prototype.propertyIsEnumerable);
const ObjectPrototypeHasOwnProperty = uncurryThis(Object.prototype.hasOwnProperty);
const FunctionPrototypeToString = uncurryThis(Function.prototype.toString);

const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
// Deno's own classes show themselves by this.
const DENO_CUSTOM = Symbol.for("Deno.privateCustomInspect");
const { toPrimitive: TO_PRIMITIVE, toStringTag: TO_STRING_TAG } = Symbol;
const { iterator: ITERATOR, asyncIterator: ASYNC_ITERATOR } = Symbol;

const CapturedDOMException = DOMException;
const CapturedError = Error;
const ErrorPrototype = Error.prototype;
const ErrorPrototypeToString = uncurryThis(Error.prototype.toString);
const CapturedFunction = Function;
const CapturedInt32Array = Int32Array;
const CapturedMap = Map;
const CapturedNumber = Number;
const CapturedPromise = Promise;
const CapturedString = String;
const CapturedTypeError = TypeError;
const CapturedUint8Array = Uint8Array;
const CapturedWeakMap = WeakMap;
const { isArray: ArrayIsArray } = Array;
const { isError: ErrorIsError, captureStackTrace: ErrorCaptureStackTrace } = Error;
const { isRawJSON: JSONIsRawJSON, parse: JSONParse, stringify: JSONStringify } = JSON;
const { fromCodePoint: StringFromCodePoint } = String;
const { floor: MathFloor, max: MathMax, min: MathMin, round: MathRound, sqrt: MathSqrt } = Math;
const { MAX_SAFE_INTEGER } = Number;
const { isSafeInteger: NumberIsSafeInteger } = Number;
const { parseFloat: NumberParseFloat, parseInt: NumberParseInt } = Number;

const StringPrototypeCharCodeAt = uncurryThis(String.prototype.charCodeAt);
const StringPrototypeCodePointAt = uncurryThis(String.prototype.codePointAt);
const StringPrototypeToUpperCase = uncurryThis(String.prototype.toUpperCase);
const StringPrototypeEndsWith = uncurryThis(String.prototype.endsWith);
const StringPrototypeLastIndexOf = uncurryThis(String.prototype.lastIndexOf);
const StringPrototypeIsWellFormed = uncurryThis(String.prototype.isWellFormed);
const StringPrototypeIndexOf = uncurryThis(String.prototype.indexOf);
const StringPrototypeRepeat = uncurryThis(String.prototype.repeat);
const StringPrototypeSlice = uncurryThis(String.prototype.slice);
const StringPrototypeStartsWith = uncurryThis(String.prototype.startsWith);
const StringPrototypeToWellFormed = uncurryThis(String.prototype.toWellFormed);
const StringPrototypeTrimStart = uncurryThis(String.prototype.trimStart);
const RegExpPrototypeExec = uncurryThis(RegExp.prototype.exec);
const RegExpGetFlags = getterOf(RegExp.prototype, "flags");
const RegExpGetSource = getterOf(RegExp.prototype, "source");
const RegExpPrototypeToString = uncurryThis(RegExp.prototype.toString);
const SymbolPrototypeToString = uncurryThis(Symbol.prototype.toString);
const DatePrototypeToISOString = uncurryThis(Date.prototype.toISOString);
const BooleanPrototypeValueOf = uncurryThis(Boolean.prototype.valueOf);
const NumberPrototypeToString = uncurryThis(Number.prototype.toString);
const NumberPrototypeToFixed = uncurryThis(Number.prototype.toFixed);
const NumberPrototypeValueOf = uncurryThis(Number.prototype.valueOf);
const StringPrototypeValueOf = uncurryThis(String.prototype.valueOf);
const BigIntPrototypeValueOf = uncurryThis(BigInt.prototype.valueOf);
const SymbolPrototypeValueOf = uncurryThis(Symbol.prototype.valueOf);

const MapPrototypeDelete = uncurryThis(Map.prototype.delete);
const MapPrototypeEntries = uncurryThis(Map.prototype.entries);
const MapPrototypeGet = uncurryThis(Map.prototype.get);
const MapPrototypeSet = uncurryThis(Map.prototype.set);
const MapPrototypeGetSize = getterOf(Map.prototype, "size");
const MapIteratorNext = uncurryThis(Object.getPrototypeOf(new Map().entries()).next);
const WeakMapPrototypeGet = uncurryThis(WeakMap.prototype.get);
const WeakMapPrototypeSet = uncurryThis(WeakMap.prototype.set);
const SetPrototypeGetSize = getterOf(Set.prototype, "size");
const SetPrototypeValues = uncurryThis(Set.prototype.values);
const SetIteratorNext = uncurryThis(Object.getPrototypeOf(new Set().values()).next);

const { prototype: IteratorPrototype } = Iterator;
const AsyncIteratorPrototype = Object.getPrototypeOf(
  Object.getPrototypeOf(async function* () {}.prototype),
);
/** Of built-in iterators: the prototype, how the next value is taken, and whether it must end. */
const builtinIterators = new Map(
  [
    [new Map().entries(), true],
    [new Set().values(), true],
    [[].values(), true],
    [""[Symbol.iterator](), true],
    ["".matchAll(/a/g), true],
    [Object.getPrototypeOf((function* () {})()), false],
    [[].values().take(0), false],
    [Iterator.from({ next() {} }), false],
  ].map(([sample, ends]) => {
    const prototype = Object.getPrototypeOf(sample);
    return [prototype, { __proto__: null, next: uncurryThis(prototype.next), ends }];
  }),
);

const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype);
const TypedArrayGetBuffer = getterOf(TypedArrayPrototype, "buffer");
const TypedArrayGetByteLength = getterOf(TypedArrayPrototype, "byteLength");
const TypedArrayGetByteOffset = getterOf(TypedArrayPrototype, "byteOffset");
const TypedArrayGetTag = getterOf(TypedArrayPrototype, Symbol.toStringTag);
const TypedArrayGetLength = getterOf(TypedArrayPrototype, "length");
const TypedArrayPrototypeSet = uncurryThis(TypedArrayPrototype.set);
const DataViewGetBuffer = getterOf(DataView.prototype, "buffer");
const DataViewGetByteLength = getterOf(DataView.prototype, "byteLength");
const DataViewGetByteOffset = getterOf(DataView.prototype, "byteOffset");
const Uint8ArrayPrototypeToBase64 = uncurryThis(Uint8Array.prototype.toBase64);
const URLSearchParamsPrototypeToString = uncurryThis(URLSearchParams.prototype.toString);
const { prototype: URLPrototype } = URL;
const { prototype: URLSearchParamsPrototype } = URLSearchParams;
const URLSearchParamsPrototypeEntries = uncurryThis(URLSearchParams.prototype.entries);
const URLSearchParamsIteratorNext = uncurryThis(
  Object.getPrototypeOf(new URLSearchParams().entries()).next,
);
/** In the order in which Node shows them. */
const urlGetters = [
  ..."href origin protocol username password host hostname port pathname".split(" "),
  ..."search searchParams hash".split(" "),
].map((name) => ({ name, get: getterOf(URL.prototype, name) }));
const performanceNow = performance.now.bind(performance);
// Deno loads its crypto at the first use, which shall not be the guest's.
const randomUUID = crypto.randomUUID.bind(crypto);

const { inspectArgs } = internals;
const {
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
} = core;

/** A list whose elements can be assigned: no setter of the guest is on its prototype chain. */
function createList() {
  return ObjectSetPrototypeOf([], null);
}

function listOf(...values) {
  return ObjectSetPrototypeOf(values, null);
}

/** A string that survives UTF-8: lone surrogates become U+FFFD. */
function quote(text) {
  return JSONStringify(StringPrototypeToWellFormed(text));
}

function isObject(value) {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
