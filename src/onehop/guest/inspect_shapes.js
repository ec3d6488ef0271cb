// What there is to show of an object: its braces, what stands before them, its items and its keys.

import {
  ArrayIsArray,
  core,
  ITERATOR,
  MapPrototypeGetSize,
  SetPrototypeGetSize,
  TypedArrayGetLength,
  TypedArrayGetTag,
} from "./primordials.js";
import { isError } from "./errors.js";
import { unboxed } from "./values_bytes.js";
import { oneItem, withFirst } from "./inspect_lists.js";
import { quoteText } from "./inspect_quotes.js";
import { boxedType, dateText, functionBase, prefixOf, regExpText } from "./inspect_classes.js";
import { errorText } from "./inspect_errors.js";
import { keysBesideIndexes, shownKeysOf } from "./inspect_keys.js";
import { FIELDS, ITEMS_AND_FIELDS } from "./inspect_layout.js";
import {
  arrayItems,
  bytesItems,
  mapItems,
  promiseItems,
  setItems,
  typedItems,
} from "./inspect_items.js";
import { inspectByDeno } from "./inspect_platform.js";

/**
 * What there is to show: `text` when that is all, else its braces, a text before
 * them, a function that lists its items, and the keys of its fields.
 */
export function shapeOf(inspector, value, level, constructor, tag, isPart) {
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
    if (shapeOfIterable(inspector, shape, value, constructor, tag)) return shape;
  }
  shapeOfPlain(inspector, shape, value, level, constructor, tag, isPart);
  return shape;
}

function shapeOfIterable(inspector, shape, value, constructor, tag) {
  if (ArrayIsArray(value)) {
    const plain = constructor === "Array" && tag === "";
    shape.keys = keysBesideIndexes(inspector.options.showHidden, value, value.length);
    bracket(
      shape,
      plain ? "" : prefixOf(constructor, tag, "Array", "(" + value.length + ")"),
    );
    if (value.length === 0 && shape.keys.length === 0) shape.text = shape.open + "]";
    shape.items = (level) => arrayItems(inspector, value, level);
  } else if (core.isSet(value)) {
    shapeOfCollection(inspector, shape, value, SetPrototypeGetSize(value), constructor, tag, "Set");
    shape.items = (level) => setItems(inspector, value, level);
  } else if (core.isMap(value)) {
    shapeOfCollection(inspector, shape, value, MapPrototypeGetSize(value), constructor, tag, "Map");
    shape.items = (level) => mapItems(inspector, value, level);
  } else if (core.isTypedArray(value)) {
    const length = TypedArrayGetLength(value);
    const fallback = constructor === null ? TypedArrayGetTag(value) : "";
    shape.keys = keysBesideIndexes(inspector.options.showHidden, value, length);
    bracket(shape, prefixOf(constructor, tag, fallback, "(" + length + ")"));
    if (length === 0 && shape.keys.length === 0 && !inspector.options.showHidden) {
      shape.text = shape.open + "]";
    }
    shape.items = (level) => typedItems(inspector, value, length, level);
  } else if (core.isMapIterator(value) || core.isSetIterator(value)) {
    shape.text = inspector.indent(inspectByDeno(value, 2));
  } else return false;
  return true;
}

function bracket(shape, prefix) {
  shape.open = prefix + "[";
  shape.close = "]";
  shape.kind = ITEMS_AND_FIELDS;
}

function shapeOfCollection(inspector, shape, value, size, constructor, tag, fallback) {
  const prefix = prefixOf(constructor, tag, fallback, "(" + size + ")");
  shape.keys = shownKeysOf(inspector.options.showHidden, value);
  shape.open = prefix + "{";
  if (size === 0 && shape.keys.length === 0) shape.text = prefix + "{}";
}

function shapeOfPlain(inspector, shape, value, level, constructor, tag, isPart) {
  const keys = shape.keys = core.isStringObject(value)
    ? keysBesideIndexes(inspector.options.showHidden, value, 0)
    : shownKeysOf(inspector.options.showHidden, value);
  const based = (base) => {
    shape.base = base;
    if (keys.length === 0) shape.text = base;
  };
  if (core.isArgumentsObject(value)) shape.open = "[Arguments] {";
  else if (typeof value === "function") based(functionBase(value, constructor, tag));
  else if (core.isRegExp(value)) {
    const prefix = prefixOf(constructor, tag, "RegExp");
    based((prefix === "RegExp " ? "" : prefix) + regExpText(value));
    if (level > inspector.depth) shape.text = shape.base;
  } else if (core.isDate(value)) {
    const prefix = prefixOf(constructor, tag, "Date");
    based((prefix === "Date " ? "" : prefix) + dateText(value));
  } else if (isError(value)) {
    based(errorText(inspector, value, constructor, tag, keys));
  } else if (core.isAnyArrayBuffer(value)) {
    const name = core.isArrayBuffer(value) ? "ArrayBuffer" : "SharedArrayBuffer";
    const prefix = prefixOf(constructor, tag, name);
    shape.open = prefix + "{";
    if (isPart && keys.length === 0) {
      shape.text = prefix + "{ byteLength: " + value.byteLength + " }";
    }
    shape.keys = withFirst(["byteLength"], keys);
    if (!isPart) shape.items = () => bytesItems(inspector, value);
  } else if (core.isDataView(value)) {
    shape.open = prefixOf(constructor, tag, "DataView") + "{";
    shape.keys = withFirst(["byteLength", "byteOffset", "buffer"], keys);
  } else if (core.isPromise(value)) {
    shape.open = prefixOf(constructor, tag, "Promise") + "{";
    shape.items = (inner) => promiseItems(inspector, value, inner);
  } else if (core.isWeakSet(value) || core.isWeakMap(value)) {
    const name = core.isWeakSet(value) ? "WeakSet" : "WeakMap";
    shape.open = prefixOf(constructor, tag, name) + "{";
    shape.items = () => oneItem("<items unknown>");
  } else if (core.isBoxedPrimitive(value)) {
    based(boxedText(inspector, value, constructor, tag));
  } else {
    const isBare = constructor === "Object" && tag === "";
    shape.open = isBare ? "{" : prefixOf(constructor, tag, "Object") + "{";
    if (keys.length === 0) shape.text = shape.open + "}";
  }
}

function boxedText(inspector, value, constructor, tag) {
  const type = boxedType(value);
  const inner = unboxed(value);
  const shown = typeof inner === "string" ? quoteText(inner) : inspector.primitive(inner);
  let base = "[" + type;
  if (constructor === null) base += " (null prototype)";
  else if (constructor !== type) base += " (" + constructor + ")";
  base += ": " + shown + "]";
  return tag !== "" && tag !== constructor ? base + " [" + tag + "]" : base;
}
