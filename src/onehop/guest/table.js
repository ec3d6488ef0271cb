// The console's tables, as Node draws them.

import {
  ArrayIsArray,
  CapturedString,
  CapturedTypeError,
  core,
  createList,
  isObject,
  listOf,
  MapIteratorNext,
  MapPrototypeEntries,
  MathMax,
  ObjectDefineProperty,
  ObjectKeys,
  ObjectPrototypeHasOwnProperty,
  plainArray,
  SetIteratorNext,
  SetPrototypeValues,
  StringPrototypeIndexOf,
  StringPrototypeRepeat,
  StringPrototypeSlice,
  TypedArrayGetLength,
} from "./primordials.js";
import { inspect } from "./second.js";
import { briefly, cut, hasOwn } from "./errors.js";
import { emit, format, inspectSafely, LOG, MAX_TEXT, Text } from "./console.js";
import { add } from "./inspect_lists.js";
import { displayWidth } from "./inspect_width.js";
import { MAX_LISTED } from "./inspect_keys.js";
import { inspectByDeno } from "./inspect_platform.js";

// A cell takes four characters at least: more of them, in a row or in all, would be cut off.
const MAX_CELLS = MAX_TEXT / 4;

/** Throw what Node throws for a filter of columns that is not a list. */
export function refuseColumns(given) {
  const error = new CapturedTypeError(
    'The "properties" argument must be an instance of Array. Received ' + typeInWords(given),
  );
  ObjectDefineProperty(error, "code", {
    __proto__: null,
    value: "ERR_INVALID_ARG_TYPE",
    writable: true,
    enumerable: true,
    configurable: true,
  });
  throw error;
}

function typeInWords(value) {
  if (value === null) return "null";
  if (typeof value === "function") return "function " + value.name;
  if (typeof value === "object") {
    const name = value.constructor?.name;
    return name ? "an instance of " + name : inspect(value, -1);
  }
  const text = typeof value === "string"
    ? inspect(shorten(value), -1)
    : shorten(inspect(value, -1));
  return "type " + typeof value + " (" + text + ")";
}

function shorten(text) {
  return text.length > 28 ? StringPrototypeSlice(text, 0, 25) + "..." : text;
}

export function logTable(args) {
  const { 0: data, 1: wanted } = args;
  if (typeof data !== "object" || data === null) return emit(LOG, format(plainArray([data])));
  const text = new Text();
  try {
    text.append(drawTable(columnsOf(data, ArrayIsArray(wanted) ? wanted : null)));
  } catch (thrown) {
    text.append("[Threw: " + briefly(thrown) + "]");
  }
  emit(LOG, text.toText());
}

function cell(value) {
  const isWide = typeof value === "object" && value !== null && !ArrayIsArray(value) &&
    ObjectKeys(value).length > 2;
  const more = { __proto__: null, maxArrayLength: 3, breakLength: Infinity };
  return cut(inspectSafely(value, isWide ? -1 : 0, more), 1000);
}

/** A column, whose cells are put in by row; a row may have none. */
function column(title) {
  return { __proto__: null, title, cells: createList() };
}

/** The columns of a table, and how many rows there are. */
function columnsOf(data, wanted) {
  if (core.isMap(data)) return columnsOfPairs(MapPrototypeEntries(data), MapIteratorNext);
  if (core.isSet(data)) return columnsOfValues(SetPrototypeValues(data), SetIteratorNext);
  // These are used up: there is no other way to what they have left.
  if (core.isSetIterator(data)) return columnsOfValues(data, SetIteratorNext, isOfPairs(data));
  if (core.isMapIterator(data)) {
    const columns = isOfPairs(data) ? columnsOfPairs : columnsOfValues;
    return columns(data, MapIteratorNext);
  }
  return columnsOfFields(data, wanted);
}

function isOfPairs(iterator) {
  return StringPrototypeIndexOf(inspectByDeno(iterator, 0), " Entries]") >= 0;
}

function columnsOfPairs(iterator, next) {
  const index = column("(iteration index)");
  const keys = column("Key");
  const values = column("Values");
  for (let rows = 0; 3 * rows < MAX_CELLS; rows++) {
    const { done, value: pair } = next(iterator);
    if (done) break;
    index.cells[rows] = "" + rows;
    keys.cells[rows] = cell(pair[0]);
    values.cells[rows] = cell(pair[1]);
  }
  return listOf(index, keys, values);
}

/** `areSplit`: Node takes the pairs of a Set's entries apart. */
function columnsOfValues(iterator, next, areSplit = false) {
  const index = column("(iteration index)");
  const values = column("Values");
  for (let rows = 0; 2 * rows < MAX_CELLS; rows++) {
    const { done, value } = next(iterator);
    if (done) break;
    index.cells[rows] = "" + rows;
    values.cells[rows] = cell(areSplit ? value[0] : value);
    if (!areSplit) continue;
    index.cells[++rows] = "" + rows;
    values.cells[rows] = cell(value[1]);
  }
  return listOf(index, values);
}

function columnsOfFields(data, wanted) {
  const index = column("(index)");
  const values = column("Values");
  // An object, because it puts the columns in the order that Node has: indexes first.
  const fields = { __proto__: null };
  const labels = labelsOf(data);
  let widest = 1;
  for (let row = 0; row < labels.length && row * widest < MAX_CELLS; row++) {
    index.cells[row] = labels[row];
    const value = data[labels[row]];
    const keys = wanted ?? (isObject(value) ? ObjectKeys(value) : null);
    if (keys === null) values.cells[row] = cell(value);
    else fillRow(fields, row, isObject(value) ? value : null, keys);
    widest = MathMax(widest, 1 + (keys?.length ?? 1));
  }
  const columns = listOf(index);
  const titles = ObjectKeys(fields);
  for (let i = 0; i < titles.length; i++) columns[columns.length] = fields[titles[i]];
  if (values.cells.length > 0) columns[columns.length] = values;
  return columns;
}

/** The keys of the rows; of a long list, only as many as are drawn. */
function labelsOf(data) {
  const length = core.isTypedArray(data) ? TypedArrayGetLength(data) : data.length;
  const isLong = (ArrayIsArray(data) || core.isTypedArray(data)) && length > MAX_LISTED;
  if (!isLong) return ObjectKeys(data);
  const labels = createList();
  for (let i = 0; labels.length < MAX_CELLS && i < MAX_LISTED; i++) {
    if (hasOwn(data, i)) add(labels, "" + i);
  }
  return labels.length < MAX_CELLS ? ObjectKeys(data) : labels;
}

function fillRow(fields, row, object, keys) {
  for (let i = 0; i < keys.length && i < MAX_CELLS; i++) {
    const key = typeof keys[i] === "string" ? keys[i] : CapturedString(keys[i]);
    fields[key] ??= column(key);
    if (object !== null && ObjectPrototypeHasOwnProperty(object, key)) {
      fields[key].cells[row] = cell(object[key]);
    }
  }
}

function drawTable(columns) {
  const rowCount = columns[0].cells.length;
  const widths = createList();
  for (let i = 0; i < columns.length; i++) widths[i] = widthOfColumn(columns[i], rowCount) + 2;
  let text = drawRule(widths, "┌", "┬", "┐\n") + drawRow(columns, widths, -1) +
    drawRule(widths, "├", "┼", "┤\n");
  for (let row = 0; row < rowCount && text.length <= 2 * MAX_TEXT; row++) {
    text += drawRow(columns, widths, row);
  }
  return text + drawRule(widths, "└", "┴", "┘");
}

function widthOfColumn({ title, cells }, rowCount) {
  let width = displayWidth(title);
  for (let row = 0; row < rowCount; row++) {
    const needed = displayWidth(cells[row] ?? "");
    if (needed > width) width = needed;
  }
  return width;
}

function drawRule(widths, left, middle, right) {
  let text = left;
  for (let i = 0; i < widths.length; i++) {
    text += (i === 0 ? "" : middle) + StringPrototypeRepeat("─", widths[i]);
  }
  return text + right;
}

function drawRow(columns, widths, row) {
  let text = "│";
  for (let i = 0; i < columns.length; i++) {
    const content = row < 0 ? columns[i].title : columns[i].cells[row] ?? "";
    const padding = widths[i] - 1 - displayWidth(content);
    text += " " + content + StringPrototypeRepeat(" ", padding) + "│";
  }
  return text + "\n";
}
