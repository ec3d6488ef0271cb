// `tools`: the host's tools as functions, and what the code finds about them.

import {
  ArrayIsArray,
  CapturedPromise,
  CapturedProxy,
  createList,
  FunctionPrototypeBind,
  isObject,
  JSONParse,
  ObjectDefineProperty,
  ObjectFreeze,
  ObjectKeys,
  quote,
  ReflectGet,
  ReflectHas,
  Uint8ArrayFromBase64,
} from "./primordials.js";
import { readNames, request } from "./calls.js";
import { encodeArguments } from "./arguments.js";
import { blankToolError, fillToolError } from "./tool_error.js";
import { grant } from "./grant.js";
import { isLate } from "./epoch.js";
import { watchReads } from "./unawaited.js";
import { warn } from "./warnings.js";

const made = { __proto__: null, tools: null, asked: 0, called: 0, warned: false };

/** For the next call of a session, which is granted what it is granted. */
export function forgetTools() {
  made.tools = null;
  made.asked = 0;
  made.called = 0;
  made.warned = false;
}

/** Names that the language asks any object for: what has no such tool has no such member. */
export const ASKED_BY_THE_LANGUAGE = {
  __proto__: null,
  then: true,
  toJSON: true,
  toString: true,
  toLocaleString: true,
  valueOf: true,
  constructor: true,
};

/** The guest's global `tools`, made when it is first looked at. */
export function openTools() {
  made.tools ??= makeTools(grant.limits === null ? NO_NAMES : grant.limits.names ?? readNames());
  return made.tools;
}

/** The namespace of snippets in discovery. */
export const SNIPPETS = "$snippets";
const LATE = "this code belongs to a call of the session that has ended";
const NONE = "no tools are granted to this code";
const NO_NAMES = {
  __proto__: null,
  roots: createList(),
  namespaces: { __proto__: null },
  aliases: { __proto__: null },
};

/** The code may swallow each error, and would look as if it had done its work. */
function warnOfNone(none) {
  if (!made.warned) warn(none + ", and it tried to call one");
  made.warned = true;
}

function makeTools({ roots, namespaces, aliases }) {
  const target = { __proto__: null };
  addMembers(target, "", roots);
  const spaces = ObjectKeys(namespaces);
  for (let i = 0; i < spaces.length; i++) {
    addNamespace(target, spaces[i], namespaces[spaces[i]], aliases[spaces[i]]);
  }
  addAliases(target, aliases[""]);
  addHidden(target, "$search", (query, options) => find("search", query, options));
  addHidden(target, "$describe", (path) => find("describe", path));
  addHidden(target, "$list", (namespace) => find("list", namespace));
  return new CapturedProxy(ObjectFreeze(target), { __proto__: null, get: readRoot });
}

/** Most agents have many tools and use few: a namespace is made when it is first looked at. */
function addNamespace(target, name, members, aliases) {
  let namespace = null;
  const get = () => (namespace ??= makeNamespace(name, members, aliases));
  ObjectDefineProperty(target, name, { __proto__: null, get, enumerable: true });
}

function makeNamespace(name, members, aliases) {
  const target = { __proto__: null };
  addMembers(target, name, members);
  addAliases(target, aliases);
  const get = (object, member) => readMember(object, member, name);
  return new CapturedProxy(ObjectFreeze(target), { __proto__: null, get });
}

function addMembers(target, namespace, members) {
  for (let i = 0; i < members.length; i++) {
    const value = makeTool(namespace, members[i]);
    ObjectDefineProperty(target, members[i], { __proto__: null, value, enumerable: true });
  }
}

/** Other spellings of members: there, and not listed. */
function addAliases(target, aliases) {
  if (aliases === undefined) return;
  const names = ObjectKeys(aliases);
  for (let i = 0; i < names.length; i++) {
    const { [names[i]]: member } = aliases;
    const get = () => target[member];
    ObjectDefineProperty(target, names[i], { __proto__: null, get });
  }
}

function addHidden(target, name, value) {
  ObjectDefineProperty(target, name, { __proto__: null, value: ObjectFreeze(value) });
}

function isMissing(target, name) {
  return typeof name === "string" && !ReflectHas(target, name) &&
    ASKED_BY_THE_LANGUAGE[name] !== true && name !== "__proto__";
}

/** A member of a namespace; what is not there is a function that says what is. */
function readMember(target, name, namespace) {
  return isMissing(target, name) ? makeTool(namespace, name) : ReflectGet(target, name);
}

/** The same at the top, where what is not there may be meant as a namespace. */
function readRoot(target, name) {
  if (!isMissing(target, name)) return ReflectGet(target, name);
  const get = (own, member) =>
    isMissing(own, member) ? makeTool(name, member) : ReflectGet(own, member);
  return new CapturedProxy(makeTool("", name), { __proto__: null, get });
}

// A method, because those are no constructors; bound, so that its text says nothing of ours.
const template = {
  __proto__: null,
  call(namespace, member, ...args) {
    return callTool(namespace, member, args);
  },
  bytes(id) {
    return find("bytes", id, undefined, Uint8ArrayFromBase64);
  },
};

function makeTool(namespace, member) {
  const tool = FunctionPrototypeBind(template.call, undefined, namespace, member);
  ObjectDefineProperty(tool, "name", { __proto__: null, value: member });
  return ObjectFreeze(tool);
}

function callTool(namespace, member, args) {
  const error = blankToolError();
  const path = pathOf(namespace, member);
  const promise = new CapturedPromise((resolve, reject) => {
    const refusal = refusalOf(error, namespace, member, NONE);
    if (refusal !== null) return reject(refusal);
    if (namespace === SNIPPETS) {
      const words = "a snippet is not a tool: write snippets." + member + "(input)";
      return reject(refused(error, path, "unknown_tool", words));
    }
    const fields = ',"namespace":' + quote(namespace) + ',"member":' + quote(member) +
      encodeArguments(args, grant.limits?.arguments ?? 0);
    request("call", fields, ({ error: told }, text) => {
      if (told === undefined) resolve(withBytes(withHttp(JSONParse(text))));
      else reject(fillToolError(error, told));
    });
  });
  return watchReads(promise, path);
}

/**
 * Why no call can be made any more, or by this code; null when it can.
 * @param {any} error that the call has made
 * @param {string} namespace
 * @param {string} member
 * @param {string} none what to say where nothing is granted
 */
export function refusalOf(error, namespace, member, none) {
  const path = pathOf(namespace, member);
  if (grant.limits === null) {
    warnOfNone(none);
    return refused(error, path, "unknown_tool", none);
  }
  if (isLate()) return refused(error, path, "denied", LATE);
  if (++made.called <= grant.limits.calls) return null;
  const words = "the run has made its " + grant.limits.calls + " calls of tools";
  return refused(error, path, "budget", words);
}

/** An HTTP operation's answer comes as `{$http, $body}`: the code gets the body, and what came with
 * it as a property that is not listed. The host wraps whatever else looks so, with null. */
function withHttp(value) {
  if (!isObject(value) || ArrayIsArray(value)) return value;
  const names = ObjectKeys(value);
  if (names.length !== 2 || names[0] !== "$http" || names[1] !== "$body") return value;
  const { $http: http, $body: body } = value;
  if (http === null || !isObject(body)) return body;
  ObjectFreeze(http.headers);
  ObjectDefineProperty(body, "$http", { __proto__: null, value: ObjectFreeze(http) });
  return body;
}

/** Blocks of an answer that the host looks for media among. */
const MOST_BLOCKS = 64;

/** Media stay on the host: what came of them, as the value or in a list of it, can ask for the
 * bytes. */
function withBytes(value) {
  if (!ArrayIsArray(value)) return addBytes(value);
  for (let i = 0; i < value.length && i < MOST_BLOCKS; i++) addBytes(value[i]);
  return value;
}

function addBytes(value) {
  if (typeof value !== "object" || value === null) return value;
  const { $media: id } = value;
  if (typeof id !== "string") return value;
  delete value.$media;
  addHidden(value, "bytes", FunctionPrototypeBind(template.bytes, undefined, id));
  return value;
}

/** An error with the fields that each one of the host has. */
function refused(error, tool, code, message) {
  const fields = { __proto__: null, tool, code, message, retryable: false, effect: "none" };
  return fillToolError(error, fields);
}

function pathOf(namespace, member) {
  return namespace === "" ? member : namespace + "." + member;
}

/** What is asked about, which may stand in an object with the options too. */
const SUBJECTS = {
  __proto__: null,
  search: "query",
  describe: "path",
  list: "namespace",
  bytes: "media",
};

/** Ask about tools; none of it is a call. */
function find(what, subject, options, make = (found) => found) {
  const error = blankToolError();
  const promise = new CapturedPromise((resolve, reject) => {
    const refuse = (code, message) => reject(refused(error, "$" + what, code, message));
    if (grant.limits === null) {
      warnOfNone(NONE);
      if (what === "describe") return refuse("unknown_tool", NONE);
      return resolve(JSONParse("[]"));
    }
    if (isLate()) return refuse("denied", LATE);
    if (++made.asked > grant.limits.asks) {
      const message = "the run has asked about tools " + grant.limits.asks + " times";
      return refuse("budget", message);
    }
    const question = isObject(subject) ? subject[SUBJECTS[what]] : subject;
    if (typeof question !== "string" && (what !== "list" || question !== undefined)) {
      const expected = "(" + SUBJECTS[what] + ") takes a text, such as a word or a path";
      return refuse("invalid_arguments", "$" + what + expected);
    }
    const fields = ',"about":' + quote(what) + ',"subject":' +
      (question === undefined ? "null" : quote(question)) +
      optionFields(isObject(subject) ? subject : options);
    request("ask", fields, ({ error: told }, text) => {
      if (told === undefined) resolve(make(JSONParse(text)));
      else reject(fillToolError(error, told));
    });
  });
  return watchReads(promise, "$" + what);
}

function optionFields(options) {
  if (options === undefined || options === null) return "";
  const { namespaces, limit } = options;
  let fields = "";
  if (typeof limit === "number" && limit >= 1) fields += ',"limit":' + (limit >>> 0);
  if (ArrayIsArray(namespaces)) {
    let list = "";
    for (let i = 0; i < namespaces.length; i++) {
      list += (i === 0 ? "" : ",") + quote("" + namespaces[i]);
    }
    fields += ',"namespaces":[' + list + "]";
  }
  return fields;
}
