// Values as text, as Node's `util.inspect` shows them.
//
// An own one, because Deno's differs in a tenth of all calls. It never changes a value, but getters
// of tags and custom inspectors of the guest run in it. This file is read when the guest may have
// run already: nothing here may be taken from a global object or a prototype.

import {
  ArrayIsArray,
  CapturedMap,
  CapturedString,
  core,
  createList,
  CUSTOM,
  DatePrototypeToISOString,
  DENO_CUSTOM,
  ErrorIsError,
  ErrorPrototypeToString,
  FunctionPrototypeToString,
  isObject,
  ITERATOR,
  MapIteratorNext,
  MapPrototypeEntries,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  MathFloor,
  MathMax,
  MathMin,
  MathRound,
  MathSqrt,
  NumberPrototypeToString,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetOwnPropertyNames,
  ObjectGetOwnPropertySymbols,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPrototype,
  ObjectPrototypePropertyIsEnumerable,
  ObjectSetPrototypeOf,
  ReflectApply,
  RegExpGetFlags,
  RegExpGetSource,
  RegExpPrototypeExec,
  SetIteratorNext,
  SetPrototypeGetSize,
  SetPrototypeValues,
  StringFromCodePoint,
  StringPrototypeCharCodeAt,
  StringPrototypeCodePointAt,
  StringPrototypeEndsWith,
  StringPrototypeIndexOf,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToUpperCase,
  SymbolPrototypeToString,
  TO_STRING_TAG,
  TypedArrayGetLength,
  TypedArrayGetTag,
} from "./primordials.js";
import {
  behindProxies,
  briefly,
  cleanStacks,
  hasOwn,
  isError,
  MAX_PROTOTYPES,
  show,
} from "./errors.js";
import { inspectByPlatform, isOfPlatform, readSearch, readUrl } from "./platform.js";
import { bytesOf, unboxed } from "./values.js";
import { numberText } from "./console.js";

const IDENTIFIER_KEY = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
const INDEX_KEY = /^(0|[1-9][0-9]*)$/;
const MAX_INDEX = 4294967294;
const ESCAPED = /[\x00-\x1f'\\\x7f-\x9f\ud800-\udfff]/;
const FULL_WIDTH =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2fb}\u{1f200}-\u{1f320}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}\x00-\x1f\x7f-\x9f]/u;
const SHORT_LINE = 16;
export const MAX_LISTED = 100000;
const MAX_INSPECTED = 4 * 1024 * 1024;

// What the entries of a value are, which decides how they are joined.
const FIELDS = 0;
const ITEMS = 1;
const ITEMS_AND_FIELDS = 2;

const INSPECT_DEFAULTS = {
  __proto__: null,
  showHidden: false,
  showProxy: false,
  depth: 2,
  maxArrayLength: 100,
  maxStringLength: 10000,
  breakLength: 80,
  compact: 3,
  sorted: false,
  getters: false,
  customInspect: true,
};

/** Columns a text takes in a terminal. */
export function displayWidth(text) {
  let width = 0;
  for (let i = 0; i < text.length;) {
    const code = StringPrototypeCodePointAt(text, i);
    i += code > 0xffff ? 2 : 1;
    if (code >= 0x20 && code < 0x7f) width++;
    else width += widthOf(StringFromCodePoint(code));
  }
  return width;
}

function widthOf(character) {
  if (RegExpPrototypeExec(NO_WIDTH, character) !== null) return 0;
  return RegExpPrototypeExec(FULL_WIDTH, character) !== null ? 2 : 1;
}

export function add(list, item) {
  list[list.length] = item;
}

function joinList(list, separator) {
  let text = "";
  for (let i = 0; i < list.length; i++) text += i === 0 ? list[i] : separator + list[i];
  return text;
}

function replaceNewlines(text, replacement) {
  let result = "";
  let start = 0;
  for (;;) {
    const end = StringPrototypeIndexOf(text, "\n", start);
    if (end < 0) return result + StringPrototypeSlice(text, start);
    result += StringPrototypeSlice(text, start, end) + replacement;
    start = end + 1;
  }
}

const NAMED_ESCAPES = {
  __proto__: null,
  8: "\\b",
  9: "\\t",
  10: "\\n",
  12: "\\f",
  13: "\\r",
  92: "\\\\",
};

function escapeCode(code) {
  const named = NAMED_ESCAPES[code];
  if (named !== undefined) return named;
  const hex = NumberPrototypeToString(code, 16);
  if (code > 0xff) return "\\u" + hex;
  return "\\x" + (code < 16 ? "0" : "") + StringPrototypeToUpperCase(hex);
}

/** The text with control characters, backslashes, lone surrogates and `quote` escaped. */
function escapeText(text, quoteCode) {
  let result = "";
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const code = StringPrototypeCharCodeAt(text, i);
    if (code >= 0xd800 && code <= 0xdbff) {
      const next = StringPrototypeCharCodeAt(text, i + 1);
      if (next >= 0xdc00 && next <= 0xdfff) {
        i++;
        continue;
      }
    }
    const escaped = code < 32 || code === 92 || (code > 126 && code < 160) ||
      (code >= 0xd800 && code <= 0xdfff);
    if (!escaped && code !== quoteCode) continue;
    const as = code === quoteCode ? "\\" + text[i] : escapeCode(code);
    result += StringPrototypeSlice(text, start, i) + as;
    start = i + 1;
  }
  return result + StringPrototypeSlice(text, start);
}

function has(text, part) {
  return StringPrototypeIndexOf(text, part) >= 0;
}

/** A string in the quotes that need the fewest escapes. */
function quoteText(text) {
  if (RegExpPrototypeExec(ESCAPED, text) === null) return "'" + text + "'";
  let mark = "'";
  if (has(text, "'")) {
    if (!has(text, '"')) mark = '"';
    else if (!has(text, "`") && !has(text, "${")) mark = "`";
  }
  return mark + escapeText(text, mark === "'" ? 39 : -1) + mark;
}

function moreItems(count) {
  return "... " + count + " more item" + (count > 1 ? "s" : "");
}

/** `Foo(2) [tag] `, or `[Array(2): null prototype] ` for what has no constructor. */
function prefixOf(constructor, tag, fallback, size = "") {
  if (constructor === null) {
    const shown = tag !== "" && fallback !== tag ? " [" + tag + "] " : " ";
    return "[" + fallback + size + ": null prototype]" + shown;
  }
  return constructor + size + (tag !== "" && constructor !== tag ? " [" + tag + "] " : " ");
}

function isInstance(value, constructor) {
  try {
    return value instanceof constructor;
  } catch {
    return false;
  }
}

/** The name of the class that V8 would give, for what has lost its own. */
function builtinName(value) {
  if (typeof value === "function") return "Function";
  if (ArrayIsArray(value)) return "Array";
  if (core.isMap(value)) return "Map";
  if (core.isSet(value)) return "Set";
  if (core.isPromise(value)) return "Promise";
  return ErrorIsError(value) ? "Error" : "Object";
}

class Inspector {
  #options;
  #indentation = 0;
  #currentDepth = 0;
  #depth;
  #seen = createList();
  /** @type {any} */
  #circular = null;
  #written = 0;

  constructor(options) {
    this.#options = options;
    this.#depth = options.depth ?? Infinity;
  }

  inspect(value) {
    return this.#value(value, 0, false);
  }

  #value(value, level, isPart) {
    if (!isObject(value)) return this.#primitive(value);
    let object = value;
    if (core.isProxy(value)) {
      if (this.#options.showProxy) return this.#proxy(value, level);
      object = behindProxies(value);
      if (object === null) return "<Revoked Proxy>";
    }
    // Deno gives its own classes a custom inspector too, which shows other things.
    const text = this.#platform(object, level) ?? this.#custom(object, value, level);
    if (text !== null) return text;
    for (let i = 0; i < this.#seen.length; i++) {
      if (this.#seen[i] === object) return "[Circular *" + this.#numberOf(object) + "]";
    }
    return this.#object(object, level, isPart);
  }

  #numberOf(object) {
    this.#circular ??= new CapturedMap();
    let number = MapPrototypeGet(this.#circular, object);
    if (number === undefined) {
      number = MapPrototypeGetSize(this.#circular) + 1;
      MapPrototypeSet(this.#circular, object, number);
    }
    return number;
  }

  /** What an object's own inspector makes of it; null when it has none. */
  #custom(object, value, level) {
    const inspector = this.#options.customInspect ? object[CUSTOM] : undefined;
    if (typeof inspector === "function") {
      const depth = this.#depth - level;
      const options = { ...this.#options, depth, stylize: (text) => "" + text };
      ObjectSetPrototypeOf(options, ObjectPrototype);
      const shown = ReflectApply(inspector, value, [depth, options, guestInspect]);
      if (shown === object || shown === value) return null;
      if (typeof shown !== "string") return this.#value(shown, level, false);
      return this.#indent(shown);
    }
    return null;
  }

  /** Objects of Deno's own classes: two as in Node, the others as Deno shows them. */
  #platform(object, level) {
    const parts = urlParts(object);
    if (parts !== null) {
      if (level > this.#depth || !this.#options.customInspect) {
        return this.#constructorName(object, level) + " {}";
      }
      const options = optionsOf({ ...this.#options, depth: this.#depth - level });
      const shown = new Inspector(options).inspect(parts);
      return this.#constructorName(object, level) + " " + this.#indent(shown);
    }
    const pairs = readSearch(object);
    if (pairs !== null) return this.#searchParams(object, pairs, level);
    if (!isOfPlatform(object, DENO_CUSTOM)) return null;
    return this.#indent(inspectByDeno(object, MathMax(0, this.#depth - level)));
  }

  #indent(text) {
    return replaceNewlines(text, "\n" + StringPrototypeRepeat(" ", this.#indentation));
  }

  #searchParams(object, pairs, level) {
    const name = this.#constructorName(object, level);
    if (!this.#options.customInspect) return name + " {}";
    if (level > this.#depth) return "[Object]";
    const output = createList();
    let length = -2;
    for (let i = 0; i < pairs.length; i += 2) {
      const pair = quoteText(pairs[i]) + " => " + quoteText(pairs[i + 1]);
      add(output, pair);
      length += pair.length + 2;
    }
    if (output.length === 0) return name + " {}";
    if (length <= this.#options.breakLength) return name + " { " + joinList(output, ", ") + " }";
    const indent = "\n" + StringPrototypeRepeat(" ", this.#indentation) + "  ";
    return name + " {" + indent + joinList(output, "," + indent) + " }";
  }

  #proxy(proxy, level) {
    if (level > this.#depth) return "Proxy [Array]";
    const details = core.getProxyDetails(proxy);
    if (details[0] === null) return "<Revoked Proxy>";
    const output = createList();
    this.#indentation += 2;
    add(output, this.#value(details[0], level + 1, false));
    add(output, this.#value(details[1], level + 1, false));
    this.#indentation -= 2;
    return this.#join(output, "", "Proxy [", "]", ITEMS_AND_FIELDS, level + 1, undefined);
  }

  #primitive(value) {
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "number":
        return numberText(value);
      case "bigint":
        return value + "n";
      case "symbol":
        return SymbolPrototypeToString(value);
    }
    return "" + value;
  }

  #string(text) {
    let trailer = "";
    const most = this.#options.maxStringLength ?? Infinity;
    if (text.length > most) {
      const left = text.length - most;
      text = StringPrototypeSlice(text, 0, most);
      trailer = "... " + left + " more character" + (left > 1 ? "s" : "");
    }
    const room = this.#options.breakLength - this.#indentation - 4;
    if (this.#options.compact === true || text.length <= SHORT_LINE || text.length <= room) {
      return quoteText(text) + trailer;
    }
    return this.#lines(text) + trailer;
  }

  #lines(text) {
    const between = " +\n" + StringPrototypeRepeat(" ", this.#indentation + 2);
    let result = "";
    let start = 0;
    while (start < text.length) {
      const found = StringPrototypeIndexOf(text, "\n", start);
      const end = found < 0 ? text.length : found + 1;
      result += (start === 0 ? "" : between) + quoteText(StringPrototypeSlice(text, start, end));
      start = end;
    }
    return result;
  }

  #object(value, level, isPart) {
    const { showHidden } = this.#options;
    const constructor = this.#constructorName(value, level);
    let tag = value[TO_STRING_TAG];
    if (
      typeof tag !== "string" ||
      (tag !== "" &&
        (showHidden ? hasOwn(value, TO_STRING_TAG) : isEnumerable(value, TO_STRING_TAG)))
    ) tag = "";
    const shape = this.#shapeOf(value, level, constructor, tag, isPart);
    if (shape.text !== null) return shape.text;
    if (level > this.#depth) {
      const name = StringPrototypeSlice(prefixOf(constructor, tag, builtinName(value)), 0, -1);
      return constructor === null ? name : "[" + name + "]";
    }
    return this.#entries(value, level + 1, shape);
  }

  #entries(value, level, shape) {
    add(this.#seen, value);
    this.#currentDepth = level;
    const output = shape.items === null ? createList() : shape.items(level, shape);
    for (let i = 0; i < shape.keys.length; i++) {
      add(output, this.#property(value, level, shape.keys[i], shape.kind));
    }
    this.#seen.length--;
    let { base, open } = shape;
    const number = this.#circular === null ? undefined : MapPrototypeGet(this.#circular, value);
    if (number !== undefined) {
      const reference = "<ref *" + number + ">";
      if (this.#options.compact === true) open = reference + " " + open;
      else base = base === "" ? reference : reference + " " + base;
    }
    if (this.#options.sorted) {
      const start = shape.kind === FIELDS ? 0 : output.length - shape.keys.length;
      sortList(output, start, this.#options.sorted);
    }
    const text = this.#join(output, base, open, shape.close, shape.kind, level, value);
    this.#written += text.length;
    if (this.#written > MAX_INSPECTED) this.#depth = -1;
    return text;
  }

  #constructorName(object, level) {
    let first;
    for (let at = object, i = 0; at !== null && i < MAX_PROTOTYPES; i++) {
      const own = ObjectGetOwnPropertyDescriptor(at, "constructor");
      if (own !== undefined && typeof own.value === "function") {
        const { name } = own.value;
        if (name !== "" && isInstance(object, own.value)) return CapturedString(name);
      }
      at = ObjectGetPrototypeOf(at);
      if (first === undefined) first = at;
    }
    if (first === null || first === undefined) return null;
    const name = builtinName(object);
    if (level > this.#depth) return name + " <Complex prototype>";
    const inherited = this.#constructorName(first, level + 1);
    if (inherited !== null) return name + " <" + inherited + ">";
    const options = { ...this.#options, customInspect: false, depth: -1 };
    return name + " <" + new Inspector(ObjectSetPrototypeOf(options, null)).inspect(first) + ">";
  }

  #keysOf(value, names) {
    const { showHidden } = this.#options;
    const keys = createList();
    const own = names ?? (showHidden ? ObjectGetOwnPropertyNames(value) : ObjectKeys(value));
    for (let i = 0; i < own.length; i++) add(keys, own[i]);
    const symbols = ObjectGetOwnPropertySymbols(value);
    for (let i = 0; i < symbols.length; i++) {
      if (showHidden || isEnumerable(value, symbols[i])) add(keys, symbols[i]);
    }
    return keys;
  }

  /** The keys beside the indexes, of an array or of a boxed string. */
  #extraKeysOf(value, length) {
    const { showHidden } = this.#options;
    const extra = createList();
    // Listing the indexes of a long one costs more than its few extra fields are worth.
    if (length > MAX_LISTED) return extra;
    const own = showHidden ? ObjectGetOwnPropertyNames(value) : ObjectKeys(value);
    for (let i = own.length - 1; i >= 0; i--) {
      // Indexes come first.
      if (isIndex(own[i])) break;
      add(extra, own[i]);
    }
    for (let i = 0, j = extra.length - 1; i < j; i++, j--) {
      const swapped = extra[i];
      extra[i] = extra[j];
      extra[j] = swapped;
    }
    return this.#keysOf(value, extra);
  }

  /**
   * What there is to show of an object: `text` when that is all, else its braces, a text before
   * them, a function that lists its items, and the keys of its fields.
   */
  #shapeOf(value, level, constructor, tag, isPart) {
    const shape = {
      __proto__: null,
      text: null,
      base: "",
      open: "{",
      close: "}",
      items: null,
      keys: null,
      kind: FIELDS,
    };
    if (constructor === null || ITERATOR in value) {
      if (this.#iterable(shape, value, constructor, tag)) return shape;
    }
    this.#plain(shape, value, level, constructor, tag, isPart);
    return shape;
  }

  #iterable(shape, value, constructor, tag) {
    if (ArrayIsArray(value)) {
      const plain = constructor === "Array" && tag === "";
      shape.keys = this.#extraKeysOf(value, value.length);
      this.#bracket(
        shape,
        plain ? "" : prefixOf(constructor, tag, "Array", "(" + value.length + ")"),
      );
      if (value.length === 0 && shape.keys.length === 0) shape.text = shape.open + "]";
      shape.items = (level) => this.#arrayItems(value, level);
    } else if (core.isSet(value)) {
      this.#collection(shape, value, SetPrototypeGetSize(value), constructor, tag, "Set");
      shape.items = (level) => this.#setItems(value, level);
    } else if (core.isMap(value)) {
      this.#collection(shape, value, MapPrototypeGetSize(value), constructor, tag, "Map");
      shape.items = (level) => this.#mapItems(value, level);
    } else if (core.isTypedArray(value)) {
      const length = TypedArrayGetLength(value);
      const fallback = constructor === null ? TypedArrayGetTag(value) : "";
      shape.keys = this.#extraKeysOf(value, length);
      this.#bracket(shape, prefixOf(constructor, tag, fallback, "(" + length + ")"));
      if (length === 0 && shape.keys.length === 0 && !this.#options.showHidden) {
        shape.text = shape.open + "]";
      }
      shape.items = (level) => this.#typedItems(value, length, level);
    } else if (core.isMapIterator(value) || core.isSetIterator(value)) {
      shape.text = this.#indent(inspectByDeno(value, 2));
    } else return false;
    return true;
  }

  #bracket(shape, prefix) {
    shape.open = prefix + "[";
    shape.close = "]";
    shape.kind = ITEMS_AND_FIELDS;
  }

  #collection(shape, value, size, constructor, tag, fallback) {
    const prefix = prefixOf(constructor, tag, fallback, "(" + size + ")");
    shape.keys = this.#keysOf(value);
    shape.open = prefix + "{";
    if (size === 0 && shape.keys.length === 0) shape.text = prefix + "{}";
  }

  #plain(shape, value, level, constructor, tag, isPart) {
    const keys = shape.keys = core.isStringObject(value)
      ? this.#extraKeysOf(value, 0)
      : this.#keysOf(value);
    const based = (base) => {
      shape.base = base;
      if (keys.length === 0) shape.text = base;
    };
    if (core.isArgumentsObject(value)) shape.open = "[Arguments] {";
    else if (typeof value === "function") based(functionBase(value, constructor, tag));
    else if (core.isRegExp(value)) {
      const prefix = prefixOf(constructor, tag, "RegExp");
      based((prefix === "RegExp " ? "" : prefix) + regExpText(value));
      if (level > this.#depth) shape.text = shape.base;
    } else if (core.isDate(value)) {
      const prefix = prefixOf(constructor, tag, "Date");
      based((prefix === "Date " ? "" : prefix) + dateText(value));
    } else if (isError(value)) {
      based(this.#error(value, constructor, tag, keys));
    } else if (core.isAnyArrayBuffer(value)) {
      const name = core.isArrayBuffer(value) ? "ArrayBuffer" : "SharedArrayBuffer";
      const prefix = prefixOf(constructor, tag, name);
      shape.open = prefix + "{";
      if (isPart && keys.length === 0) {
        shape.text = prefix + "{ byteLength: " + value.byteLength + " }";
      }
      shape.keys = withFirst(["byteLength"], keys);
      if (!isPart) shape.items = () => this.#bytes(value);
    } else if (core.isDataView(value)) {
      shape.open = prefixOf(constructor, tag, "DataView") + "{";
      shape.keys = withFirst(["byteLength", "byteOffset", "buffer"], keys);
    } else if (core.isPromise(value)) {
      shape.open = prefixOf(constructor, tag, "Promise") + "{";
      shape.items = (inner) => this.#promise(value, inner);
    } else if (core.isWeakSet(value) || core.isWeakMap(value)) {
      const name = core.isWeakSet(value) ? "WeakSet" : "WeakMap";
      shape.open = prefixOf(constructor, tag, name) + "{";
      shape.items = () => oneItem("<items unknown>");
    } else if (core.isBoxedPrimitive(value)) {
      based(this.#boxed(value, constructor, tag));
    } else {
      const isBare = constructor === "Object" && tag === "";
      shape.open = isBare ? "{" : prefixOf(constructor, tag, "Object") + "{";
      if (keys.length === 0) shape.text = shape.open + "}";
    }
  }

  #boxed(value, constructor, tag) {
    const type = boxedType(value);
    const inner = unboxed(value);
    const shown = typeof inner === "string" ? quoteText(inner) : this.#primitive(inner);
    let base = "[" + type;
    if (constructor === null) base += " (null prototype)";
    else if (constructor !== type) base += " (" + constructor + ")";
    base += ": " + shown + "]";
    return tag !== "" && tag !== constructor ? base + " [" + tag + "]" : base;
  }

  #error(error, constructor, tag, keys) {
    const name = CapturedString(error.name ?? "Error");
    const { message } = error;
    let stack = stackOf(error);
    if (!this.#options.showHidden) hideShownKeys(keys, error, stack);
    if ("cause" in error && !contains(keys, "cause")) add(keys, "cause");
    if (ArrayIsArray(error.errors) && !contains(keys, "errors")) add(keys, "errors");
    stack = improveStack(stack, constructor, name, tag);
    let from = 0;
    if (typeof message === "string" && message !== "") {
      const at = StringPrototypeIndexOf(stack, message);
      if (at >= 0) from = at + message.length;
    }
    if (StringPrototypeIndexOf(stack, "\n    at", from) < 0) stack = "[" + stack + "]";
    return this.#indent(stack);
  }

  #arrayItems(array, level) {
    const output = createList();
    const { length } = array;
    const most = MathMin(MathMax(0, this.#options.maxArrayLength ?? Infinity), length);
    for (let i = 0; i < most; i++) {
      if (!hasOwn(array, i)) return this.#sparseItems(array, level, most, output, i);
      add(output, this.#property(array, level, i, ITEMS));
    }
    if (length > most) add(output, moreItems(length - most));
    return output;
  }

  #sparseItems(array, level, most, output, from) {
    const keys = ObjectKeys(array);
    let index = from;
    for (let i = from; i < keys.length && output.length < most; i++) {
      if (!isIndex(keys[i])) break;
      const at = +keys[i];
      if (at !== index) {
        add(output, emptyItems(at - index));
        index = at;
        if (output.length === most) break;
      }
      add(output, this.#property(array, level, at, ITEMS));
      index++;
    }
    const left = array.length - index;
    if (left > 0) add(output, output.length === most ? moreItems(left) : emptyItems(left));
    return output;
  }

  #typedItems(array, length, level) {
    const output = createList();
    const most = MathMin(MathMax(0, this.#options.maxArrayLength ?? Infinity), length);
    for (let i = 0; i < most; i++) add(output, this.#primitive(array[i]));
    if (length > most) add(output, moreItems(length - most));
    if (this.#options.showHidden) {
      this.#indentation += 2;
      const names = ["BYTES_PER_ELEMENT", "length", "byteLength", "byteOffset", "buffer"];
      for (let i = 0; i < names.length; i++) {
        add(output, "[" + names[i] + "]: " + this.#value(array[names[i]], level, true));
      }
      this.#indentation -= 2;
    }
    return output;
  }

  #setItems(set, level) {
    const output = createList();
    const most = this.#options.maxArrayLength ?? Infinity;
    const values = SetPrototypeValues(set);
    this.#indentation += 2;
    for (;;) {
      const { done, value } = SetIteratorNext(values);
      if (done) break;
      if (output.length >= most) {
        add(output, moreItems(SetPrototypeGetSize(set) - output.length));
        break;
      }
      add(output, this.#value(value, level, false));
    }
    this.#indentation -= 2;
    return output;
  }

  #mapItems(map, level) {
    const output = createList();
    const most = this.#options.maxArrayLength ?? Infinity;
    const entries = MapPrototypeEntries(map);
    this.#indentation += 2;
    for (;;) {
      const { done, value } = MapIteratorNext(entries);
      if (done) break;
      if (output.length >= most) {
        add(output, moreItems(MapPrototypeGetSize(map) - output.length));
        break;
      }
      const key = this.#value(value[0], level, false);
      add(output, key + " => " + this.#value(value[1], level, false));
    }
    this.#indentation -= 2;
    return output;
  }

  #bytes(buffer) {
    const bytes = bytesOf(buffer);
    const length = TypedArrayGetLength(bytes);
    const most = MathMin(MathMax(0, this.#options.maxArrayLength ?? Infinity), length);
    let text = "";
    for (let i = 0; i < most; i++) {
      const hex = NumberPrototypeToString(bytes[i], 16);
      text += (i === 0 ? "" : " ") + (hex.length < 2 ? "0" : "") + hex;
    }
    const left = length - most;
    if (left > 0) text += " ... " + left + " more byte" + (left > 1 ? "s" : "");
    return oneItem("[Uint8Contents]: <" + text + ">");
  }

  #promise(promise, level) {
    const details = core.getPromiseDetails(promise);
    if (details[0] === 0) return oneItem("<pending>");
    this.#indentation += 2;
    const shown = this.#value(details[1], level, false);
    this.#indentation -= 2;
    return oneItem(details[0] === 2 ? "<rejected> " + shown : shown);
  }

  #property(object, level, key, kind) {
    const own = ObjectGetOwnPropertyDescriptor(object, key);
    let shown;
    if (own === undefined || own.value !== undefined || isStackOf(object, key)) {
      this.#indentation += 2;
      shown = this.#value(own?.value ?? object[key], level, false);
      this.#indentation -= 2;
    } else if (own.get !== undefined) shown = this.#getter(object, own, level);
    else shown = own.set !== undefined ? "[Setter]" : "undefined";
    if (kind === ITEMS) return shown;
    return keyText(key, own === undefined || own.enumerable) + ": " + shown;
  }

  /**
   * @param {object} object
   * @param {PropertyDescriptor} accessor
   * @param {number} level
   */
  #getter(object, { get, set }, level) {
    const label = set === undefined ? "Getter" : "Getter/Setter";
    const { getters } = this.#options;
    const wanted = getters === true || (getters === "get" && set === undefined) ||
      (getters === "set" && set !== undefined);
    if (!wanted) return "[" + label + "]";
    try {
      const value = ReflectApply(/** @type {Function} */ (get), object, []);
      if (!isObject(value)) return "[" + label + ": " + this.#primitive(value) + "]";
      this.#indentation += 2;
      const shown = "[" + label + "] " + this.#value(value, level, false);
      this.#indentation -= 2;
      return shown;
    } catch (thrown) {
      return "[" + label + ": <Inspection threw (" + briefly(thrown) + ")>]";
    }
  }

  /** The entries on one line where that is short enough, else each on its own or in columns. */
  #join(output, base, open, close, kind, level, value) {
    const { compact, breakLength } = this.#options;
    const before = base === "" ? "" : base + " ";
    if (typeof compact === "number" && compact >= 1) {
      const entries = output.length;
      if (kind === ITEMS_AND_FIELDS && entries > 6) output = this.#inColumns(output, value);
      if (this.#currentDepth - level < compact && entries === output.length) {
        const start = output.length + this.#indentation + open.length + base.length + 10;
        if (isShort(output, start, base, breakLength)) {
          const joined = joinList(output, ", ");
          if (!has(joined, "\n")) return before + open + " " + joined + " " + close;
        }
      }
    } else if (compact === true && isShort(output, 0, base, breakLength)) {
      return open + (base === "" ? "" : " " + base) + " " + joinList(output, ", ") + " " + close;
    }
    const indent = "\n" + StringPrototypeRepeat(" ", this.#indentation);
    return before + open + indent + "  " + joinList(output, "," + indent + "  ") + indent + close;
  }

  /** Short entries of a long list, in columns of about equal width. */
  #inColumns(output, value) {
    const { breakLength, compact, maxArrayLength } = this.#options;
    const count = (maxArrayLength ?? Infinity) < output.length ? output.length - 1 : output.length;
    const widths = createList();
    let total = 0;
    let widest = 0;
    for (let i = 0; i < count; i++) {
      widths[i] = displayWidth(output[i]);
      total += widths[i] + 2;
      if (widths[i] > widest) widest = widths[i];
    }
    const most = widest + 2;
    if (most * 3 + this.#indentation >= breakLength) return output;
    if (total / most <= 5 && widest > 6) return output;
    const biased = MathMax(most - 3 - MathSqrt(most - total / output.length), 1);
    const columns = MathMin(
      MathRound(MathSqrt(2.5 * biased * count) / biased),
      MathFloor((breakLength - this.#indentation) / most),
      compact * 4,
      15,
    );
    if (columns <= 1) return output;
    const rows = drawRows(output, widths, count, columns, isNumeric(value, output.length));
    if (count < output.length) add(rows, output[count]);
    return rows;
  }
}

function drawRows(output, widths, count, columns, toRight) {
  const columnWidths = createList();
  for (let column = 0; column < columns; column++) {
    let width = 0;
    for (let i = column; i < count; i += columns) if (widths[i] > width) width = widths[i];
    columnWidths[column] = width + 2;
  }
  const rows = createList();
  for (let start = 0; start < count; start += columns) {
    const end = MathMin(start + columns, count);
    let row = "";
    for (let i = start; i < end; i++) {
      const isLast = i === end - 1;
      const text = isLast ? output[i] : output[i] + ", ";
      const width = widths[i] + (isLast ? 0 : 2);
      const room = columnWidths[i - start] - (isLast ? 2 : 0) - width;
      const padding = room > 0 ? StringPrototypeRepeat(" ", room) : "";
      row += toRight ? padding + text : isLast ? text : text + padding;
    }
    add(rows, row);
  }
  return rows;
}

function isNumeric(value, length) {
  if (value === undefined) return true;
  for (let i = 0; i < length; i++) {
    if (typeof value[i] !== "number" && typeof value[i] !== "bigint") return false;
  }
  return true;
}

function isShort(output, start, base, breakLength) {
  let length = output.length + start;
  if (length + output.length > breakLength) return false;
  for (let i = 0; i < output.length; i++) {
    length += output[i].length;
    if (length > breakLength) return false;
  }
  return base === "" || !has(base, "\n");
}

function keyText(key, enumerable) {
  if (typeof key === "symbol") return "[" + escapeText(SymbolPrototypeToString(key), -1) + "]";
  key = "" + key;
  if (key === "__proto__") return "['__proto__']";
  if (!enumerable) return "[" + escapeText(key, -1) + "]";
  return RegExpPrototypeExec(IDENTIFIER_KEY, key) !== null ? key : quoteText(key);
}

function isIndex(key) {
  return typeof key === "string" && RegExpPrototypeExec(INDEX_KEY, key) !== null &&
    +key <= MAX_INDEX;
}

function isEnumerable(object, key) {
  return ObjectPrototypePropertyIsEnumerable(object, key);
}

/** V8 has the stack of an error in an accessor, Node in a value. */
function isStackOf(object, key) {
  return key === "stack" && ErrorIsError(object);
}

function contains(list, item) {
  for (let i = 0; i < list.length; i++) if (list[i] === item) return true;
  return false;
}

function oneItem(text) {
  const output = createList();
  output[0] = text;
  return output;
}

function withFirst(first, rest) {
  const all = createList();
  for (let i = 0; i < first.length; i++) add(all, first[i]);
  for (let i = 0; i < rest.length; i++) add(all, rest[i]);
  return all;
}

/** Sort the entries from `start` on by their text; they are few. */
function sortList(list, start, sorted) {
  const isAfter = (one, other) =>
    typeof sorted === "function" ? ReflectApply(sorted, undefined, [one, other]) > 0 : one > other;
  for (let i = start + 1; i < list.length; i++) {
    const item = list[i];
    let j = i;
    for (; j > start && isAfter(list[j - 1], item); j--) list[j] = list[j - 1];
    list[j] = item;
  }
}

function emptyItems(count) {
  return "<" + count + " empty item" + (count > 1 ? "s" : "") + ">";
}

function boxedType(value) {
  if (core.isNumberObject(value)) return "Number";
  if (core.isStringObject(value)) return "String";
  if (core.isBooleanObject(value)) return "Boolean";
  return core.isBigIntObject(value) ? "BigInt" : "Symbol";
}

function regExpText(regExp) {
  return "/" + RegExpGetSource(regExp) + "/" + RegExpGetFlags(regExp);
}

function dateText(date) {
  try {
    return DatePrototypeToISOString(date);
  } catch {
    return "Invalid Date";
  }
}

/** Deno may look into iterators without taking their values, and knows its own classes. */
export function inspectByDeno(value, depth) {
  const options = { __proto__: null, colors: false, depth, breakLength: 80, compact: 3 };
  options.quotes = QUOTES;
  return inspectByPlatform(value, options);
}

const CLASS_HEAD = /^class\b[^({]*\{/;

function functionBase(value, constructor, tag) {
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

/** The stack of an error as text; its name and message when it has none. */
function stackOf(error) {
  const { stack } = error;
  if (stack) return cleanStacks(CapturedString(stack));
  return ErrorPrototypeToString(error);
}

/** Take away the fields that the stack shows already. */
function hideShownKeys(keys, error, stack) {
  let kept = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (key === "name" || key === "message" || key === "stack") {
      const value = error[key];
      if (typeof value !== "string" || has(stack, value)) continue;
    }
    keys[kept++] = key;
  }
  keys.length = kept;
}

const STACK_HEAD = /^([A-Z][a-z_ A-Z0-9[\]()-]+)(?::|\n\s+at)/;
const STACK_NAME = /^([a-z_A-Z0-9-]*Error)$/;

/** Put the name of the class at the head of a stack that has only that of its base. */
function improveStack(stack, constructor, name, tag) {
  let { length } = name;
  const next = stack[length];
  const isUsual = StringPrototypeEndsWith(name, "Error") &&
    StringPrototypeStartsWith(stack, name) &&
    (stack.length === length || next === ":" || next === "\n");
  if (constructor !== null && !isUsual) return stack;
  let fallback = "Error";
  if (constructor === null) {
    const head = RegExpPrototypeExec(STACK_HEAD, stack) ?? RegExpPrototypeExec(STACK_NAME, stack);
    const found = head === null ? "" : head[1];
    length = found.length;
    fallback = found || "Error";
  }
  const prefix = StringPrototypeSlice(prefixOf(constructor, tag, fallback), 0, -1);
  if (name === prefix) return stack;
  const rest = StringPrototypeSlice(stack, length);
  if (!has(prefix, name)) return prefix + " [" + name + "]" + rest;
  return length === 0 ? prefix + ": " + stack : prefix + rest;
}

/** The parts of a URL as an object; null for anything else. */
function urlParts(object) {
  const read = readUrl(object);
  if (read === null) return null;
  const parts = {};
  for (let i = 0; i < read.length; i += 2) {
    ObjectDefineProperty(parts, read[i], { __proto__: null, value: read[i + 1], enumerable: true });
  }
  return parts;
}

const QUOTES = ["'", '"', "`"];

function optionsOf(given) {
  return ObjectSetPrototypeOf({ ...INSPECT_DEFAULTS, ...given }, null);
}

export function inspectValue(value, depth, more) {
  return new Inspector(optionsOf({ depth, ...more })).inspect(value);
}

/** What a custom inspector of the guest may call. */
const { inspect: guestInspect } = {
  inspect(value, options = undefined) {
    return new Inspector(optionsOf(isObject(options) ? options : {})).inspect(value);
  },
};
