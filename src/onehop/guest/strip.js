// Says where the types of TypeScript programs are; runs nothing of them.
//
// This is the thread at work in the stripper, a process of its own in the jail of a worker. It
// answers one question after another:
//
//     question   two numbers of four bytes, the first the length of what follows the second; the
//                second is the question's own; then the program as UTF-8
//     answer     one line: the question's number, a colon, and either "no", when it takes more than
//                to overwrite types, or for each UTF-16 unit of the program what becomes of it: "x",
//                it stays; a space, a semicolon, or one of the round brackets, it becomes that
//
// The compiler's own way to overwrite types does nearly all of it, but two statements that a type
// kept apart can become one. Where that might be, the answer is "no".

const { core } = Deno[Deno.internal];
// Deno's modules for Node ask for these as soon as the first is loaded, and the jail has neither.
Deno.execPath = () => "/deno";
Deno.cwd = () => "/";
const { stripTypeScriptTypes } = await import("node:module");
const OPTIONS = { mode: "strip" };
// With an export the compiler takes the text for a module, as it does the long way.
const TAIL = "\nexport{}";

const SPACE = 0x20, SLASH = 0x2f;
const NO_BREAK_SPACE = 0xa0, EN_SPACE = 0x2002, ZERO_WIDTH = 0xfeff;
const KEEP = 0x78, LINE_FEED = 0x0a, NO = core.encode("no");
const PUT = [0x3b, 0x28, 0x29]; // ; ( )
// Of these the compiler erases too much when a semicolon is missing, or forgets that an `if` needs
// a statement.
const UNSURE = /\b(?:declare|module|namespace)\b/;
/** A field of such a name goes on with the next member, on whatever line. */
const FIELD = /\b(?:get|set|static|async|accessor)\s*[?!]?\s*(?:[\n\r\u2028\u2029]|\/[/*])/;
/** What goes on with the statement before it, or the field, when nothing keeps it apart. */
const GOES_ON = /[([`+\-/*]|in\b|instanceof\b/y;
const HARMLESS = "),;={}]:|&";
/** `a + b as T * c` is no `a + b * c`. */
const BINDS_TIGHTER = /^(?:\??\.|[+\-*/%]|<<|>>)/;
/** Behind a type on the same line, these belong to what is before the type if it ends in those. */
const CALLED = /[([`]/;
const CALLABLE = /[>!?,]/;
const CAST = /\b(?:as|satisfies)\b/;
const WORD = /[\w$"'#\\\u0080-\uffff]/;
const MODIFIERS =
  /[\n\r\u2028\u2029]\s*(?:(?:abstract|override|private|protected|public|readonly)\s*)+$/;
const AFTER_LINES = /extends\b|implements\b/y;
const GAP = /(?:\s+|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/)*/y;
const LINE_END = /[\n\r\u2028\u2029]/;

/** Write what becomes of `code` to `mask`; false when it takes more. */
function strip(code, mask) {
  let text;
  try {
    text = stripTypeScriptTypes(code + TAIL, OPTIONS);
  } catch {
    return false;
  }
  const isWhole = text.length === code.length + TAIL.length && text.endsWith(TAIL);
  if (!isWhole || UNSURE.test(code) || (code.includes("class") && FIELD.test(code))) return false;
  return compare(code, text, mask.fill(KEEP));
}

/** Write where `text` differs from `code`; false when what is left may mean something else. */
function compare(code, text, mask) {
  const length = code.length;
  let group = -1; // where the edits start between which no token is left
  let isApart = false;
  for (let at = 0; at < length;) {
    const unit = text.charCodeAt(at);
    if (code.charCodeAt(at) === unit) {
      at++;
      continue;
    }
    if (group < 0) group = at;
    let end = at + 1;
    if (PUT.includes(unit)) {
      if (cutsWord(code, text, at)) return false;
      isApart = true;
      mask[at] = unit;
    } else {
      end = blankEnd(code, text, at);
      if (end === at) return false;
      mask.fill(SPACE, at, end);
    }
    const type = at;
    at = end;
    const next = skipGap(code, text, end);
    if (next < length && code.charCodeAt(next) !== text.charCodeAt(next)) continue;
    if (!isApart && mayJoin(code, group, type, end, next)) return false;
    group = -1;
    isApart = false;
  }
  return true;
}

/** Whether one character of a word is overwritten and the next one stays. */
function cutsWord(code, text, at) {
  return WORD.test(code.charAt(at)) && WORD.test(text.charAt(at + 1));
}

/** The end of what is blanked from `at` on, where only spaces are between. */
function blankEnd(code, text, at) {
  let end = at;
  for (let i = at;; i++) {
    const unit = text.charCodeAt(i);
    if (code.charCodeAt(i) === unit) {
      if (unit !== SPACE) return end;
    } else {
      if (!isBlank(unit)) return end;
      end = i + 1;
    }
  }
}

function isBlank(unit) {
  return unit === SPACE || unit === NO_BREAK_SPACE || unit === EN_SPACE || unit === ZERO_WIDTH;
}

/** Where the next token starts that is left, or the next edit. */
function skipGap(code, text, at) {
  let i = at;
  while (code.charCodeAt(i) === SPACE && text.charCodeAt(i) === SPACE) i++;
  const unit = text.charCodeAt(i);
  if (unit > SPACE && unit < NO_BREAK_SPACE && unit !== SLASH) return i;
  GAP.lastIndex = i;
  GAP.test(text);
  const end = GAP.lastIndex;
  while (i < end && code.charCodeAt(i) === text.charCodeAt(i)) i++;
  return i;
}

/**
 * Whether the token at `next` may go on with what stands before `start`, as it did not before:
 * from there to `end` nothing is left, and the last that was there is the one from `type` on.
 */
function mayJoin(code, start, type, end, next) {
  if (isLabelled(code, start) || isLate(code, start)) return true;
  if (next === code.length || HARMLESS.includes(code.charAt(next))) return false;
  const isLineEnd = LINE_END.test(code.slice(end, next));
  const last = code.charAt(end - 1);
  const isOver = isLineEnd || last === ";" || last === "}";
  if (BINDS_TIGHTER.test(code.slice(next, next + 2))) return last !== "!";
  GOES_ON.lastIndex = next;
  if (GOES_ON.test(code)) {
    const isCalled = CALLABLE.test(last) && !CAST.test(code.slice(type, end));
    const isFree = isOver || (CALLED.test(code.charAt(next)) && !isCalled);
    return isFree && !startsAfresh(code, start);
  }
  return !isOver && WORD.test(code.charAt(next)) && hidesLineEnd(code, start, end, next);
}

/** Whether a line end in a type stands now where a semicolon was missing. */
function hidesLineEnd(code, start, end, next) {
  AFTER_LINES.lastIndex = next;
  if (AFTER_LINES.test(code)) return false;
  const type = code.slice(start, end).replace(/^[^]*[;}]\s*/, "").replace(MODIFIERS, "");
  return LINE_END.test(type);
}

/** Whether what is erased starts right behind a colon: all that a label, or a case, stands for. */
function isLabelled(code, start) {
  return WORD.test(code.charAt(start)) && lastToken(code, start) === ":";
}

/** Whether it is a `!` on another line than what it belongs to. */
function isLate(code, start) {
  return code.charAt(start) === "!" && LINE_END.test(code.slice(lastIndex(code, start), start));
}

/** Whether the text before `start` is none, or ends in a `;` or `{` that is none of a comment's. */
function startsAfresh(code, start) {
  const last = lastToken(code, start);
  return last === "" || last === ";" || last === "{";
}

/** The last character before `start`, but for blanks; "?" if it may be in a comment. */
function lastToken(code, start) {
  const at = lastIndex(code, start);
  const line = code.slice(code.lastIndexOf("\n", at) + 1, at);
  return line.includes("//") ? "?" : code.charAt(at);
}

function lastIndex(code, start) {
  let at = start - 1;
  while (at >= 0 && code.charCodeAt(at) <= SPACE) at--;
  return at;
}

const inbox = new Uint8Array(1 << 17);
let filled = 0;

/** Wait until `count` bytes of the next question are there; false at the end of the input. */
function receive(count) {
  while (filled < count) {
    const read = Deno.stdin.readSync(inbox.subarray(filled));
    if (read === null) return false;
    filled += read;
  }
  return true;
}

const outbox = new Uint8Array(1 << 18);

function send(size) {
  for (let done = 0; done < size;) done += Deno.stdout.writeSync(outbox.subarray(done, size));
}

/** Write a line to the outbox, as far as it is text; return its size. */
function write(text) {
  const bytes = core.encode(text);
  outbox.set(bytes);
  outbox[bytes.length] = LINE_FEED;
  return bytes.length + 1;
}

const HEAD = 8;
const head = new DataView(inbox.buffer);

/** Write the answer to the question in the inbox, which is of `size` bytes; return its size. */
function answer(size) {
  const code = core.decode(inbox.subarray(HEAD, HEAD + size));
  const start = write(head.getUint32(4) + ":") - 1;
  let end = start + code.length;
  if (!strip(code, outbox.subarray(start, end))) {
    outbox.set(NO, start);
    end = start + NO.length;
  }
  outbox[end] = LINE_FEED;
  return end + 1;
}

function serve() {
  while (receive(HEAD)) {
    const size = head.getUint32(0);
    if (size > inbox.length - HEAD || !receive(HEAD + size)) return;
    send(answer(size));
    inbox.copyWithin(0, HEAD + size, filled);
    filled -= HEAD + size;
  }
}

const WARM_UP = `
interface Shape<T> { readonly area: number; scale(by: T): Shape<T> }
type Named = { name: string; größe?: number } & Partial<Record<"size", number>>;
abstract class Base implements Shape<number> {
  static made: number = 0;
  private readonly sides: number[] = [];
  #hidden?: Map<string, Set<Named>>;
  constructor(protected_: number, public_?: string) { Base.made++; this.sides!.push(protected_) }
  abstract scale(by: number): Base;
  private static of<T extends Base>(this: void, made: T): asserts made is T {}
  get area(): number { return (this.sides as number[]).reduce((a: number, b: number) => a * b, 1) }
}
function pick(a: string): string;
function pick<T, K extends keyof T>(a: T | null, key?: K): T[K] | undefined {
  // A comment that is between.
  const found = a?.[key!] as unknown as T[K]
  return found satisfies unknown;
}
export const total = async <T,>(all: readonly T[]): Promise<number> => all.length;
const rows = context.rows as Array<{ id: number; tags: string[] }>
;[...rows].sort((a, b): number => a.id - b.id);
const by = new Map<string, Named[]>(), out: Record<string, [number, string?]> = {};
for (const { id, tags } of rows as any) { if (id < 2 && tags.length > 1) out[\`\${id}\`] = [id as const] }
try { await total<Named>(rows!) } catch (error: unknown) { return (error as Error)!.message }
`;
const WARM_UP_TURNS = 200;

/** Have the code compiled and in memory that the first question needs. */
function warmUp() {
  const { written } = new TextEncoder().encodeInto(WARM_UP, inbox.subarray(HEAD));
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
    const size = answer(written);
    if (size < written / 2) throw new Error("the trial text was not stripped");
  }
}

warmUp();
send(write("ready"));
serve();
close();
