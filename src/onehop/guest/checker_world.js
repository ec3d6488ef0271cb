// What a checker checks in: TypeScript's own compiler, the declarations of the language and of the
// sandbox, and one program at a time. There are no other files, whatever a program refers to.

// deno-lint-ignore-file guest/globals guest/methods guest/iteration -- no guest runs in a checker

import { core } from "./primordials.js";

/**
 * @type {{ts: any, texts: Record<string, string>, files: Map<string, any>, last: Map<string, any>}}
 */
export const world = { ts: null, texts: {}, files: new Map(), last: new Map() };

export const HEAD = "async function __run__() {";
const TAIL = "\n}";
const GIVEN = "/given.d.ts";
const TOOLS = "/tools.d.ts";
const GUEST = "/guest.d.ts";
const LIBRARY = "lib.esnext.d.ts";
/** All that names of a program can mean beside its own, where types do not matter. */
const BARE_NAMES = "declare const tools: any, context: any, Promise: any;";

/** @param {string} text TypeScript's own compiler */
export function loadTypeScript(text) {
  const [library, error] = core.evalContext(text + "\n;ts", "onehop:typescript.js");
  if (error !== null) throw error.thrown;
  world.ts = library;
}

/** Declarations of the language and of the sandbox, by file name; parsed when they are needed. */
export function keepDeclarations(texts) {
  world.texts = texts;
}

/** The program alone: its syntax and what its names mean. */
export function readNames(code, language) {
  const given = new Map([[GIVEN, BARE_NAMES]]);
  return readProgram(code, language, given, { noLib: true, noResolve: true });
}

/** The program with all types: `tools` and `context` are declarations. */
export function readTypes(code, language, { tools, context }) {
  const given = new Map([[TOOLS, tools], [GIVEN, context]]);
  const strict = language === "typescript";
  return readProgram(code, language, given, {
    lib: [LIBRARY],
    strict, // with implicit types, so that a variable takes the types of what is assigned to it
    useUnknownInCatchVariables: false,
    key: "types of " + language,
  });
}

function readProgram(code, language, given, { key = "", ...options }) {
  const { ts } = world;
  const isTypeScript = language === "typescript";
  const name = isTypeScript ? "/code.ts" : "/code.js";
  const kind = isTypeScript ? ts.ScriptKind.TS : ts.ScriptKind.JS;
  const file = ts.createSourceFile(name, HEAD + code + TAIL, SOURCE_OPTIONS(), true, kind);
  const files = new Map([[name, file]]);
  for (const [path, text] of given) files.set(path, sourceOf(path, text));
  const program = ts.createProgram({
    rootNames: [...(key === "" ? [] : [GUEST]), ...given.keys(), name],
    options: { ...commonOptions(), allowJs: !isTypeScript, checkJs: !isTypeScript, ...options },
    host: hostOf(files),
    oldProgram: world.last.get(key),
  });
  if (key !== "") world.last.set(key, program);
  return { program, file, given: files.get(GIVEN), checker: program.getTypeChecker() };
}

const SOURCE_OPTIONS = () => ({ languageVersion: world.ts.ScriptTarget.ESNext });

function commonOptions() {
  const { ts } = world;
  return {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    types: [],
    noEmit: true,
    skipLibCheck: true,
    experimentalDecorators: false,
    allowUnreachableCode: true,
    allowUnusedLabels: true,
    maxNodeModuleJsDepth: 0,
  };
}

function sourceOf(path, text) {
  return world.ts.createSourceFile(path, text, SOURCE_OPTIONS());
}

/** A world of these files and of the declarations, and nothing else. */
function hostOf(files) {
  const find = (path) => files.get(path) ?? declarationsOf(path);
  return {
    fileExists: (path) => find(path) !== undefined,
    readFile: () => undefined,
    getSourceFile: find,
    getDefaultLibFileName: () => "/" + LIBRARY,
    getDefaultLibLocation: () => "/",
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    getDirectories: () => [],
    writeFile: () => {},
  };
}

function declarationsOf(path) {
  const name = path.slice(1);
  if (!Object.hasOwn(world.texts, name)) return undefined;
  if (!world.files.has(name)) world.files.set(name, sourceOf(path, world.texts[name]));
  return world.files.get(name);
}

/** Where a character of the parsed text is in the code; places count from 1, as V8 counts. */
export function placeOf(file, offset) {
  const { line, character } = file.getLineAndCharacterOfPosition(offset);
  const column = line === 0 ? character - HEAD.length : character;
  return { line: line + 1, column: Math.max(0, column) + 1 };
}
