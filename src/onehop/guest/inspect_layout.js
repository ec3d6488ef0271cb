// Entries put together: on one line where that is short enough, else each on its own or in columns.

import {
  createList,
  MathFloor,
  MathMax,
  MathMin,
  MathRound,
  MathSqrt,
  StringPrototypeRepeat,
} from "./primordials.js";
import { add, joinList } from "./inspect_lists.js";
import { displayWidth } from "./inspect_width.js";
import { has } from "./inspect_quotes.js";

// What the entries of a value are, which decides how they are joined.
export const FIELDS = 0;
export const ITEMS = 1;
export const ITEMS_AND_FIELDS = 2;

/** The entries on one line where that is short enough, else each on its own or in columns. */
export function joinEntries(inspector, output, shape, level, value) {
  const { base, open, close, kind } = shape;
  const { compact, breakLength } = inspector.options;
  const before = base === "" ? "" : base + " ";
  if (typeof compact === "number" && compact >= 1) {
    const entries = output.length;
    if (kind === ITEMS_AND_FIELDS && entries > 6) output = inColumns(inspector, output, value);
    if (inspector.currentDepth - level < compact && entries === output.length) {
      const start = output.length + inspector.indentation + open.length + base.length + 10;
      if (isShort(output, start, base, breakLength)) {
        const joined = joinList(output, ", ");
        if (!has(joined, "\n")) return before + open + " " + joined + " " + close;
      }
    }
  } else if (compact === true && isShort(output, 0, base, breakLength)) {
    return open + (base === "" ? "" : " " + base) + " " + joinList(output, ", ") + " " + close;
  }
  const indent = "\n" + StringPrototypeRepeat(" ", inspector.indentation);
  return before + open + indent + "  " + joinList(output, "," + indent + "  ") + indent + close;
}

/** Short entries of a long list, in columns of about equal width. */
function inColumns(inspector, output, value) {
  const { breakLength, compact, maxArrayLength } = inspector.options;
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
  if (most * 3 + inspector.indentation >= breakLength) return output;
  if (total / most <= 5 && widest > 6) return output;
  const biased = MathMax(most - 3 - MathSqrt(most - total / output.length), 1);
  const columns = MathMin(
    MathRound(MathSqrt(2.5 * biased * count) / biased),
    MathFloor((breakLength - inspector.indentation) / most),
    compact * 4,
    15,
  );
  if (columns <= 1) return output;
  const rows = drawRows(output, widths, count, columns, isNumeric(value, output.length));
  if (count < output.length) add(rows, output[count]);
  return rows;
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
