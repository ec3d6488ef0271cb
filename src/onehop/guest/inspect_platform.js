// Objects of Deno's own classes as text: two as in Node, the others as Deno shows them.

import {
  createList,
  DENO_CUSTOM,
  MathMax,
  ObjectDefineProperty,
  StringPrototypeRepeat,
} from "./primordials.js";
import { inspectByPlatform, isOfPlatform, readSearch, readUrl } from "./platform.js";
import { add, joinList } from "./inspect_lists.js";
import { quoteText } from "./inspect_quotes.js";

const QUOTES = ["'", '"', "`"];

/** Deno may look into iterators without taking their values, and knows its own classes. */
export function inspectByDeno(value, depth) {
  const options = { __proto__: null, colors: false, depth, breakLength: 80, compact: 3 };
  options.quotes = QUOTES;
  return inspectByPlatform(value, options);
}

/** Null for any other object. */
export function shownByPlatform(inspector, object, level) {
  const parts = urlParts(object);
  if (parts !== null) {
    if (level > inspector.depth || !inspector.options.customInspect) {
      return inspector.nameOfClass(object, level) + " {}";
    }
    const options = { ...inspector.options, depth: inspector.depth - level };
    const shown = inspector.inspectAnew(parts, options);
    return inspector.nameOfClass(object, level) + " " + inspector.indent(shown);
  }
  const pairs = readSearch(object);
  if (pairs !== null) return searchParamsText(inspector, object, pairs, level);
  if (!isOfPlatform(object, DENO_CUSTOM)) return null;
  return inspector.indent(inspectByDeno(object, MathMax(0, inspector.depth - level)));
}

function searchParamsText(inspector, object, pairs, level) {
  const name = inspector.nameOfClass(object, level);
  if (!inspector.options.customInspect) return name + " {}";
  if (level > inspector.depth) return "[Object]";
  const output = createList();
  let length = -2;
  for (let i = 0; i < pairs.length; i += 2) {
    const pair = quoteText(pairs[i]) + " => " + quoteText(pairs[i + 1]);
    add(output, pair);
    length += pair.length + 2;
  }
  if (output.length === 0) return name + " {}";
  if (length <= inspector.options.breakLength) return name + " { " + joinList(output, ", ") + " }";
  const indent = "\n" + StringPrototypeRepeat(" ", inspector.indentation) + "  ";
  return name + " {" + indent + joinList(output, "," + indent) + " }";
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
