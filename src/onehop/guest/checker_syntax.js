// What the place of an expression in the text says of it.

import { world } from "./checker_world.js";

/** An expression without what changes nothing of its value. */
export function bare(node) {
  const { ts } = world;
  let inner = node;
  while (
    ts.isParenthesizedExpression(inner) || ts.isAsExpression(inner) ||
    ts.isSatisfiesExpression(inner) || ts.isNonNullExpression(inner) ||
    ts.isTypeAssertionExpression(inner)
  ) inner = inner.expression;
  return inner;
}

/** The expression around one that has the same value. */
export function outermost(node) {
  let outer = node;
  while (outer.parent.expression === outer && bare(outer.parent) !== outer.parent) {
    outer = outer.parent;
  }
  return outer;
}

/** Whether an identifier is the name of a member, not of a variable. */
export function isMemberName(node) {
  const { ts } = world;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) ||
    ts.isPropertyDeclaration(parent)) && parent.name === node;
}

/** Whether an identifier is where a variable, a function, a class or the like gets its name. */
export function isDeclared(node) {
  const { ts } = world;
  const { parent } = node;
  return parent.name === node && (ts.isVariableDeclaration(parent) || ts.isBindingElement(parent) ||
    ts.isParameter(parent) || ts.isFunctionDeclaration(parent) || ts.isClassLike(parent) ||
    ts.isFunctionExpression(parent) || ts.isEnumDeclaration(parent) ||
    ts.isModuleDeclaration(parent));
}

/** Whether `this` cannot be the global object there. */
export function isInClass(node) {
  const { ts } = world;
  for (let outer = node.parent; outer; outer = outer.parent) {
    if (ts.isClassLike(outer)) return true;
  }
  return false;
}

/** Whether something is assigned where an identifier stands, or to a member of it. */
export function isWritten(identifier) {
  const { ts } = world;
  let node = identifier;
  while (isPartOfTarget(node)) node = node.parent;
  const { parent } = node;
  if (ts.isBinaryExpression(parent)) {
    return parent.left === node && ts.isAssignmentOperator(parent.operatorToken.kind);
  }
  if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent)) {
    return parent.operator === ts.SyntaxKind.PlusPlusToken ||
      parent.operator === ts.SyntaxKind.MinusMinusToken;
  }
  return ts.isDeleteExpression(parent) || (ts.isForInOrOfStatement(parent) &&
    parent.initializer === node);
}

/** Also of `[a, {b: c}] = …`, which takes something apart. */
function isPartOfTarget(node) {
  const { ts } = world;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent)) {
    return parent.expression === node;
  }
  return ts.isParenthesizedExpression(parent) || ts.isArrayLiteralExpression(parent) ||
    ts.isObjectLiteralExpression(parent) || ts.isShorthandPropertyAssignment(parent) ||
    ts.isSpreadElement(parent) || ts.isSpreadAssignment(parent) ||
    ts.isAsExpression(parent) || ts.isNonNullExpression(parent) ||
    (ts.isPropertyAssignment(parent) && parent.initializer === node);
}
