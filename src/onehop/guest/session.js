// What the calls of a session share: names that earlier calls have declared, on the global object.
//
// The host has looked at the text and says which declarations become assignments (`edits`). A name
// that was not assigned yet fails when it is read, and a constant when it is assigned again.

import {
  CapturedError,
  CapturedTypeError,
  compileFunction,
  createList,
  listOf,
  NO_IMPORTS,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectIsExtensible,
  ObjectSetPrototypeOf,
  ReflectApply,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
} from "./primordials.js";
import { source } from "./errors.js";

const globalObject = globalThis;
const CapturedReferenceError = ReferenceError;

/** Stands behind the name of a function in the text; see the host's notebook module. */
const MARK = "\u200d";
const KEEPER = "keep\u200d\u200d";
const LOAD = "load\u200d\u200d";
const SAVE = "save\u200d\u200d";
const MAY_DELETE = "delete\u200d\u200d";

/** @type {{ __proto__: null, calls: number, pending: any, declared: any }} */
const session = {
  __proto__: null,
  calls: 0,
  pending: createList(),
  declared: { __proto__: null },
};

/** Each call is a script of its own, so that a place in another's text is never taken for one. */
export function beginKeptCall() {
  settleAll();
  session.calls++;
  if (session.calls > 1) source.file = "onehop:code" + session.calls + ".js";
}

// --- the text ---

/**
 * The code with its declarations kept; a text when they cannot be: why.
 * @param {string} code
 * @param {SessionJob} kept
 * @param {string} head of the function
 * @param {string} tail
 */
export function compileKept(code, kept, head, tail) {
  const text = "return __run__;" + head + keepFunctions(kept) + "\n" + edit(code, kept.edits) +
    tail;
  const fixed = firstFixed(kept);
  if (fixed !== null) return "the global object has a `" + fixed + "` that cannot be replaced";
  const { stackTraceLimit } = CapturedError;
  CapturedError.stackTraceLimit = 0;
  const { 0: body, 1: error } = compileFunction(text, source.file, NO_IMPORTS, [
    KEEPER,
    LOAD,
    SAVE,
    MAY_DELETE,
  ]);
  CapturedError.stackTraceLimit = stackTraceLimit;
  if (error !== null) return "it is not understood";
  declareAll(kept);
  source.toOriginal = throughEdits(code, kept, source.toOriginal);
  return body(keepFunction, loadVariable, save, mayDelete);
}

function keepFunctions({ functions, strict }) {
  let text = strict ? '"use strict";' : "";
  for (let i = 0; i < functions.length; i++) {
    text += KEEPER + '("' + functions[i] + '",' + functions[i] + MARK + ");";
  }
  return text;
}

function edit(code, edits) {
  let text = "";
  let at = 0;
  for (let i = 0; i < edits.length; i++) {
    const { 0: start, 1: gone, 2: put } = edits[i];
    text += StringPrototypeSlice(code, at, start) + put;
    at = start + gone;
  }
  return text + StringPrototypeSlice(code, at);
}

/**
 * From a place in the edited text to the one in the code, and from there on as before.
 * @param {string} code
 * @param {SessionJob} kept
 * @param {Source["toOriginal"]} further
 * @returns {Source["toOriginal"]}
 */
function throughEdits(code, { edits, values }, further) {
  return (line, column) => {
    const offset = before(edits, offsetOf(edit(code, edits), line, column));
    const place = placeOfOffset(code, asDeclared(values, offset));
    return further === null ? place : further(place.line, place.column);
  };
}

function offsetOf(text, line, column) {
  let start = 0;
  for (let i = 1; i < line; i++) {
    const end = StringPrototypeIndexOf(text, "\n", start);
    if (end < 0) break;
    start = end + 1;
  }
  return start + column - 1;
}

/** Where in the code a character of the edited text comes from. */
function before(edits, offset) {
  let shift = 0;
  for (let i = 0; i < edits.length; i++) {
    const { 0: start, 1: gone, 2: put } = edits[i];
    const at = start + shift;
    if (offset < at) break;
    if (offset < at + put.length) return start + (gone === 0 ? 0 : offset - at);
    shift += put.length - gone;
  }
  return offset - shift;
}

/** V8 tells of an error at the assignment, where it would tell of it at the declared value. */
function asDeclared(values, offset) {
  for (let i = 0; i < values.length; i++) {
    const { 0: start, 1: end, 2: value } = values[i];
    if (offset === start || (offset >= end && offset < value)) return value;
  }
  return offset;
}

/** @returns {Place} */
function placeOfOffset(code, offset) {
  let line = 1;
  let start = 0;
  for (;;) {
    const end = StringPrototypeIndexOf(code, "\n", start);
    if (end < 0 || end >= offset) return { __proto__: null, line, column: offset - start + 1 };
    start = end + 1;
    line++;
  }
}

// --- the names ---

/** The first name that the global object does not let be what it is declared as; null if none is. */
function firstFixed({ lets, consts, variables, functions }) {
  return firstOf(consts, isFixed) ?? firstOf(functions, isFixed) ??
    firstOf(lets, isReadOnly) ?? firstOf(variables, isReadOnly);
}

function firstOf(names, holds) {
  for (let i = 0; i < names.length; i++) if (holds(names[i])) return names[i];
  return null;
}

/** Whether it is a property that stays as it is made: `undefined`, or one that the code has fixed. */
function isFixed(name) {
  const found = ownProperty(name);
  return found === null ? !ObjectIsExtensible(globalObject) : !found.configurable;
}

function isReadOnly(name) {
  return isFixed(name) && !isVariable(ownProperty(name));
}

function noteAll(names) {
  for (let i = 0; i < names.length; i++) session.declared[names[i]] = true;
}

/** Whether `delete` with the name alone is for something else than a variable of the session. */
function mayDelete(name) {
  return session.declared[name] !== true;
}

function declareAll({ lets, consts, variables, functions, fresh }) {
  noteAll(lets);
  noteAll(consts);
  noteAll(variables);
  noteAll(functions);
  for (let i = 0; i < fresh.length; i++) putVariable(fresh[i], undefined);
  for (let i = 0; i < variables.length; i++) declareVariable(variables[i]);
  for (let i = 0; i < lets.length; i++) declare(lets[i], false);
  for (let i = 0; i < consts.length; i++) declare(consts[i], true);
}

function ownProperty(name) {
  const found = ObjectGetOwnPropertyDescriptor(globalObject, name);
  return found === undefined ? null : ObjectSetPrototypeOf(found, null);
}

/** Whether it is a variable that can be assigned as it is. */
function isVariable(found) {
  return found !== null && found.writable === true;
}

function declareVariable(name) {
  const found = ownProperty(name);
  if (!isVariable(found)) putVariable(name, found === null ? undefined : read(found));
}

function declare(name, isConstant) {
  const old = ownProperty(name);
  if (!isConstant && isVariable(old)) return;
  const get = () => {
    if (old !== null) return read(old);
    throw new CapturedReferenceError("Cannot access '" + name + "' before initialization");
  };
  const set = (value) => isConstant ? putConstant(name, value) : putVariable(name, value);
  putAccessor(name, get, set);
  session.pending[session.pending.length] = listOf(name, get, old);
}

function read(found) {
  return found.get === undefined ? found.value : ReflectApply(found.get, globalObject, []);
}

function keepFunction(name, value) {
  ObjectDefineProperty(value, "name", { __proto__: null, value: name, configurable: true });
  putVariable(name, value);
}

/** A loop that holds a variable takes it at its start, and gives it back at its end. */
function loadVariable(name) {
  return globalObject[name];
}

function save(name, value) {
  globalObject[name] = value;
}

function putVariable(name, value) {
  try {
    ObjectDefineProperty(globalObject, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } catch {
    // The code has fixed it since its call began.
  }
}

function putConstant(name, value) {
  const refuse = () => {
    throw new CapturedTypeError("Assignment to constant variable.");
  };
  putAccessor(name, () => value, refuse);
}

function putAccessor(name, get, set) {
  try {
    ObjectDefineProperty(globalObject, name, {
      __proto__: null,
      get,
      set,
      enumerable: true,
      configurable: true,
    });
  } catch {
    // See putVariable.
  }
}

/** What the last call has declared and never reached is as it was before. */
function settleAll() {
  for (let i = 0; i < session.pending.length; i++) {
    const { 0: name, 1: get, 2: old } = session.pending[i];
    if (ownProperty(name)?.get !== get) continue;
    if (old === null) delete globalObject[name];
    else ObjectDefineProperty(globalObject, name, old);
  }
  session.pending = createList();
}
