// What expressions of a program mean without running it: which tool, which function, which literal.
// The answer is given only where the text leaves no other.

// deno-lint-ignore-file guest/globals guest/methods guest/iteration -- no guest runs in a checker

import { world } from "./checker_world.js";
import { bare, isDeclared, isMemberName, isWritten } from "./checker_syntax.js";
import { leavesList, leavesPromise, mayChangeGlobals } from "./checker_changes.js";

const MOST_DEPTH = 40;
const MOST_PARTS = 5000;

/** A program's names. */
export class Names {
  #given;
  #checker;
  /** By symbol: the identifiers that mean it. @type {Map<any, any[]>} */
  #uses = new Map();
  /** By text: how often a name is declared, or assigned to. @type {Map<string, number>} */
  #meanings = new Map();
  /** Functions in blocks: where the text is not strict, a name of theirs is one of the function too. */
  #inBlocks = [];
  /** By declared name: whether its uses leave what it stands for. @type {Map<any, boolean>} */
  #left = new Map();
  #parts = 0;
  /** Whether the program may change `tools`, `Promise`, or what lists and promises do. */
  isTampered = false;
  /** Whether a function may reach what it is called with by another name than that of a parameter. */
  hasArguments = false;

  constructor({ given, checker, file }) {
    this.#given = given;
    this.#checker = checker;
    this.#read(file);
    if (this.#inBlocks.some((name) => this.#meansMore(name.text))) this.isTampered = true;
  }

  #read(node) {
    const { ts } = world;
    if (mayChangeGlobals(node, this)) this.isTampered = true;
    if (ts.isIdentifier(node)) this.#readIdentifier(node);
    else if (
      ts.isFunctionDeclaration(node) && node.name && !ts.isFunctionLike(node.parent.parent)
    ) {
      this.#inBlocks.push(node.name);
    }
    ts.forEachChild(node, (child) => this.#read(child));
  }

  #meansMore(text) {
    return text === "tools" || text === "Promise" || (this.#meanings.get(text) ?? 0) > 1;
  }

  #readIdentifier(node) {
    if (!mayBeVariable(node)) return;
    if (node.text === "arguments") this.hasArguments = true;
    if (isDeclared(node) || isWritten(node)) {
      this.#meanings.set(node.text, (this.#meanings.get(node.text) ?? 0) + 1);
    }
    const symbol = this.symbolOf(node);
    if (symbol === undefined) return;
    if (!this.#uses.has(symbol)) this.#uses.set(symbol, []);
    this.#uses.get(symbol)?.push(node);
    if (this.#isGiven(symbol) && isWritten(node)) this.isTampered = true;
  }

  symbolOf(identifier) {
    const { parent } = identifier;
    return world.ts.isShorthandPropertyAssignment(parent) && parent.name === identifier
      ? this.#checker.getShorthandAssignmentValueSymbol(parent)
      : this.#checker.getSymbolAtLocation(identifier);
  }

  /** The identifiers that mean the same as a declared name, without the declaration. */
  usesOf(declared) {
    const symbol = this.symbolOf(declared);
    return (this.#uses.get(symbol) ?? []).filter((each) => each !== declared);
  }

  /** Whether an identifier means what the sandbox gives under this name. */
  isGiven(node, name) {
    const symbol = world.ts.isIdentifier(node) && node.text === name && this.symbolOf(node);
    return Boolean(symbol) && this.#isGiven(symbol);
  }

  #isGiven(symbol) {
    const all = symbol.declarations ?? [];
    return all.length > 0 && all.every((each) => each.getSourceFile() === this.#given);
  }

  /**
   * The members of `tools` that lead to an expression, such as ["crm", "find"], where a name that is
   * computed is null; undefined for anything else.
   * @returns {(string | null)[] | undefined}
   */
  pathOf(expression, depth = 0) {
    const { ts } = world;
    const node = bare(expression);
    if (depth > MOST_DEPTH) return undefined;
    if (ts.isIdentifier(node)) {
      if (this.isGiven(node, "tools")) return [];
      return this.#pathOfConstant(this.#constant(node), depth);
    }
    if (ts.isAwaitExpression(node)) return this.pathOf(node.expression, depth + 1);
    if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) {
      return undefined;
    }
    const base = this.pathOf(node.expression, depth + 1);
    if (base === undefined) return undefined;
    if (ts.isPropertyAccessExpression(node)) return [...base, node.name.text];
    return [...base, this.#textOf(node.argumentExpression)];
  }

  /** The path of a constant by its declaration, which may take an object apart. */
  #pathOfConstant(declaration, depth) {
    const { ts } = world;
    if (declaration === undefined || depth > MOST_DEPTH) return undefined;
    if (ts.isVariableDeclaration(declaration)) {
      return declaration.initializer && this.pathOf(declaration.initializer, depth + 1);
    }
    if (declaration.dotDotDotToken || declaration.initializer) return undefined;
    const name = declaration.propertyName ?? declaration.name;
    if (!ts.isIdentifier(name) && !ts.isStringLiteral(name)) return undefined;
    const base = this.#pathOfConstant(declaration.parent.parent, depth + 1);
    return base && [...base, name.text];
  }

  /** The declaration of a name that has one value only: a variable or a part of a pattern. */
  #constant(identifier) {
    const { ts } = world;
    const declarations = this.symbolOf(identifier)?.declarations ?? [];
    if (declarations.length !== 1) return undefined;
    let outer = declarations[0];
    while (ts.isBindingElement(outer)) {
      if (!ts.isObjectBindingPattern(outer.parent)) return undefined;
      outer = outer.parent.parent;
    }
    const isConstant = ts.isVariableDeclaration(outer) &&
      ts.isVariableDeclarationList(outer.parent) && outer.parent.flags & ts.NodeFlags.Const;
    return isConstant ? declarations[0] : undefined;
  }

  /** What a name is initialised with that has one value only. */
  initializerOf(identifier) {
    const { ts } = world;
    if (!ts.isIdentifier(identifier)) return undefined;
    const declaration = this.#constant(identifier);
    return declaration && ts.isVariableDeclaration(declaration)
      ? declaration.initializer
      : undefined;
  }

  /** The function that an expression is, written there or under a name that means nothing else. */
  functionOf(expression) {
    const { ts } = world;
    const node = bare(expression);
    if (ts.isFunctionExpression(node) || ts.isArrowFunction(node)) return node;
    if (!ts.isIdentifier(node)) return undefined;
    const initializer = this.initializerOf(node);
    if (initializer !== undefined) {
      const value = bare(initializer);
      return ts.isFunctionExpression(value) || ts.isArrowFunction(value) ? value : undefined;
    }
    const declarations = this.symbolOf(node)?.declarations ?? [];
    const [only] = declarations;
    const isFunction = declarations.length === 1 && ts.isFunctionDeclaration(only) && only.body;
    return isFunction && !this.#meansMore(node.text) ? only : undefined;
  }

  /** Whether all uses of a declared name leave what it stands for. */
  #isLeft(name, leaves) {
    const known = this.#left.get(name);
    if (known !== undefined) return known;
    this.#left.set(name, false); // as long as it is asked for itself
    const found = this.usesOf(name).every((each) => leaves(each, this));
    this.#left.set(name, found);
    return found;
  }

  /** What an identifier stands for, if it is a promise that nothing of the program may change. */
  promiseOf(identifier) {
    const initializer = this.initializerOf(identifier);
    if (initializer === undefined) return undefined;
    const { name } = /** @type {any} */ (this.#constant(identifier));
    return this.#isLeft(name, leavesPromise) ? initializer : undefined;
  }

  /** Whether an expression is a list that surely has an element when it is first looked at. */
  isFilledList(expression) {
    const { ts } = world;
    const node = bare(expression);
    if (ts.isArrayLiteralExpression(node)) {
      const [first] = node.elements;
      return first !== undefined && !ts.isSpreadElement(first) && !ts.isOmittedExpression(first);
    }
    if (!ts.isIdentifier(node)) return false;
    const initializer = this.initializerOf(node);
    if (initializer === undefined || !ts.isArrayLiteralExpression(bare(initializer))) return false;
    const { name } = /** @type {any} */ (this.#constant(node));
    return this.#isLeft(name, leavesList) && this.isFilledList(initializer);
  }

  #textOf(expression) {
    const found = this.literalOf(expression);
    return found[0] === "v" && typeof found[1] === "string" ? found[1] : null;
  }

  /**
   * An expression as data: ["v", value], ["o", [[name, part], …], isOpen], ["a", [part, …], isOpen],
   * ["x"] for undefined, ["d"] for what is not undefined, and ["u"] for what only the run can tell.
   * @returns {any[]}
   */
  literalOf(expression, depth = 0) {
    const { ts } = world;
    if (++this.#parts > MOST_PARTS || depth > MOST_DEPTH) return ["u"];
    const node = bare(expression);
    switch (node.kind) {
      case ts.SyntaxKind.StringLiteral:
      case ts.SyntaxKind.NoSubstitutionTemplateLiteral:
        return node.text.isWellFormed() ? ["v", node.text] : ["u"];
      case ts.SyntaxKind.NumericLiteral:
        return numberOf(node.text, 1);
      case ts.SyntaxKind.TrueKeyword:
        return ["v", true];
      case ts.SyntaxKind.FalseKeyword:
        return ["v", false];
      case ts.SyntaxKind.NullKeyword:
        return ["v", null];
      case ts.SyntaxKind.PrefixUnaryExpression:
        return node.operator === ts.SyntaxKind.MinusToken && ts.isNumericLiteral(node.operand)
          ? numberOf(node.operand.text, -1)
          : ["d"];
      case ts.SyntaxKind.TemplateExpression:
      case ts.SyntaxKind.TypeOfExpression:
        return ["d"];
      case ts.SyntaxKind.BinaryExpression:
        return isArithmetic(node.operatorToken.kind) ? ["d"] : ["u"];
      case ts.SyntaxKind.ArrayLiteralExpression:
        return this.#listOf(node, depth);
      case ts.SyntaxKind.ObjectLiteralExpression:
        return this.#objectOf(node, depth);
      case ts.SyntaxKind.Identifier:
        return this.#valueOf(node, depth);
      default:
        return ["u"];
    }
  }

  #valueOf(identifier, depth) {
    if (identifier.text === "undefined") {
      return this.symbolOf(identifier)?.declarations?.length ? ["u"] : ["x"];
    }
    const initializer = this.initializerOf(identifier);
    if (initializer === undefined) return ["u"];
    const found = this.literalOf(initializer, depth + 1);
    return found[0] === "v" ? found : ["u"]; // a list or an object may change
  }

  #listOf(node, depth) {
    const { ts } = world;
    const isOpen = node.elements.some((each) => ts.isSpreadElement(each));
    const plain = node.elements.filter((each) => !ts.isSpreadElement(each));
    return ["a", plain.map((each) => this.literalOf(each, depth + 1)), isOpen];
  }

  #objectOf(node, depth) {
    const { ts } = world;
    const fields = [];
    let isOpen = false;
    for (const property of node.properties) {
      const name = property.name && nameOf(property.name);
      if (name === "__proto__" || name === "toJSON") return ["u"];
      if (name === undefined) isOpen = true;
      else if (ts.isPropertyAssignment(property)) {
        fields.push([name, this.literalOf(property.initializer, depth + 1)]);
      } else fields.push([name, this.#shorthandOf(property, depth)]);
    }
    return ["o", fields, isOpen];
  }

  #shorthandOf(property, depth) {
    const isShort = world.ts.isShorthandPropertyAssignment(property);
    return isShort ? this.#valueOf(property.name, depth) : ["u"];
  }
}

/** Whether an operator makes a number, a text or a truth value of whatever there is. */
export function isArithmetic(operator) {
  const { SyntaxKind } = world.ts;
  return [
    SyntaxKind.PlusToken,
    SyntaxKind.MinusToken,
    SyntaxKind.AsteriskToken,
    SyntaxKind.SlashToken,
    SyntaxKind.PercentToken,
    SyntaxKind.LessThanToken,
    SyntaxKind.GreaterThanToken,
    SyntaxKind.LessThanEqualsToken,
    SyntaxKind.GreaterThanEqualsToken,
  ].includes(operator);
}

function numberOf(text, sign) {
  const value = sign * Number(text);
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER
    ? ["v", value]
    : ["u"];
}

function nameOf(name) {
  const { ts } = world;
  const isPlain = ts.isIdentifier(name) || ts.isStringLiteral(name);
  return isPlain || ts.isNoSubstitutionTemplateLiteral(name) ? name.text : undefined;
}

function mayBeVariable(node) {
  return !isMemberName(node) && !world.ts.isLabeledStatement(node.parent);
}
