// Values as text, as Node's `util.inspect` shows them.
//
// An own one, because Deno's differs in a tenth of all calls. It never changes a value, but getters
// of tags and custom inspectors of the guest run in it. This file is read when the guest may have
// run already: nothing here may be taken from a global object or a prototype.

import {
  CapturedMap,
  CapturedString,
  core,
  createList,
  CUSTOM,
  ErrorIsError,
  isObject,
  MapPrototypeGet,
  MapPrototypeGetSize,
  MapPrototypeSet,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectPrototype,
  ObjectSetPrototypeOf,
  ReflectApply,
  StringPrototypeIndexOf,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  SymbolPrototypeToString,
  TO_STRING_TAG,
} from "./primordials.js";
import { behindProxies, briefly, hasOwn, MAX_PROTOTYPES } from "./errors.js";
import { add, sortList } from "./inspect_lists.js";
import { shownBigInt, shownNumber } from "./inspect_numbers.js";
import { quoteText, replaceNewlines } from "./inspect_quotes.js";
import { builtinName, isInstance, prefixOf } from "./inspect_classes.js";
import { isEnumerable, keyText } from "./inspect_keys.js";
import { FIELDS, ITEMS, ITEMS_AND_FIELDS, joinEntries } from "./inspect_layout.js";
import { shownByPlatform } from "./inspect_platform.js";
import { shapeOf } from "./inspect_shapes.js";

const SHORT_LINE = 16;
const MAX_INSPECTED = 4 * 1024 * 1024;

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
  numericSeparator: false,
  customInspect: true,
};

/** One inspection: how deep it is, and what it has seen. The other files of inspection read it. */
class Inspector {
  options;
  indentation = 0;
  currentDepth = 0;
  depth;
  #seen = createList();
  /** @type {any} */
  #circular = null;
  #written = 0;

  constructor(options) {
    this.options = options;
    this.depth = options.depth ?? Infinity;
  }

  inspect(value) {
    return this.value(value, 0, false);
  }

  value(value, level, isPart) {
    if (!isObject(value)) return this.primitive(value);
    let object = value;
    if (core.isProxy(value)) {
      if (this.options.showProxy) return this.#proxy(value, level);
      object = behindProxies(value);
      if (object === null) return "<Revoked Proxy>";
    }
    // Deno gives its own classes a custom inspector too, which shows other things.
    const text = shownByPlatform(this, object, level) ?? this.#custom(object, value, level);
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
    const inspector = this.options.customInspect ? object[CUSTOM] : undefined;
    if (typeof inspector === "function") {
      const depth = this.depth - level;
      const options = { ...this.options, depth, stylize: (text) => "" + text };
      ObjectSetPrototypeOf(options, ObjectPrototype);
      const shown = ReflectApply(inspector, value, [depth, options, guestInspect]);
      if (shown === object || shown === value) return null;
      if (typeof shown !== "string") return this.value(shown, level, false);
      return this.indent(shown);
    }
    return null;
  }

  /** Another object in its place, by options of its own. */
  inspectAnew(value, options) {
    return new Inspector(optionsOf(options)).inspect(value);
  }

  /** Text of several lines, where this one stands. */
  indent(text) {
    return replaceNewlines(text, "\n" + StringPrototypeRepeat(" ", this.indentation));
  }

  #proxy(proxy, level) {
    if (level > this.depth) return "Proxy [Array]";
    const details = core.getProxyDetails(proxy);
    if (details[0] === null) return "<Revoked Proxy>";
    const output = createList();
    this.indentation += 2;
    add(output, this.value(details[0], level + 1, false));
    add(output, this.value(details[1], level + 1, false));
    this.indentation -= 2;
    const shape = {
      __proto__: null,
      base: "",
      open: "Proxy [",
      close: "]",
      kind: ITEMS_AND_FIELDS,
    };
    return joinEntries(this, output, shape, level + 1, undefined);
  }

  primitive(value) {
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "number":
        return shownNumber(value, this.options.numericSeparator);
      case "bigint":
        return shownBigInt(value, this.options.numericSeparator);
      case "symbol":
        return SymbolPrototypeToString(value);
    }
    return "" + value;
  }

  #string(text) {
    let trailer = "";
    const most = this.options.maxStringLength ?? Infinity;
    if (text.length > most) {
      const left = text.length - most;
      text = StringPrototypeSlice(text, 0, most);
      trailer = "... " + left + " more character" + (left > 1 ? "s" : "");
    }
    const room = this.options.breakLength - this.indentation - 4;
    if (this.options.compact === true || text.length <= SHORT_LINE || text.length <= room) {
      return quoteText(text) + trailer;
    }
    return this.#lines(text) + trailer;
  }

  #lines(text) {
    const between = " +\n" + StringPrototypeRepeat(" ", this.indentation + 2);
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
    const { showHidden } = this.options;
    const constructor = this.nameOfClass(value, level);
    let tag = value[TO_STRING_TAG];
    if (
      typeof tag !== "string" ||
      (tag !== "" &&
        (showHidden ? hasOwn(value, TO_STRING_TAG) : isEnumerable(value, TO_STRING_TAG)))
    ) tag = "";
    const shape = shapeOf(this, value, level, constructor, tag, isPart);
    if (shape.text !== null) return shape.text;
    if (level > this.depth) {
      const name = StringPrototypeSlice(prefixOf(constructor, tag, builtinName(value)), 0, -1);
      return constructor === null ? name : "[" + name + "]";
    }
    return this.#entries(value, level + 1, shape);
  }

  #entries(value, level, shape) {
    add(this.#seen, value);
    this.currentDepth = level;
    const output = shape.items === null ? createList() : shape.items(level, shape);
    for (let i = 0; i < shape.keys.length; i++) {
      add(output, this.property(value, level, shape.keys[i], shape.kind));
    }
    this.#seen.length--;
    let { base, open } = shape;
    const number = this.#circular === null ? undefined : MapPrototypeGet(this.#circular, value);
    if (number !== undefined) {
      const reference = "<ref *" + number + ">";
      if (this.options.compact === true) open = reference + " " + open;
      else base = base === "" ? reference : reference + " " + base;
    }
    if (this.options.sorted) {
      const start = shape.kind === FIELDS ? 0 : output.length - shape.keys.length;
      sortList(output, start, this.options.sorted);
    }
    shape.base = base;
    shape.open = open;
    const text = joinEntries(this, output, shape, level, value);
    this.#written += text.length;
    if (this.#written > MAX_INSPECTED) this.depth = -1;
    return text;
  }

  nameOfClass(object, level) {
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
    if (level > this.depth) return name + " <Complex prototype>";
    const inherited = this.nameOfClass(first, level + 1);
    if (inherited !== null) return name + " <" + inherited + ">";
    const options = { ...this.options, customInspect: false, depth: -1 };
    return name + " <" + new Inspector(ObjectSetPrototypeOf(options, null)).inspect(first) + ">";
  }

  property(object, level, key, kind) {
    const own = ObjectGetOwnPropertyDescriptor(object, key);
    let shown;
    if (own === undefined || own.value !== undefined || isStackOf(object, key)) {
      this.indentation += 2;
      shown = this.value(own?.value ?? object[key], level, false);
      this.indentation -= 2;
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
    const { getters } = this.options;
    const wanted = getters === true || (getters === "get" && set === undefined) ||
      (getters === "set" && set !== undefined);
    if (!wanted) return "[" + label + "]";
    try {
      const value = ReflectApply(/** @type {Function} */ (get), object, []);
      if (!isObject(value)) return "[" + label + ": " + this.primitive(value) + "]";
      this.indentation += 2;
      const shown = "[" + label + "] " + this.value(value, level, false);
      this.indentation -= 2;
      return shown;
    } catch (thrown) {
      return "[" + label + ": <Inspection threw (" + briefly(thrown) + ")>]";
    }
  }
}

function optionsOf(given) {
  return ObjectSetPrototypeOf({ ...INSPECT_DEFAULTS, ...given }, null);
}

export function inspectValue(value, depth, more) {
  return new Inspector(optionsOf({ depth, ...more })).inspect(value);
}

/** V8 has the stack of an error in an accessor, Node in a value. */
function isStackOf(object, key) {
  return key === "stack" && ErrorIsError(object);
}

/** What a custom inspector of the guest may call. */
const { inspect: guestInspect } = {
  inspect(value, options = undefined) {
    return new Inspector(optionsOf(isObject(options) ? options : {})).inspect(value);
  },
};
