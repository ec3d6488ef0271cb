// `snippets`: code that a person has saved, by name. The host checks the input and gives the code,
// which runs here, as the code that has called it: with the same tools, and nothing more.

import {
  CapturedMap,
  CapturedPromise,
  CapturedProxy,
  compileFunction,
  FunctionPrototypeBind,
  JSONParse,
  MapPrototypeGet,
  MapPrototypeSet,
  NO_IMPORTS,
  ObjectDefineProperty,
  ObjectFreeze,
  quote,
  ReflectApply,
} from "./primordials.js";
import { request } from "./calls.js";
import { encodeArguments } from "./arguments.js";
import { blankToolError, fillToolError } from "./tool_error.js";
import { grant } from "./grant.js";
import { ASKED_BY_THE_LANGUAGE, openTools, refusalOf, SNIPPETS } from "./tools.js";
import { watchReads } from "./unawaited.js";

const SNIPPET_HEAD =
  "return function (context) { return __snippet__;async function __snippet__() {\n";
const SNIPPET_TAIL = "\n}}";

/** What a run has called is the same version until it ends. */
const opened = { __proto__: null, made: new CapturedMap(), global: null };

/** For the next call of a session. */
export function forgetSnippets() {
  opened.made = new CapturedMap();
}

/** The guest's global `snippets`, made when it is first looked at. Which there are, the host knows. */
export function openSnippets() {
  if (opened.global === null) {
    const target = ObjectFreeze({ __proto__: null });
    opened.global = new CapturedProxy(target, { __proto__: null, get: readSnippet });
  }
  return opened.global;
}

function readSnippet(_target, name) {
  if (typeof name !== "string" || ASKED_BY_THE_LANGUAGE[name] === true || name === "__proto__") {
    return undefined;
  }
  const run = FunctionPrototypeBind(snippetTemplate.call, undefined, name);
  ObjectDefineProperty(run, "name", { __proto__: null, value: name });
  return ObjectFreeze(run);
}

// A method, because those are no constructors; bound, so that its text says nothing of ours.
const snippetTemplate = {
  __proto__: null,
  call(name, ...args) {
    return watchReads(callSnippet(name, args), SNIPPETS + "." + name);
  },
};

async function callSnippet(name, args) {
  const answer = askForCode(name, args);
  const { code, input } = JSONParse(await taken(answer));
  const make = MapPrototypeGet(opened.made, name) ?? compileSnippet(name, code);
  return await taken(ReflectApply(make(input), undefined, []));
}

/** With this own property, await takes the promise as it is and looks nothing up. */
function taken(promise) {
  return ObjectDefineProperty(promise, "constructor", { __proto__: null, value: CapturedPromise });
}

/** @returns {Promise<string>} the host's answer */
function askForCode(name, args) {
  const error = blankToolError();
  return new CapturedPromise((resolve, reject) => {
    const refusal = refusalOf(error, SNIPPETS, name, "no snippets can be called by this code");
    if (refusal !== null) return reject(refusal);
    // Its names are read by waiting, which is not possible while an answer is on its way.
    openTools();
    const fields = ',"namespace":' + quote(SNIPPETS) + ',"member":' + quote(name) +
      encodeArguments(args, grant.limits?.arguments ?? 0);
    request("call", fields, ({ error: told }, text) => {
      if (told === undefined) resolve(text);
      else reject(fillToolError(error, told));
    });
  });
}

function compileSnippet(name, code) {
  const file = "onehop:snippet_" + name + ".js";
  const { 0: body, 1: error } = compileFunction(
    SNIPPET_HEAD + code + SNIPPET_TAIL,
    file,
    NO_IMPORTS,
    [],
  );
  if (error !== null) throw error.thrown;
  const make = body();
  MapPrototypeSet(opened.made, name, make);
  return make;
}
