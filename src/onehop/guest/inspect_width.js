// How many columns a text takes in a terminal.

import {
  RegExpPrototypeExec,
  StringFromCodePoint,
  StringPrototypeCodePointAt,
} from "./primordials.js";

const FULL_WIDTH =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2fb}\u{1f200}-\u{1f320}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}\x00-\x1f\x7f-\x9f]/u;

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
