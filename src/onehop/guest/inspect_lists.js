// Lists of texts, as inspection makes them: without a setter of the guest's on the way.

import { createList, ReflectApply } from "./primordials.js";

export function add(list, item) {
  list[list.length] = item;
}

export function joinList(list, separator) {
  let text = "";
  for (let i = 0; i < list.length; i++) text += i === 0 ? list[i] : separator + list[i];
  return text;
}

export function contains(list, item) {
  for (let i = 0; i < list.length; i++) if (list[i] === item) return true;
  return false;
}

export function oneItem(text) {
  const output = createList();
  output[0] = text;
  return output;
}

export function withFirst(first, rest) {
  const all = createList();
  for (let i = 0; i < first.length; i++) add(all, first[i]);
  for (let i = 0; i < rest.length; i++) add(all, rest[i]);
  return all;
}

/** Sort the entries from `start` on by their text; they are few. */
export function sortList(list, start, sorted) {
  const isAfter = (one, other) =>
    typeof sorted === "function" ? ReflectApply(sorted, undefined, [one, other]) > 0 : one > other;
  for (let i = start + 1; i < list.length; i++) {
    const item = list[i];
    let j = i;
    for (; j > start && isAfter(list[j - 1], item); j--) list[j] = list[j - 1];
    list[j] = item;
  }
}
