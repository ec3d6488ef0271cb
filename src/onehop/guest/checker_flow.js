// Which calls of tools every run makes that ends well, and where a refusal of the call ends the run.
//
// The answer is yes only where the text shows it: what stands behind a condition, in a `try` with a
// `catch`, in a loop that may have no turn, behind a `return` that may come first, or in a function
// that nobody is seen to call, may well not run. An error of the program's own that comes first is no
// way out, for then the run fails too.

// deno-lint-ignore-file guest/globals guest/methods guest/iteration -- no guest runs in a checker

import { world } from "./checker_world.js";
import { bare } from "./checker_syntax.js";

/** Methods that call a function for each element, at once. */
const EACH = new Set(["map", "forEach", "flatMap", "filter", "some", "every", "find"]);

/** Follows a program from its start. */
export class Flow {
  #names;
  /** @type {Set<any>} */
  certain = new Set();
  /** Functions that were followed, by whether what they return matters. */
  #entered = { true: new Set(), false: new Set() };

  constructor(names, main) {
    this.#names = names;
    if (!names.isTampered) this.#follow(main.body.statements, true);
  }

  /** False when the statements may be left before their end. */
  #follow(statements, returns) {
    return statements.every((each) => this.#statement(each, returns));
  }

  /** Whether what comes next is reached, unless the run fails. */
  #statement(node, returns) {
    const { ts } = world;
    switch (node.kind) {
      case ts.SyntaxKind.VariableStatement:
        this.#declarations(node.declarationList);
        return true;
      case ts.SyntaxKind.ExpressionStatement:
        this.#evaluate(node.expression);
        return true;
      case ts.SyntaxKind.Block:
        return this.#follow(node.statements, returns);
      case ts.SyntaxKind.ReturnStatement:
        this.#evaluate(node.expression);
        if (returns) this.#settle(node.expression);
        return false;
      case ts.SyntaxKind.ThrowStatement:
        this.#evaluate(node.expression);
        return false;
      case ts.SyntaxKind.IfStatement:
        return this.#choice(node, returns);
      case ts.SyntaxKind.TryStatement:
        return this.#attempt(node, returns);
      case ts.SyntaxKind.SwitchStatement:
        this.#evaluate(node.expression);
        return !mayLeave(node);
      case ts.SyntaxKind.ClassDeclaration:
      case ts.SyntaxKind.FunctionDeclaration:
      case ts.SyntaxKind.EmptyStatement:
      case ts.SyntaxKind.InterfaceDeclaration:
      case ts.SyntaxKind.TypeAliasDeclaration:
        return true;
      default:
        return ts.isIterationStatement(node, false) && this.#loop(node, returns);
    }
  }

  #choice(node, returns) {
    this.#evaluate(node.expression);
    const [kind, value] = this.#names.literalOf(node.expression);
    if (kind !== "v") return !mayLeave(node.thenStatement) && !mayLeave(node.elseStatement);
    const branch = value ? node.thenStatement : node.elseStatement;
    return branch === undefined || this.#statement(branch, returns);
  }

  #attempt(node, returns) {
    const { tryBlock, catchClause, finallyBlock } = node;
    const isPlain = catchClause === undefined && !mayLeave(finallyBlock);
    if (isPlain) return this.#statement(tryBlock, returns) && this.#also(finallyBlock, returns);
    this.#also(finallyBlock, returns);
    return !mayLeave(node);
  }

  #also(block, returns) {
    return block === undefined || this.#statement(block, returns);
  }

  #loop(node, returns) {
    const { ts } = world;
    if (ts.isForOfStatement(node)) {
      this.#evaluate(node.expression);
      if (this.#names.isFilledList(node.expression)) this.#statement(node.statement, returns);
    } else if (ts.isForInStatement(node)) this.#evaluate(node.expression);
    else if (ts.isDoStatement(node)) this.#statement(node.statement, returns);
    else if (ts.isWhileStatement(node)) {
      this.#evaluate(node.expression);
      if (isTrue(node.expression)) this.#statement(node.statement, returns);
    } else this.#countedLoop(node, returns);
    return !mayLeave(node);
  }

  #countedLoop(node, returns) {
    const { ts } = world;
    const { initializer, condition } = node;
    if (initializer !== undefined) {
      if (ts.isVariableDeclarationList(initializer)) this.#declarations(initializer);
      else this.#evaluate(initializer);
    }
    this.#evaluate(condition);
    if (condition === undefined || this.#startsTrue(node)) this.#statement(node.statement, returns);
  }

  /** Whether a loop such as `for (let i = 0; i < 3; i++)` has a first turn. */
  #startsTrue({ initializer, condition }) {
    const { ts } = world;
    if (isTrue(condition)) return true;
    if (!initializer || !ts.isVariableDeclarationList(initializer)) return false;
    if (!ts.isBinaryExpression(condition) || !ts.isIdentifier(condition.left)) return false;
    const { declarations } = initializer;
    const counter = declarations.find((each) =>
      ts.isIdentifier(each.name) && each.name.text === condition.left.text
    );
    if (counter?.initializer === undefined) return false;
    // Something else may change it before the first turn: what is evaluated beside it, where it is
    // known, or a function that is called there.
    const isKnownOutside = !(initializer.flags & ts.NodeFlags.BlockScoped);
    if (isKnownOutside && declarations.length > 1) return false;
    if (isMentioned(counter.name, declarations)) return false;
    const [, first] = this.#names.literalOf(counter.initializer);
    const bound = this.#boundOf(condition.right);
    if (typeof first !== "number" || bound === undefined) return false;
    const { LessThanToken, LessThanEqualsToken } = ts.SyntaxKind;
    const { kind } = condition.operatorToken;
    return (kind === LessThanToken && first < bound) ||
      (kind === LessThanEqualsToken && first <= bound);
  }

  #boundOf(expression) {
    const { ts } = world;
    const [, value] = this.#names.literalOf(expression);
    if (typeof value === "number") return value;
    const isLength = ts.isPropertyAccessExpression(expression) && expression.name.text === "length";
    return isLength && this.#names.isFilledList(expression.expression) ? 1 : undefined;
  }

  #declarations(list) {
    for (const each of list.declarations) this.#evaluate(each.initializer);
  }

  // --- expressions ---

  /** Follow what is evaluated at once, whatever its parts give. */
  #evaluate(node) {
    const { ts } = world;
    if (node === undefined || ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isOptionalChain(node)) return this.#evaluate(startOf(node));
    switch (node.kind) {
      case ts.SyntaxKind.AwaitExpression:
        this.#evaluate(node.expression);
        return this.#settle(node.expression);
      case ts.SyntaxKind.CallExpression:
        return this.#call(node);
      case ts.SyntaxKind.BinaryExpression:
        return this.#binary(node);
      case ts.SyntaxKind.ConditionalExpression:
        return this.#conditional(node);
      case ts.SyntaxKind.YieldExpression:
        return;
      default:
        ts.forEachChild(node, (child) => this.#evaluateChild(child));
    }
  }

  #evaluateChild(node) {
    if (world.ts.isExpression(node) || isHolder(node)) this.#evaluate(node);
  }

  #binary({ left, right, operatorToken }) {
    const { SyntaxKind } = world.ts;
    const isShort = [
      SyntaxKind.AmpersandAmpersandToken,
      SyntaxKind.BarBarToken,
      SyntaxKind.QuestionQuestionToken,
      SyntaxKind.AmpersandAmpersandEqualsToken,
      SyntaxKind.BarBarEqualsToken,
      SyntaxKind.QuestionQuestionEqualsToken,
    ].includes(operatorToken.kind);
    const isPattern = operatorToken.kind === SyntaxKind.EqualsToken && isTaking(left);
    if (!isPattern) this.#evaluate(left); // the defaults of a pattern may not be needed
    if (!isShort) this.#evaluate(right);
  }

  #conditional(node) {
    this.#evaluate(node.condition);
    const [kind, value] = this.#names.literalOf(node.condition);
    if (kind === "v") this.#evaluate(value ? node.whenTrue : node.whenFalse);
  }

  #call(node) {
    this.#evaluate(node.expression);
    for (const each of node.arguments) this.#evaluate(each);
    const called = this.#names.functionOf(node.expression);
    if (called !== undefined) return this.#enter(called, false);
    const callback = this.#callbackOf(node);
    if (callback !== undefined) this.#enter(callback, false);
  }

  /** The function that `[1, 2].map(f)` surely calls. */
  #callbackOf(node) {
    const { ts } = world;
    const { expression } = node;
    const isEach = ts.isPropertyAccessExpression(expression) && EACH.has(expression.name.text) &&
      !ts.isOptionalChain(node);
    if (!isEach || node.arguments.length === 0) return undefined;
    if (!this.#names.isFilledList(expression.expression)) return undefined;
    return this.#names.functionOf(node.arguments[0]);
  }

  /** Follow a function that is called: what it throws, and with `returns` what rejects that it gives. */
  #enter(called, returns) {
    const { ts } = world;
    const entered = this.#entered[`${returns}`];
    if (called.asteriskToken !== undefined || entered.has(called)) return;
    const isAsync = ts.getCombinedModifierFlags(called) & ts.ModifierFlags.Async;
    if (isAsync && !returns) return; // what it throws is a rejection
    entered.add(called);
    if (ts.isBlock(called.body)) {
      this.#follow(called.body.statements, returns);
      return;
    }
    this.#evaluate(called.body);
    if (returns) this.#settle(called.body);
  }

  /** Follow what a promise that is waited for does, where its rejection is not caught. */
  #settle(expression) {
    const { ts } = world;
    if (expression === undefined) return;
    const node = bare(expression);
    if (ts.isIdentifier(node)) {
      const promise = this.#names.promiseOf(node);
      if (promise !== undefined) this.#settle(promise);
      return;
    }
    if (!ts.isCallExpression(node) || ts.isOptionalChain(node)) return;
    const path = this.#names.pathOf(node.expression);
    if (path !== undefined && path.length > 0) {
      this.certain.add(node);
      return;
    }
    const called = this.#names.functionOf(node.expression);
    if (called !== undefined) return this.#enter(called, true);
    if (ts.isPropertyAccessExpression(node.expression)) this.#settleMethod(node);
  }

  #settleMethod(node) {
    const { expression: object, name } = node.expression;
    const isPlain = node.arguments.length === 1 && !world.ts.isSpreadElement(node.arguments[0]);
    if (this.#names.isGiven(object, "Promise")) {
      if (isPlain && name.text === "all") this.#settleAll(bare(node.arguments[0]));
      if (isPlain && name.text === "resolve") this.#settle(node.arguments[0]);
    } else if (isPlain && (name.text === "then" || name.text === "finally")) this.#settle(object);
  }

  #settleAll(list) {
    const { ts } = world;
    if (ts.isArrayLiteralExpression(list)) {
      for (const each of list.elements) this.#settle(each);
    } else if (ts.isCallExpression(list) && list.expression.name?.text === "map") {
      const callback = this.#callbackOf(list);
      if (callback !== undefined) this.#enter(callback, true);
    }
  }
}

/** What a chain with `?.` starts with. */
function startOf(chain) {
  let node = chain;
  while (node.expression !== undefined && world.ts.isOptionalChain(node)) node = node.expression;
  return node;
}

/** Parts of an expression that are no expressions themselves. */
function isHolder(node) {
  const { ts } = world;
  return ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node) ||
    ts.isSpreadAssignment(node) || ts.isTemplateSpan(node) || ts.isComputedPropertyName(node) ||
    ts.isTemplateExpression(node);
}

/** Whether what is assigned to takes a list or an object apart. */
function isTaking(node) {
  const { ts } = world;
  const target = bare(node);
  return ts.isArrayLiteralExpression(target) || ts.isObjectLiteralExpression(target);
}

/** Whether a name comes in any of these declarations, but for the one that declares it. */
function isMentioned(name, declarations) {
  const { ts } = world;
  const find = (node) =>
    (ts.isIdentifier(node) && node !== name && node.text === name.text) ||
    Boolean(ts.forEachChild(node, (child) => find(child) || undefined));
  return declarations.some(find);
}

function isTrue(node) {
  return node?.kind === world.ts.SyntaxKind.TrueKeyword;
}

/** Whether a statement may end its function, or a loop around it, and not by an error. */
function mayLeave(node) {
  const { ts } = world;
  if (node === undefined || ts.isFunctionLike(node) || ts.isClassLike(node)) return false;
  if (leaving.has(node)) return leaving.get(node);
  const isJump = ts.isReturnStatement(node) || ts.isBreakOrContinueStatement(node) ||
    node.kind === ts.SyntaxKind.YieldExpression;
  const found = isJump || Boolean(ts.forEachChild(node, (child) => mayLeave(child) || undefined));
  leaving.set(node, found);
  return found;
}
const leaving = new WeakMap();
