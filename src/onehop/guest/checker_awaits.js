// Where a program takes the promise of a tool's call for the answer, because `await` is missing.

// deno-lint-ignore-file guest/methods -- no guest runs in a checker

import { world } from "./checker_world.js";
import { outermost } from "./checker_syntax.js";
import { isArithmetic } from "./checker_names.js";

/** Members that a promise has. */
const OF_PROMISES = new Set(["then", "catch", "finally", "constructor"]);

/** The places where the promise of `call` is used as the answer, the first ones of them. */
export function missingAwaits(call, names) {
  const node = outermost(call);
  if (isUsedAsAnswer(node)) return [node];
  const { parent } = node;
  const { ts } = world;
  if (!ts.isVariableDeclaration(parent) || parent.initializer !== node) return [];
  if (!ts.isIdentifier(parent.name)) return [node];
  return names.usesOf(parent.name).filter((each) => isUsedAsAnswer(outermost(each))).slice(0, 3);
}

function isUsedAsAnswer(node) {
  const { ts } = world;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) {
    return parent.expression === node && !OF_PROMISES.has(parent.name.text);
  }
  if (ts.isElementAccessExpression(parent)) return parent.expression === node;
  if (ts.isForOfStatement(parent)) return parent.expression === node && !parent.awaitModifier;
  if (ts.isBinaryExpression(parent)) return isArithmetic(parent.operatorToken.kind);
  if (ts.isArrayLiteralExpression(parent)) return isReturned(parent);
  if (ts.isPropertyAssignment(parent)) return isReturned(parent.parent);
  if (ts.isShorthandPropertyAssignment(parent)) return isReturned(parent.parent);
  if (ts.isCallExpression(parent)) return isPrinted(parent, node);
  return ts.isSpreadElement(parent) || ts.isSpreadAssignment(parent) || ts.isTemplateSpan(parent);
}

/** `JSON.stringify(promise)`. */
function isPrinted(call, node) {
  return call.arguments.includes(node) && call.expression.getText() === "JSON.stringify";
}

/** Whether a list or an object is part of what a `return` gives: nobody waits for what is in it. */
function isReturned(node) {
  const { ts } = world;
  let inner = node;
  while (isPart(inner.parent)) inner = inner.parent;
  return ts.isReturnStatement(inner.parent);
}

function isPart(node) {
  const { ts } = world;
  return ts.isPropertyAssignment(node) || ts.isObjectLiteralExpression(node) ||
    ts.isParenthesizedExpression(node) || ts.isArrayLiteralExpression(node);
}
