// What the class of a value is called, and what stands for functions, classes and boxed values.

import {
  ArrayIsArray,
  core,
  DatePrototypeToISOString,
  ErrorIsError,
  FunctionPrototypeToString,
  ObjectGetPrototypeOf,
  RegExpGetFlags,
  RegExpGetSource,
  RegExpPrototypeExec,
  StringPrototypeEndsWith,
  StringPrototypeStartsWith,
} from "./primordials.js";
import { hasOwn, show } from "./errors.js";

/** `Foo(2) [tag] `, or `[Array(2): null prototype] ` for what has no constructor. */
export function prefixOf(constructor, tag, fallback, size = "") {
  if (constructor === null) {
    const shown = tag !== "" && fallback !== tag ? " [" + tag + "] " : " ";
    return "[" + fallback + size + ": null prototype]" + shown;
  }
  return constructor + size + (tag !== "" && constructor !== tag ? " [" + tag + "] " : " ");
}

export function isInstance(value, constructor) {
  try {
    return value instanceof constructor;
  } catch {
    return false;
  }
}

/** The name of the class that V8 would give, for what has lost its own. */
export function builtinName(value) {
  if (typeof value === "function") return "Function";
  if (ArrayIsArray(value)) return "Array";
  if (core.isMap(value)) return "Map";
  if (core.isSet(value)) return "Set";
  if (core.isPromise(value)) return "Promise";
  return ErrorIsError(value) ? "Error" : "Object";
}

export function boxedType(value) {
  if (core.isNumberObject(value)) return "Number";
  if (core.isStringObject(value)) return "String";
  if (core.isBooleanObject(value)) return "Boolean";
  return core.isBigIntObject(value) ? "BigInt" : "Symbol";
}

export function regExpText(regExp) {
  return "/" + RegExpGetSource(regExp) + "/" + RegExpGetFlags(regExp);
}

export function dateText(date) {
  try {
    return DatePrototypeToISOString(date);
  } catch {
    return "Invalid Date";
  }
}

const CLASS_HEAD = /^class\b[^({]*\{/;

export function functionBase(value, constructor, tag) {
  const code = FunctionPrototypeToString(value);
  if (StringPrototypeStartsWith(code, "class") && StringPrototypeEndsWith(code, "}")) {
    if (RegExpPrototypeExec(CLASS_HEAD, code) !== null || isClassText(code)) {
      return classBase(value, constructor, tag);
    }
  }
  let type = core.isGeneratorFunction(value) ? "GeneratorFunction" : "Function";
  if (core.isAsyncFunction(value)) type = "Async" + type;
  let base = "[" + type;
  if (constructor === null) base += " (null prototype)";
  const { name } = value;
  base += name === "" ? " (anonymous)" : ": " + (typeof name === "string" ? name : show(name, 0));
  base += "]";
  if (constructor !== type && constructor !== null) base += " " + constructor;
  return tag !== "" && constructor !== tag ? base + " [" + tag + "]" : base;
}

/** Of text that begins with `class`: a method or function so named has a parenthesis next. */
function isClassText(code) {
  return RegExpPrototypeExec(/^class(\s+[^(]|\s*\{)/, code) !== null;
}

function classBase(value, constructor, tag) {
  const own = hasOwn(value, "name") ? value.name : "";
  let base = "[class " + (own || "(anonymous)");
  if (constructor !== "Function" && constructor !== null) base += " [" + constructor + "]";
  if (tag !== "" && constructor !== tag) base += " [" + tag + "]";
  if (constructor === null) return base + " extends [null prototype]]";
  const parent = ObjectGetPrototypeOf(value)?.name;
  return base + (parent ? " extends " + parent : "") + "]";
}
