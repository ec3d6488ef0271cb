// Colours for code: reads each character once, and changes no character of it.
"use strict";

const KEYWORDS = new Set(("abstract as async await break case catch class const continue debugger declare default " +
  "delete do else enum export extends false finally for from function get if implements import in instanceof " +
  "interface is keyof let new null of private protected public readonly return satisfies set static super switch " +
  "this throw true try type typeof undefined var void while with yield").split(" "));
const WORD = /[\p{L}\p{N}_$]/u;
const MOST = 200_000; // characters that are coloured

// Tokens of one line; `state` is what the line before left open: "", "comment" or "template".
function tokens(text, state) {
  const found = [];
  let place = 0;
  const take = (kind, end) => { found.push([kind, text.slice(place, end)]); place = end; };
  const until = (mark, from) => {
    for (let at = from; at < text.length; at += 1) {
      if (text[at] === "\\" && mark !== "*/") at += 1;
      else if (text.startsWith(mark, at)) return at + mark.length;
    }
    return -1;
  };
  const enclosed = (kind, mark, from, open) => {
    const end = until(mark, from);
    state = end < 0 ? open : "";
    take(kind, end < 0 ? text.length : end);
  };
  if (state === "comment") enclosed("c", "*/", 0, "comment");
  else if (state === "template") enclosed("s", "`", 0, "template");
  while (place < text.length) {
    const here = text[place];
    if (text.startsWith("//", place)) take("c", text.length);
    else if (text.startsWith("/*", place)) enclosed("c", "*/", place + 2, "comment");
    else if (here === '"' || here === "'") enclosed("s", here, place + 1, "");
    else if (here === "`") enclosed("s", "`", place + 1, "template");
    else {
      let end = place + 1;
      if (WORD.test(here)) {
        while (end < text.length && WORD.test(text[end])) end += 1;
        const word = text.slice(place, end);
        take(/^\d/.test(word) ? "n" : KEYWORDS.has(word) ? "k" : "", end);
      } else {
        while (end < text.length && !WORD.test(text[end]) && !"\"'`/".includes(text[end])) end += 1;
        take("", end);
      }
    }
  }
  return [found, state];
}

function colour(node, state) {
  const [found, next] = tokens(node.data, state);
  const parts = found.map(([kind, text]) => {
    if (!kind) return document.createTextNode(text);
    const span = document.createElement("span");
    span.className = `t-${kind}`;
    span.textContent = text;
    return span;
  });
  node.replaceWith(...parts);
  return next;
}

for (const table of document.querySelectorAll("table[data-language]")) {
  let state = "";
  let left = MOST;
  for (const line of table.querySelectorAll("tr:not(.remark) td > code")) {
    if ((left -= line.textContent.length) < 0) break;
    for (const node of [...line.childNodes]) if (node.nodeType === Node.TEXT_NODE) state = colour(node, state);
  }
}
