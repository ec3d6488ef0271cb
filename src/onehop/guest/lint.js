// The rules of the guest's JavaScript, for `deno lint`: they are enforced here, not remembered.
//
// The guest may have replaced any global, any method of a built-in prototype, and the way that arrays
// are iterated. So code that may run then uses what primordials.js took before. Code that runs earlier
// is free to use all of it: what stands at the top level of a file of the first part, and functions
// whose comment says `@beforeGuest` and why.

// deno-lint-ignore-file guest/globals guest/methods guest/iteration -- this runs in the linter

/** Read at any time: the language does not let anyone replace them. */
const FIXED = new Set(["undefined", "NaN", "Infinity"]);
const GLOBALS = new Set(
  [...Object.getOwnPropertyNames(globalThis), "globalThis"].filter((name) => !FIXED.has(name)),
);

const ITERATORS = [[].values(), new Map().values(), new Set().values(), "".matchAll(/a/g)];
const PROTOTYPES = [
  ...[Array, String, Number, Boolean, BigInt, Symbol, Function, Object, RegExp, Date, Promise],
  ...[Map, Set, WeakMap, WeakSet, WeakRef, ArrayBuffer, DataView, Uint8Array, Error, Iterator],
].map((constructor) => constructor.prototype).concat(
  [Uint8Array.prototype, ...ITERATORS].map((object) => Object.getPrototypeOf(object)),
);
/** Names of methods that the language's own objects have. */
const METHODS = new Set(PROTOTYPES.flatMap(methodsOf));

function methodsOf(prototype) {
  const all = Object.getOwnPropertyDescriptors(prototype);
  return Object.keys(all).filter((name) => typeof all[name].value === "function");
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const SCOPES = new Set([...FUNCTIONS, "PropertyDefinition"]);
const SECOND_PART = new RegExp(
  "^(?:inspect(?:_\\w+)?|table|calls|tool_error|arguments|unawaited|tools|services|forget|" +
    "web(?:_(?!part)\\w+)?|realm_clone|realm_ports)\\.js$",
);
/** The main realm of a process with realms: the guest's code is in others. */
const WITHOUT_GUEST = /^(?:realms|main_lock)\.js$/;
const HOLDERS = new Set(["VariableDeclarator", "VariableDeclaration", "ExportNamedDeclaration"]);
const REASON = /@beforeGuest[ \t]+\w/;

/** Whether a place can be reached when the guest may have run. */
function isReachable(context, node) {
  const ancestors = context.sourceCode.getAncestors(node);
  if (WITHOUT_GUEST.test(fileName(context))) return false;
  if (ancestors.some((each) => hasReason(context, each))) return false;
  if (SECOND_PART.test(fileName(context))) return true;
  return ancestors.some((each) => SCOPES.has(each.type) && !each.static);
}

function hasReason(context, node) {
  if (!FUNCTIONS.has(node.type)) return false;
  let holder = node;
  while (HOLDERS.has(holder.parent?.type)) holder = holder.parent;
  return context.sourceCode.getCommentsBefore(holder).some(({ value }) => REASON.test(value));
}

function fileName(context) {
  return context.filename.split(/[/\\]/).at(-1);
}

/** A rule that looks at nodes which the guest may have preceded. */
function afterGuest(visit) {
  return {
    create(context) {
      const report = (node, message) => {
        if (isReachable(context, node)) context.report({ node, message });
      };
      return visit(report, context);
    },
  };
}

/** The names that a file binds anywhere: a global of that name is not meant. */
function boundNames(root) {
  const names = new Set();
  const walk = (node, isBinding) => {
    if (Array.isArray(node)) return node.forEach((each) => walk(each, isBinding));
    if (node === null || typeof node?.type !== "string") return;
    if (node.type === "Identifier") return isBinding && names.add(node.name);
    for (const [key, value] of childrenOf(node)) walk(value, bindsNames(node, key, isBinding));
  };
  walk(root, false);
  return names;
}

const SKIPPED = new Set(["parent", "range", "type", "loc"]);

function childrenOf(node) {
  const names = new Set();
  for (let at = node; at !== null; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) if (!SKIPPED.has(name)) names.add(name);
  }
  return [...names].map((name) => [name, node[name]]).filter(([, value]) => isNode(value));
}

function isNode(value) {
  return Array.isArray(value) || (typeof value === "object" && value !== null && "type" in value);
}

/** What binds: the names of declarations, parameters, and patterns within those. */
function bindsNames({ type }, key, isBinding) {
  if (key === "params" || key === "param" || key === "local") return true;
  if (key === "id") return true;
  const isPattern = type.endsWith("Pattern") || type === "RestElement" || type === "Property";
  return isBinding && isPattern && key !== "right" && key !== "key";
}

/** Whether an identifier is read as a variable, not as the name of a property. */
function isVariable(node) {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return parent.object === node || parent.computed;
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
      return parent.value === node || parent.computed;
    case "ImportSpecifier":
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return false;
  }
  return true;
}

const globals = afterGuest((report, context) => {
  let bound = null;
  return {
    Identifier(node) {
      if (!GLOBALS.has(node.name) || !isVariable(node)) return;
      bound ??= boundNames(context.sourceCode.ast);
      if (bound.has(node.name)) return;
      report(node, `${node.name} may be the guest's: import what primordials.js took of it`);
    },
  };
});

/** The name by which a property is read; null when it is computed, or a private name. */
function nameOfProperty({ property, computed }) {
  if (property.type === "Identifier" && !computed) return property.name;
  return property.type === "Literal" ? property.value : null;
}

const methods = afterGuest((report) => ({
  CallExpression(node) {
    // `a?.b()` has a chain between the call and the member.
    const callee = node.callee.type === "ChainExpression" ? node.callee.expression : node.callee;
    if (callee.type !== "MemberExpression" || callee.object.type === "Super") return;
    const name = nameOfProperty(callee);
    if (!METHODS.has(name)) return;
    const call = `.${name}()`;
    report(callee, `${call} may be the guest's: use a function of primordials.js, or another name`);
  },
}));

const iteration = afterGuest((report) => {
  const refuse = (node) => report(node, "the guest may have replaced how arrays are iterated");
  return {
    ForOfStatement: refuse,
    ArrayPattern: refuse,
    SpreadElement(node) {
      if (node.parent.type !== "ObjectExpression") refuse(node);
    },
    YieldExpression(node) {
      if (node.delegate) refuse(node);
    },
  };
});

/** Of `const a = []` and `(...a)`, the names: ordinary arrays, for whose elements setters may wait. */
const elements = afterGuest((report) => {
  const arrays = new Set();
  return {
    VariableDeclarator({ id, init }) {
      if (init?.type === "ArrayExpression" && id.type === "Identifier") arrays.add(id.name);
    },
    RestElement({ argument }) {
      arrays.add(argument.name);
    },
    AssignmentExpression(node) {
      const { left } = node;
      if (left.type !== "MemberExpression" || !left.computed || !arrays.has(left.object.name)) {
        return;
      }
      report(node, "a setter on Array.prototype may see it: use createList of primordials.js");
    },
  };
});

const state = {
  create(context) {
    return {
      "Program > VariableDeclaration[kind!='const'], ExportNamedDeclaration > VariableDeclaration[kind!='const']"(
        node,
      ) {
        context.report({
          node,
          message: "what changes stands in the one state object of its file",
        });
      },
    };
  },
};

export default { name: "guest", rules: { globals, methods, iteration, elements, state } };
