// From a place in compiled JavaScript to the place in the TypeScript that it was made from.
//
// A map is the `mappings` of a source map (ECMA-426). Lines of the JavaScript are separated by
// semicolons, the segments of a line by commas. A segment is up to five numbers in base 64, each
// written as the difference to the one before: the column, the source (always the same), the line
// and the column in it, and a name. A segment of one number comes from nowhere: a compiler's own
// helper, for example.
//
// Compilers say where names and expressions start; V8 also reports operators, brackets and ends. So
// a place is looked for behind its segment as well, as far as both texts are the same but for blanks.

import {
  CapturedInt32Array,
  CapturedUint8Array,
  MathMin,
  StringPrototypeCharCodeAt,
} from "./primordials.js";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const COMMA = 0x2c, SEMICOLON = 0x3b;
const LINE_FEED = 0x0a, CARRIAGE_RETURN = 0x0d;
const BLANK = 0x20; // and all below
// An entry: line and column of the JavaScript, line and column of the TypeScript, from 0 on.
const ENTRY = 4;
const NOWHERE = -1;

/** @type {{ __proto__: null, values: Uint8Array | undefined }} */
const digits = { __proto__: null, values: undefined };

/** By character code, what a digit counts; most runs read no map. */
function digitValues() {
  if (digits.values === undefined) {
    digits.values = new CapturedUint8Array(128);
    for (let i = 0; i < DIGITS.length; i++) {
      digits.values[StringPrototypeCharCodeAt(DIGITS, i)] = i;
    }
  }
  return digits.values;
}

function isLineEnd(text, at) {
  const unit = StringPrototypeCharCodeAt(text, at);
  if (unit === CARRIAGE_RETURN) return StringPrototypeCharCodeAt(text, at + 1) !== LINE_FEED;
  return unit === LINE_FEED || unit === 0x2028 || unit === 0x2029;
}

/** A text, and where its lines start. */
class Lines {
  text;
  #starts;
  #count = 1;

  constructor(text) {
    this.text = text;
    let ends = 0;
    for (let at = 0; at < text.length; at++) if (isLineEnd(text, at)) ends++;
    this.#starts = new CapturedInt32Array(ends + 1);
    for (let at = 0; at < text.length; at++) {
      if (isLineEnd(text, at)) this.#starts[this.#count++] = at + 1;
    }
  }

  /** The offset of a place from 0 on; the text's length when it is beyond the end. */
  offset(line, column) {
    if (line >= this.#count) return this.text.length;
    return MathMin(this.#starts[line] + column, this.text.length);
  }

  /** The place of an offset, from 1 on. */
  place(offset) {
    let low = 0, high = this.#count;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle] <= offset) low = middle;
      else high = middle;
    }
    return { __proto__: null, line: low + 1, column: offset - this.#starts[low] + 1 };
  }
}

export class PositionMap {
  #text;
  #compiled;
  #original;
  #at = 0;
  #entries;
  #size = 0;
  /** Of the last segment: column, source, line and column in it, name. */
  #last = new CapturedInt32Array(5);

  /**
   * @param {string} text the map, which leads from one text to the other.
   * @param {string} compiled
   * @param {string} original
   */
  constructor(text, compiled, original) {
    this.#text = text;
    this.#compiled = new Lines(compiled);
    this.#original = new Lines(original);
    this.#entries = new CapturedInt32Array(ENTRY * this.#countSegments());
    this.#readLines();
  }

  /**
   * Where a place of the JavaScript comes from; lines and columns start at 1.
   * @param {number} line
   * @param {number} column
   * @returns {Place | null} null when it comes from nowhere.
   */
  originalOf(line, column) {
    const entries = this.#entries;
    const found = ENTRY * this.#countUpTo(line - 1, column - 1) - ENTRY;
    if (found < 0 || entries[found] !== line - 1 || entries[found + 2] < 0) return null;
    const start = this.#compiled.offset(line - 1, entries[found + 1]);
    const end = this.#compiled.offset(line - 1, column - 1);
    const from = this.#original.offset(entries[found + 2], entries[found + 3]);
    return this.#original.place(this.#follow(start, end, from));
  }

  /** The offset in the TypeScript of `end`, which is `from` for `start`, as far as can be told. */
  #follow(start, end, from) {
    let at = start;
    let place = from;
    while (at < end && this.#isSame(at, place)) {
      at = skipBlanks(this.#compiled.text, at + 1);
      place = skipBlanks(this.#original.text, place + 1);
    }
    return at === end && this.#isSame(at, place) ? place : from;
  }

  #isSame(at, place) {
    const unit = StringPrototypeCharCodeAt(this.#compiled.text, at);
    return unit === StringPrototypeCharCodeAt(this.#original.text, place);
  }

  /** How many entries are at or before a place: they are in order. */
  #countUpTo(line, column) {
    let low = 0, high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isUpTo(ENTRY * middle, line, column)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isUpTo(at, line, column) {
    const entryLine = this.#entries[at];
    return entryLine < line || (entryLine === line && this.#entries[at + 1] <= column);
  }

  #countSegments() {
    let count = 1;
    for (let i = 0; i < this.#text.length; i++) {
      const unit = StringPrototypeCharCodeAt(this.#text, i);
      if (unit === COMMA || unit === SEMICOLON) count++;
    }
    return count;
  }

  #readLines() {
    let line = 0;
    while (this.#at < this.#text.length) {
      const unit = StringPrototypeCharCodeAt(this.#text, this.#at);
      if (unit !== SEMICOLON && unit !== COMMA) {
        this.#keep(line, this.#readSegment());
        continue;
      }
      this.#at++;
      if (unit === SEMICOLON) {
        line++;
        this.#last[0] = 0;
      }
    }
  }

  /** Add the segment's numbers to the last ones; return how many it has. */
  #readSegment() {
    let count = 0;
    while (this.#at < this.#text.length && count < 5) {
      const unit = StringPrototypeCharCodeAt(this.#text, this.#at);
      if (unit === COMMA || unit === SEMICOLON) break;
      this.#last[count] += this.#readNumber();
      count++;
    }
    return count;
  }

  /** Five bits a digit, the lowest first; the sign is the lowest bit of all. */
  #readNumber() {
    const values = digitValues();
    let value = 0, shift = 0, digit;
    do {
      digit = values[StringPrototypeCharCodeAt(this.#text, this.#at++)] ?? 0;
      value |= (digit & 31) << shift;
      shift += 5;
    } while (digit & 32 && shift < 32);
    return value & 1 ? -(value >>> 1) : value >>> 1;
  }

  #keep(line, count) {
    const at = ENTRY * this.#size++;
    const isMapped = count >= 4 && this.#last[2] >= 0 && this.#last[3] >= 0;
    this.#entries[at] = line;
    this.#entries[at + 1] = this.#last[0];
    this.#entries[at + 2] = isMapped ? this.#last[2] : NOWHERE;
    this.#entries[at + 3] = isMapped ? this.#last[3] : NOWHERE;
  }
}

function skipBlanks(text, at) {
  while (at < text.length && StringPrototypeCharCodeAt(text, at) <= BLANK) at++;
  return at;
}
