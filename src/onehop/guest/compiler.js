// Compiles TypeScript to JavaScript; runs nothing of either.
//
// This is the thread at work in a compiler, a process of its own in the jail of a worker, which
// serves one agent. It answers one question after another, in frames as docs/reference/protocol.md has them.
//
// swc, which is part of Deno, compiles nearly all programs, quickly. It leaves decorators and
// `accessor` as they are, and gets wrong what is declared in several parts. TypeScript's own compiler
// does all of it, but takes long to load, so it is asked only where swc may not be right. Whoever
// cannot tell asks it: that costs time, and nothing else.

// deno-lint-ignore-file guest/globals guest/methods guest/iteration -- no guest runs in a compiler

import { core } from "./primordials.js";
import { PositionMap } from "./positions.js";
import { findError } from "./bodies.js";
import { receiveFrame, writeFrame } from "./frames.js";

const { stripTypeScriptTypes } = await import("node:module");
/** @type {{mode: "transform", sourceMap: boolean}} */
const SWC_OPTIONS = { mode: "transform", sourceMap: true };
const MAP_COMMENT = /\n\/\/# sourceMappingURL=data:[\w/;=-]*base64,([\w+/=]*)\s*$/;

/** The text cannot run; `place` is in the TypeScript, or null. */
class Refusal {
  constructor(message, place) {
    this.message = message;
    this.line = place?.line ?? null;
    this.column = place?.column ?? null;
  }
}

class Compiled {
  constructor(code, map) {
    this.code = code;
    this.map = map;
  }
}

// --- swc ---

// How swc prints a namespace, an enum, and another part of an enum. Of what is declared in several
// parts, the names of one part are unknown to it in the others.
const NAMESPACE = /\|\| \([^\s()]+ = \{\}\)/;
const ENUM = "/*#__PURE__*/ function(";
const ANOTHER_PART = /^[^\S\n\r\u2028\u2029]*\}\)\([^\s()]+\);$/m;
// JavaScript ends a line there, and swc does not, so that its map is not right.
const RARE_LINE_ENDS = /[\u2028\u2029]/;

// A member of an enum whose value swc does not know: the next one becomes undefined, and a string
// gets a name of its own.
const NOT_CONSTANT = /\w\[[\w$]+\["(?:[^"\\]|\\.)*"\] = (?!-?[\d.]+(?:e[+-]?\d+)?\] = ")/;
// swc erases these, also where the code uses one as a value.
const CONST_ENUM = /\bconst\b[^;{}]{0,200}\benum\b/;

// Of these V8 refuses so many that none should be sent to a worker before.
const MODULE = /\b(?:import|export)\b/;

/** Whether swc may be wrong about `code`. */
function isHard(code, compiled) {
  return RARE_LINE_ENDS.test(code) || NAMESPACE.test(compiled) ||
    (compiled.includes(ENUM) && (ANOTHER_PART.test(compiled) || NOT_CONSTANT.test(compiled))) ||
    CONST_ENUM.test(code) ||
    (code.includes("@") && countDecorators(code) !== countDecorators(compiled));
}

/** Decorators or more: swc drops those that stand where none may. */
function countDecorators(text) {
  return withoutComments(text).split("@").length;
}

/** In time that grows with the text, however many comments are begun and not closed. */
function withoutComments(text) {
  const opening = /\/\*|\/\/.*/g;
  const last = text.lastIndexOf("*/");
  const kept = [];
  let from = 0;
  for (let found = opening.exec(text); found !== null; found = opening.exec(text)) {
    const { index } = found;
    if (found[0] === "/*") {
      if (index + 2 > last) continue;
      opening.lastIndex = text.indexOf("*/", index + 2) + 2;
    }
    kept.push(text.slice(from, index));
    from = opening.lastIndex;
  }
  return kept.join("") + text.slice(from);
}

/**
 * What swc makes of it: Compiled, a Refusal, or null when TypeScript's own compiler must say. Not
 * `checked`, it may be Compiled that V8 refuses: then it is asked for again.
 */
function compileBySwc(code, checked) {
  let compiled;
  try {
    compiled = transformBySwc(code);
  } catch (thrown) {
    return readRefusal(thrown);
  }
  if (compiled === null || isHard(code, compiled.code)) return null;
  if (!checked && !MODULE.test(code)) return compiled;
  const error = findError(compiled.code);
  if (error === null) return compiled;
  if (!isFinal(error.words, code)) return null;
  const refusal = refuse(error, compiled, code);
  // swc has put something of its own there, such as what it makes of `import a = require("b")`.
  return refusal.line === null ? null : refusal;
}

/** swc's JavaScript and its map; null when it may not be the program as it was sent. */
function transformBySwc(code) {
  if (endsInComment(code)) return null;
  const compiled = readOutput(stripTypeScriptTypes(code, SWC_OPTIONS));
  const renamed = newNames(compiled.code, code);
  if (renamed.length === 0) return compiled;
  // A variable of the same name as a global that the code uses is given a number by swc. It keeps
  // its name when the global is declared, too.
  const declared = "\nvar " + renamed.map((name) => name.replace(/(?<!\d)\d+$/, "")).join(", ") +
    ";";
  const more = readOutput(stripTypeScriptTypes(code + declared, SWC_OPTIONS));
  if (!more.code.endsWith(declared) || newNames(more.code, code).length > 0) return null;
  return new Compiled(more.code.slice(0, -declared.length), more.map);
}

/** Whether a comment at the end is not closed: swc says nothing, and drops it. */
function endsInComment(code) {
  if (code.indexOf("*/", code.lastIndexOf("/*") + 2) >= 0 || !code.includes("/*")) return false;
  const end = '\n;"the end";';
  return !stripTypeScriptTypes(code + end, { mode: "transform" }).includes(end.slice(2));
}

function readOutput(output) {
  const comment = MAP_COMMENT.exec(output);
  if (comment === null) throw new Error("swc gave no map");
  return new Compiled(output.slice(0, comment.index), JSON.parse(atob(comment[1])).mappings);
}

const NUMBERED_NAMES =
  /(?<![\w$\u0080-\uffff])[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*\d(?![\w$\u0080-\uffff])/g;

/** Names with a number that are in `text` and not in `code`. */
function newNames(text, code) {
  const known = new Set(code.match(NUMBERED_NAMES));
  const names = new Set(text.match(NUMBERED_NAMES));
  return [...names].filter((name) => !known.has(name));
}

/** swc's words and the place, which it shows as a stack does; null when it is no mistake. */
function readRefusal(thrown) {
  const message = String(thrown?.message);
  if (!message.startsWith("SyntaxError: ")) return null;
  const place = / at \S+:(\d+):(\d+)\s*$/m.exec(message);
  return new Refusal(
    message.slice("SyntaxError: ".length, message.indexOf("\n") >>> 0),
    place && { line: Number(place[1]), column: Number(place[2]) },
  );
}

// What V8 says of mistakes that another compiler would leave in the code too.
const MISTAKES =
  /already been declared|Missing initializer|only valid in async|Cannot use import statement/;

function isFinal(words, code) {
  // What is abstract, or the name of something else, may be exported.
  if (words === "Unexpected token 'export'") {
    return !/\babstract\b|\bimport\b|\bexport\s*=/.test(code);
  }
  return MISTAKES.test(words);
}

// --- V8 ---

function refuse({ words, line, column }, compiled, code) {
  const map = new PositionMap(compiled.map, compiled.code, code);
  return new Refusal(words, map.originalOf(line, column));
}

// --- TypeScript's own compiler ---

/**
 * TypeScript's own compiler, once it has been needed.
 * @type {{ts: any}}
 */
const loaded = { ts: null };

function loadTypeScript(text) {
  const [library, error] = core.evalContext(text + "\n;ts", "onehop:typescript.js");
  if (error !== null) throw error.thrown;
  loaded.ts = library;
}

/** The code has something that the compiler would drop, or leave, without a word. */
class Unfit extends Error {
  constructor(message, node) {
    super(message);
    this.start = node.getStart();
  }
}

function unfitModule(node) {
  const isImport = loaded.ts.isImportDeclaration(node) || loaded.ts.isImportEqualsDeclaration(node);
  return new Unfit(isImport ? "Cannot use import statement" : "Unexpected export", node);
}

function compileByTypeScript(code) {
  let result;
  try {
    result = loaded.ts.transpileModule(code, transpileOptions());
  } catch (thrown) {
    if (thrown instanceof Unfit) return new Refusal(thrown.message, locate(code, thrown.start));
    if (thrown instanceof RangeError) return new Refusal("The code is nested too deeply", null);
    throw thrown;
  }
  const [problem] = result.diagnostics;
  if (problem !== undefined) {
    const words = loaded.ts.flattenDiagnosticMessageText(problem.messageText, " ");
    return new Refusal(words, locate(code, problem.start));
  }
  const { mappings } = JSON.parse(result.sourceMapText);
  const text = withoutMapComment(result.outputText);
  const compiled = new Compiled(text, mappings);
  const error = findError(text);
  return error === null ? compiled : refuse(error, compiled, code);
}

/** The comment is the last line. */
function withoutMapComment(text) {
  const at = text.lastIndexOf("//# sourceMappingURL=");
  return at < 0 ? text : text.slice(0, text[at - 1] === "\n" ? at - 1 : at);
}

function transpileOptions() {
  return {
    fileName: "code.ts",
    reportDiagnostics: true,
    transformers: { before: [() => refuseUnfit], after: [(context) => leaveModules(context)] },
    compilerOptions: {
      target: loaded.ts.ScriptTarget.ES2022,
      module: loaded.ts.ModuleKind.ESNext,
      moduleDetection: loaded.ts.ModuleDetectionKind.Force, // so that `await` may be at the top
      isolatedModules: true,
      sourceMap: true,
      newLine: loaded.ts.NewLineKind.LineFeed,
    },
  };
}

function refuseUnfit(file) {
  refuseDecorators(file);
  for (const statement of file.statements) {
    const isRequire = loaded.ts.isImportEqualsDeclaration(statement) && !statement.isTypeOnly &&
      loaded.ts.isExternalModuleReference(statement.moduleReference);
    if (isRequire || (loaded.ts.isExportAssignment(statement) && statement.isExportEquals)) {
      throw unfitModule(statement);
    }
  }
  return file;
}

/** Decorators are for classes and their members. */
function refuseDecorators(node) {
  const found = node.modifiers?.find(loaded.ts.isDecorator);
  if (found && (loaded.ts.isParameter(node) || !loaded.ts.canHaveDecorators(node))) {
    throw new Unfit("Decorators are not valid here", found);
  }
  loaded.ts.forEachChild(node, refuseDecorators);
}

/** Types are gone: what is imported and exported still is a value, but for what is bare here. */
function leaveModules({ factory }) {
  return (file) => {
    const statements = file.statements.map((each) => bare(each, factory)).filter(Boolean);
    return factory.updateSourceFile(file, statements);
  };
}

function bare(statement, factory) {
  const original = loaded.ts.getOriginalNode(statement);
  if (loaded.ts.isExportDeclaration(statement) && exportsNothing(statement)) return null;
  const isExport = loaded.ts.getCombinedModifierFlags(statement) & loaded.ts.ModifierFlags.Export;
  if (isExport && mayBeExported(original)) return withoutModifiers(statement, factory);
  const isModule = loaded.ts.isImportDeclaration(statement) ||
    loaded.ts.isExportDeclaration(statement) ||
    loaded.ts.isExportAssignment(statement) || isExport;
  if (isModule) throw unfitModule(original);
  return statement;
}

function exportsNothing({ moduleSpecifier, exportClause }) {
  return moduleSpecifier === undefined && exportClause?.elements?.length === 0;
}

function mayBeExported(original) {
  const flags = loaded.ts.getCombinedModifierFlags(original);
  const isAbstract = flags & loaded.ts.ModifierFlags.Abstract &&
    !(flags & loaded.ts.ModifierFlags.Default);
  return isAbstract || loaded.ts.isImportEqualsDeclaration(original);
}

function withoutModifiers(node, factory) {
  if (loaded.ts.isVariableStatement(node)) {
    return factory.updateVariableStatement(node, [], node.declarationList);
  }
  return factory.updateClassDeclaration(
    node,
    [],
    node.name,
    node.typeParameters,
    node.heritageClauses,
    node.members,
  );
}

/** Where a character of the code is. */
function locate(code, offset) {
  const before = code.slice(0, offset).split(/\r\n|[\n\r\u2028\u2029]/);
  return { line: before.length, column: before.at(-1).length + 1 };
}

// --- questions and answers ---

function sendFrame(message, most = Infinity) {
  if (!writeFrame(message, most)) {
    writeFrame({ id: message.id, kind: "refused", ...new Refusal(TOO_LONG, null) });
  }
}

const TOO_LONG = "The code becomes too long when it is compiled to JavaScript";

function answer({ id, code, most, checked }) {
  let result = compileBySwc(code, checked);
  if (result === null) {
    if (loaded.ts === null) {
      sendFrame({ id, kind: "library" });
      loadTypeScript(receiveFrame());
    }
    result = compileByTypeScript(code);
  }
  sendFrame({ id, kind: result instanceof Compiled ? "compiled" : "refused", ...result }, most);
}

const WARM_UP = `
interface Shape<T> { readonly area: number; scale(by: T): Shape<T> }
type Named = { name: string; size?: number } & Partial<Record<"size", number>>;
enum Kind { Square = "square", Round = 2 }
abstract class Base implements Shape<number> {
  static made: number = 0;
  #hidden?: Map<string, Set<Named>>;
  constructor(protected side: number, public readonly kind: Kind = Kind.Square) { Base.made++; }
  abstract scale(by: number): Base;
  get area(): number { return this.side ** 2; }
}
function pick(a: string): string;
function pick<T, K extends keyof T>(a: T | null, key?: K): T[K] | undefined {
  const found = a?.[key!] as unknown as T[K];
  return found satisfies unknown;
}
const total = async <T,>(all: readonly T[]): Promise<number> => all.length;
const rows = context.rows as Array<{ id: number; tags: string[] }>;
for (const { id, tags } of rows as any) { if (id < 2 && tags.length > 1) out[\`\${id}\`] = [id as const] }
try { await total<Named>(rows!) } catch (error: unknown) { return (error as Error)!.message }
`;
/** Have the code in memory that the first question needs. */
function warmUp() {
  if (!(compileBySwc(WARM_UP, true) instanceof Compiled)) {
    throw new Error("the trial text is refused");
  }
}

warmUp();
sendFrame({ id: 0, kind: "ready" });
for (let frame = receiveFrame(); frame !== null; frame = receiveFrame()) answer(JSON.parse(frame));
close();
