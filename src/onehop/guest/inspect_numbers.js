// Numbers as text, with their digits in groups where the reader wants them so.

import { StringPrototypeIndexOf, StringPrototypeSlice } from "./primordials.js";
import { numberText } from "./console.js";

/**
 * @param {number} number
 * @param {boolean} inGroups
 */
export function shownNumber(number, inGroups) {
  const text = numberText(number);
  if (!inGroups || number - number !== 0 || StringPrototypeIndexOf(text, "e") >= 0) return text;
  const point = StringPrototypeIndexOf(text, ".");
  if (point < 0) return grouped(text);
  const whole = grouped(StringPrototypeSlice(text, 0, point));
  return whole + "." + groupedFromLeft(StringPrototypeSlice(text, point + 1));
}

/**
 * @param {bigint} number
 * @param {boolean} inGroups
 */
export function shownBigInt(number, inGroups) {
  return (inGroups ? grouped("" + number) : number) + "n";
}

function grouped(digits) {
  const start = digits[0] === "-" ? 1 : 0;
  let text = "";
  let at = digits.length;
  for (; at >= start + 4; at -= 3) text = "_" + StringPrototypeSlice(digits, at - 3, at) + text;
  return StringPrototypeSlice(digits, 0, at) + text;
}

function groupedFromLeft(digits) {
  let text = "";
  let at = 0;
  for (; at < digits.length - 3; at += 3) text += StringPrototypeSlice(digits, at, at + 3) + "_";
  return text + StringPrototypeSlice(digits, at);
}
