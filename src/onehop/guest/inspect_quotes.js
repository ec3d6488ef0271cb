// A text in quotes, with what a reader could not see escaped.

import {
  NumberPrototypeToString,
  RegExpPrototypeExec,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToUpperCase,
} from "./primordials.js";

const ESCAPED = /[\x00-\x1f'\\\x7f-\x9f\ud800-\udfff]/;

export function has(text, part) {
  return StringPrototypeIndexOf(text, part) >= 0;
}

/** A string in the quotes that need the fewest escapes. */
export function quoteText(text) {
  if (RegExpPrototypeExec(ESCAPED, text) === null) return "'" + text + "'";
  let mark = "'";
  if (has(text, "'")) {
    if (!has(text, '"')) mark = '"';
    else if (!has(text, "`") && !has(text, "${")) mark = "`";
  }
  return mark + escapeText(text, mark === "'" ? 39 : -1) + mark;
}

/** The text with control characters, backslashes, lone surrogates and `quote` escaped. */
export function escapeText(text, quoteCode) {
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

export function replaceNewlines(text, replacement) {
  let result = "";
  let start = 0;
  for (;;) {
    const end = StringPrototypeIndexOf(text, "\n", start);
    if (end < 0) return result + StringPrototypeSlice(text, start);
    result += StringPrototypeSlice(text, start, end) + replacement;
    start = end + 1;
  }
}
