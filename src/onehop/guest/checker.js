// Checks programs before they run, and runs nothing of them.
//
// This is the thread at work in a checker, a process of its own in the jail of a worker, which serves
// one agent. The host sends TypeScript's own compiler and the declarations first, and then one
// question after another. A `facts` question is answered with what a program does with `tools`, as far
// as its text shows it: the host knows the tools, and judges. A `messages` question is answered with
// what TypeScript says of the types.

// deno-lint-ignore-file guest/globals guest/methods guest/iteration -- no guest runs in a checker

import { findError } from "./bodies.js";
import { receiveFrame, writeFrame } from "./frames.js";
import {
  HEAD,
  keepDeclarations,
  loadTypeScript,
  placeOf,
  readNames,
  readTypes,
  world,
} from "./checker_world.js";
import { Names } from "./checker_names.js";
import { Flow } from "./checker_flow.js";
import { missingAwaits } from "./checker_awaits.js";

const MOST_CALLS = 500;
const MOST_MESSAGES = 50;
const MOST_WORDS = 600;
/** What TypeScript says where a type is not written and cannot be inferred. */
const isImplicit = (code) => code >= 7005 && code < 7060;

// --- facts ---

const NOTHING = { syntax: null, calls: [], awaits: [], isCut: false };

function factsOf({ code, language }) {
  const program = readNames(code, language);
  const { file } = program;
  const syntax = syntaxOf(code, language, file);
  if (syntax !== null) return { ...NOTHING, syntax };
  const [main, ...others] = file.statements;
  if (!world.ts.isFunctionDeclaration(main) || others.length > 0) return NOTHING;
  const names = new Names(program);
  names.isTampered ||= file.parseDiagnostics.length > 0; // this tree is not the engine's
  const { certain } = new Flow(names, main);
  const calls = [];
  const awaits = [];
  for (const [node, path] of toolCalls(main, names)) {
    if (calls.length === MOST_CALLS) return { syntax, calls, awaits, isCut: true };
    calls.push({
      ...placeOf(file, node.expression.getStart(file)),
      path,
      ...argumentsOf(node, names),
      certain: certain.has(node),
      repeats: isRepeated(node, main),
    });
    for (const use of missingAwaits(node, names)) {
      awaits.push({ ...placeOf(file, use.getStart(file)), path });
    }
  }
  return { syntax, calls, awaits: awaits.slice(0, MOST_CALLS), isCut: false };
}

/** A mistake for which nothing of the code runs; in TypeScript its compiler has the last word. */
function syntaxOf(code, language, file) {
  if (language === "javascript") {
    const found = findError(code);
    return found && { message: found.words, line: found.line, column: found.column };
  }
  const [first] = [...file.parseDiagnostics, ...file.bindDiagnostics];
  return first === undefined ? null : { message: wordsOf(first), ...placeOf(file, first.start) };
}

/** @returns {Generator<[any, (string | null)[]]>} */
function* toolCalls(root, names) {
  const { ts } = world;
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (ts.isCallExpression(node)) {
      const path = names.pathOf(node.expression);
      if (path !== undefined && path.length > 0) yield [node, path];
    }
    const children = [];
    ts.forEachChild(node, (child) => void children.push(child));
    pending.push(...children.reverse());
  }
}

function argumentsOf(node, names) {
  const { ts } = world;
  if (node.arguments.some((each) => ts.isSpreadElement(each))) {
    return { count: -1, argument: ["u"] };
  }
  const [first] = node.arguments;
  return {
    count: node.arguments.length,
    argument: first === undefined ? ["x"] : names.literalOf(first),
  };
}

/** Whether a call may be made more than once: in a loop, or in a function that others may call. */
function isRepeated(node, main) {
  const { ts } = world;
  for (let inner = node; inner.parent !== main; inner = inner.parent) {
    const outer = inner.parent;
    if (ts.isIterationStatement(outer, false) && !isHead(inner, outer)) return true;
    if (ts.isFunctionLike(outer) && !isCalledOnce(outer)) return true;
  }
  return false;
}

/** What a loop evaluates once, before its first turn. */
function isHead(node, loop) {
  const { ts } = world;
  if (ts.isForStatement(loop)) return loop.initializer === node;
  return (ts.isForOfStatement(loop) || ts.isForInStatement(loop)) && loop.expression === node;
}

/** `(async () => { … })()`. */
function isCalledOnce(node) {
  const { ts } = world;
  let outer = node;
  while (ts.isParenthesizedExpression(outer.parent)) outer = outer.parent;
  return ts.isCallExpression(outer.parent) && outer.parent.expression === outer;
}

// --- messages ---

function messagesOf({ code, language, tools, context }) {
  const { program, file } = readTypes(code, language, { tools, context });
  const found = program.getSemanticDiagnostics(file);
  const ours = found.filter(({ code: number, start }) =>
    !isImplicit(number) && start !== undefined && start >= HEAD.length
  );
  return { messages: ours.slice(0, MOST_MESSAGES).map((each) => messageOf(each, file)) };
}

function messageOf(diagnostic, file) {
  return {
    ...placeOf(file, diagnostic.start),
    last: placeOf(file, diagnostic.start + diagnostic.length).line,
    code: diagnostic.code,
    message: wordsOf(diagnostic),
  };
}

function wordsOf({ messageText }) {
  return world.ts.flattenDiagnosticMessageText(messageText, " ").slice(0, MOST_WORDS);
}

// --- questions and answers ---

function answerTo(question) {
  try {
    return question.kind === "facts"
      ? { kind: "facts", ...factsOf(question) }
      : { kind: "messages", ...messagesOf(question) };
  } catch (thrown) {
    if (thrown instanceof RangeError) return { kind: "failed", reason: "it is nested too deeply" };
    return { kind: "failed", reason: "TypeScript's compiler failed on it" };
  }
}

function answer(question) {
  const { id, most } = question;
  const found = answerTo(question);
  if (!writeFrame({ id, ...found }, most)) {
    writeFrame({ id, kind: "failed", reason: "there is too much to say of it" });
  }
}

const WARM_UP = `
const { find } = tools.a;
const rows = await Promise.all([1, 2].map(async (id) => await tools.a.get({ id, deep: true })));
for (const row of rows) if (row.size > 2) await tools.a.put({ id: row.id, tags: ["x"] });
return (await find({ name: "n" })).map((each) => each.name);
`;

function start() {
  writeFrame({ id: 0, kind: "library" });
  loadTypeScript(receiveFrame() ?? "");
  keepDeclarations(JSON.parse(receiveFrame() ?? "{}"));
  for (const language of ["javascript", "typescript"]) {
    const facts = factsOf({ code: WARM_UP, language });
    if (facts.calls.length !== 3 || !facts.calls[0].certain) throw new Error("the trial failed");
  }
  writeFrame({ id: 0, kind: "ready" });
}

start();
for (let frame = receiveFrame(); frame !== null; frame = receiveFrame()) answer(JSON.parse(frame));
close();
