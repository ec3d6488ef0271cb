// What stands within the braces of lists, Maps, Sets, bytes and promises.

import {
  core,
  createList,
  MapIteratorNext,
  MapPrototypeEntries,
  MapPrototypeGetSize,
  MathMax,
  MathMin,
  NumberPrototypeToString,
  ObjectKeys,
  SetIteratorNext,
  SetPrototypeGetSize,
  SetPrototypeValues,
  TypedArrayGetLength,
} from "./primordials.js";
import { hasOwn } from "./errors.js";
import { bytesOf } from "./values_bytes.js";
import { add, oneItem } from "./inspect_lists.js";
import { isIndex } from "./inspect_keys.js";
import { ITEMS } from "./inspect_layout.js";

export function arrayItems(inspector, array, level) {
  const output = createList();
  const { length } = array;
  const most = MathMin(MathMax(0, inspector.options.maxArrayLength ?? Infinity), length);
  for (let i = 0; i < most; i++) {
    if (!hasOwn(array, i)) return sparseItems(inspector, array, level, most, output, i);
    add(output, inspector.property(array, level, i, ITEMS));
  }
  if (length > most) add(output, moreItems(length - most));
  return output;
}

function sparseItems(inspector, array, level, most, output, from) {
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
    add(output, inspector.property(array, level, at, ITEMS));
    index++;
  }
  const left = array.length - index;
  if (left > 0) add(output, output.length === most ? moreItems(left) : emptyItems(left));
  return output;
}

export function typedItems(inspector, array, length, level) {
  const output = createList();
  const most = MathMin(MathMax(0, inspector.options.maxArrayLength ?? Infinity), length);
  for (let i = 0; i < most; i++) add(output, inspector.primitive(array[i]));
  if (length > most) add(output, moreItems(length - most));
  if (inspector.options.showHidden) {
    inspector.indentation += 2;
    const names = ["BYTES_PER_ELEMENT", "length", "byteLength", "byteOffset", "buffer"];
    for (let i = 0; i < names.length; i++) {
      add(output, "[" + names[i] + "]: " + inspector.value(array[names[i]], level, true));
    }
    inspector.indentation -= 2;
  }
  return output;
}

export function setItems(inspector, set, level) {
  const output = createList();
  const most = inspector.options.maxArrayLength ?? Infinity;
  const values = SetPrototypeValues(set);
  inspector.indentation += 2;
  for (;;) {
    const { done, value } = SetIteratorNext(values);
    if (done) break;
    if (output.length >= most) {
      add(output, moreItems(SetPrototypeGetSize(set) - output.length));
      break;
    }
    add(output, inspector.value(value, level, false));
  }
  inspector.indentation -= 2;
  return output;
}

export function mapItems(inspector, map, level) {
  const output = createList();
  const most = inspector.options.maxArrayLength ?? Infinity;
  const entries = MapPrototypeEntries(map);
  inspector.indentation += 2;
  for (;;) {
    const { done, value } = MapIteratorNext(entries);
    if (done) break;
    if (output.length >= most) {
      add(output, moreItems(MapPrototypeGetSize(map) - output.length));
      break;
    }
    const key = inspector.value(value[0], level, false);
    add(output, key + " => " + inspector.value(value[1], level, false));
  }
  inspector.indentation -= 2;
  return output;
}

export function bytesItems(inspector, buffer) {
  const bytes = bytesOf(buffer);
  const length = TypedArrayGetLength(bytes);
  const most = MathMin(MathMax(0, inspector.options.maxArrayLength ?? Infinity), length);
  let text = "";
  for (let i = 0; i < most; i++) {
    const hex = NumberPrototypeToString(bytes[i], 16);
    text += (i === 0 ? "" : " ") + (hex.length < 2 ? "0" : "") + hex;
  }
  const left = length - most;
  if (left > 0) text += " ... " + left + " more byte" + (left > 1 ? "s" : "");
  return oneItem("[Uint8Contents]: <" + text + ">");
}

export function promiseItems(inspector, promise, level) {
  const details = core.getPromiseDetails(promise);
  if (details[0] === 0) return oneItem("<pending>");
  inspector.indentation += 2;
  const shown = inspector.value(details[1], level, false);
  inspector.indentation -= 2;
  return oneItem(details[0] === 2 ? "<rejected> " + shown : shown);
}

function moreItems(count) {
  return "... " + count + " more item" + (count > 1 ? "s" : "");
}

function emptyItems(count) {
  return "<" + count + " empty item" + (count > 1 ? "s" : "") + ">";
}
