// What a program may change of what the check relies on: `tools`, `Promise`, what lists and promises
// do, what a list holds, and how a promise ends.
//
// All that is not on a list of harmless forms may change it. Then nothing is certain, and the run tells.

// deno-lint-ignore-file guest/globals guest/methods -- no guest runs in a checker

import { world } from "./checker_world.js";
import { bare, isInClass, isMemberName, isWritten, outermost } from "./checker_syntax.js";

/** Names that reach the global object, or make code of a text. */
const GLOBAL_OBJECTS = new Set(
  "globalThis self window global eval Function Reflect".split(" "),
);
/** Names of members that lead to what all lists and all promises have in common. */
const SHARED = new Set(
  ("prototype __proto__ constructor getPrototypeOf setPrototypeOf " +
    "__defineGetter__ __defineSetter__").split(" "),
);
const COMMON = new Set(["hasOwnProperty", "toString"]);
const OF_PROMISE = new Set("all allSettled any race resolve reject withResolvers try".split(" "));
/** Methods of a list that leave it as it is, by the number of arguments before the list itself that
 * they call a function with; 0 where they call none. */
const READS = new Map(Object.entries({
  ...{ map: 2, filter: 2, forEach: 2, flatMap: 2, some: 2, every: 2, find: 2, findIndex: 2 },
  ...{ findLast: 2, findLastIndex: 2, reduce: 3, reduceRight: 3 },
  ...{
    slice: 0,
    includes: 0,
    join: 0,
    indexOf: 0,
    at: 0,
    entries: 0,
    keys: 0,
    values: 0,
    concat: 0,
  },
}));
/** Functions of the language that leave alone what they are called with. */
const CONVERSIONS = new Set("Number String Boolean parseInt parseFloat".split(" "));
const WAITS = new Set(["then", "catch", "finally"]);

// --- what all of the program relies on ---

/** Whether a node may put something else in the place of what the language or the sandbox gives. */
export function mayChangeGlobals(node, names) {
  const { ts } = world;
  if (ts.isWithStatement(node)) return true;
  if (node.kind === ts.SyntaxKind.ThisKeyword) return !isInClass(node);
  if (ts.isStringLiteralLike(node)) return SHARED.has(node.text);
  if (ts.isElementAccessExpression(node)) return isHidden(node, names);
  if (!ts.isIdentifier(node) || ts.isPartOfTypeNode(node)) return false;
  if (SHARED.has(node.text)) return !isCommonCall(node);
  if (GLOBAL_OBJECTS.has(node.text)) return !isMemberName(node);
  return node.text === "Promise" && !isMemberName(node) && names.isGiven(node, "Promise") &&
    !leavesGivenPromise(node);
}

/** `Object[name]`, where only the run can tell the name. */
function isHidden({ expression, argumentExpression }, names) {
  const { ts } = world;
  const node = bare(expression);
  return ts.isIdentifier(node) && !ts.isStringLiteralLike(argumentExpression) &&
    !ts.isNumericLiteral(argumentExpression) && isOfLanguage(node, names);
}

function isOfLanguage(identifier, names) {
  return !names.symbolOf(identifier)?.declarations?.length;
}

/** `Object.prototype.hasOwnProperty.call(…)`. */
function isCommonCall(node) {
  const { ts } = world;
  const object = node.parent;
  const member = object.parent;
  const caller = member?.parent;
  return ts.isPropertyAccessExpression(object) && object.name === node &&
    node.text === "prototype" && object.expression.text === "Object" &&
    ts.isPropertyAccessExpression(member) && COMMON.has(member.name.text) &&
    ts.isPropertyAccessExpression(caller) && caller.name.text === "call" && isCalled(caller);
}

function leavesGivenPromise(node) {
  const { ts } = world;
  const { parent } = node;
  if (ts.isNewExpression(parent)) return parent.expression === node;
  if (ts.isTypeOfExpression(parent)) return true;
  if (ts.isBinaryExpression(parent)) {
    return parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword;
  }
  return ts.isPropertyAccessExpression(parent) && OF_PROMISE.has(parent.name.text) &&
    isCalled(parent);
}

/** Whether the value of an expression is called, and goes nowhere else. */
function isCalled(node) {
  const outer = outermost(node);
  return world.ts.isCallExpression(outer.parent) && outer.parent.expression === outer;
}

// --- lists ---

/** Whether the use of a list leaves it as it is, and hands it to nobody. */
export function leavesList(identifier, names) {
  const { ts } = world;
  if (isWritten(identifier)) return false;
  const node = outermost(identifier);
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return isReadBy(parent, names);
  if (ts.isElementAccessExpression(parent)) {
    return parent.expression === node && !isCallee(outermost(parent));
  }
  if (ts.isVariableDeclaration(parent)) return ts.isArrayBindingPattern(parent.name);
  return ts.isSpreadElement(parent) ||
    (ts.isForOfStatement(parent) && parent.expression === node);
}

/** Whether a node is called with the object that it is a member of. */
function isCallee(node) {
  const { ts } = world;
  const { parent } = node;
  return (ts.isCallExpression(parent) && parent.expression === node) ||
    (ts.isTaggedTemplateExpression(parent) && parent.tag === node);
}

function isReadBy(member, names) {
  const name = member.name.text;
  if (name === "length") return true;
  const most = READS.get(name);
  if (most === undefined || !isCalled(member)) return false;
  const { arguments: given } = outermost(member).parent;
  return most === 0 || given.length === 0 || takesAtMost(given[0], most, names);
}

/** Whether a function cannot see more than the first ones of what it is called with. */
function takesAtMost(expression, most, names) {
  const { ts } = world;
  const node = bare(expression);
  if (names.pathOf(node)?.length > 0) return true;
  if (ts.isIdentifier(node) && CONVERSIONS.has(node.text)) return isOfLanguage(node, names);
  const called = names.functionOf(node);
  if (called === undefined || called.parameters.length > most) return false;
  const isAll = called.parameters.some((each) => each.dotDotDotToken);
  return !isAll && (ts.isArrowFunction(called) || !names.hasArguments);
}

// --- promises ---

/** Whether the use of a promise only waits for it, or hands it to who waits for it. */
export function leavesPromise(identifier, names) {
  const { ts } = world;
  if (isWritten(identifier)) return false;
  const node = outermost(identifier);
  const { parent } = node;
  if (ts.isAwaitExpression(parent) || ts.isExpressionStatement(parent)) return true;
  if (ts.isReturnStatement(parent)) return isAsync(ts.findAncestor(parent, ts.isFunctionLike));
  if (ts.isArrowFunction(parent)) return parent.body === node && isAsync(parent);
  if (ts.isArrayLiteralExpression(parent)) return isOfPromise(parent.parent, names);
  return ts.isPropertyAccessExpression(parent) && WAITS.has(parent.name.text) &&
    isCalled(parent);
}

function isAsync(node) {
  const { ts } = world;
  return Boolean(ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Async) &&
    node.asteriskToken === undefined;
}

/** `Promise.all(…)`. */
function isOfPromise(call, names) {
  const { ts } = world;
  return ts.isCallExpression(call) && ts.isPropertyAccessExpression(call.expression) &&
    names.isGiven(call.expression.expression, "Promise");
}
