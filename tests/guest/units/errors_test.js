import assert from "node:assert/strict";
import {
  behindProxies,
  briefly,
  cleanStacks,
  cut,
  describeThrown,
  errorToJson,
  isError,
  nameAndMessage,
  placeInText,
  readStack,
  readString,
  source,
} from "../../../src/onehop/guest/errors.js";

const FILE = "onehop:code.js";

const TOLD = [
  ["an error", new RangeError("too far"), "RangeError", "too far"],
  ["text", "just text", "Error", "just text"],
  ["a Proxy of an error", new Proxy(new TypeError("t"), {}), "TypeError", "t"],
  ["a name that is no text", Object.assign(new Error("m"), { name: 5 }), "Error", "m"],
  ["an empty name", Object.assign(new Error("m"), { name: "" }), "Error", "m"],
  ["a long name", Object.assign(new Error(""), { name: "N".repeat(300) }), null, ""],
];

for (const [what, thrown, name, message] of TOLD) {
  Deno.test("what is told of " + what, () => {
    const told = nameAndMessage(thrown);
    if (name !== null) assert.equal(told.name, name);
    assert.equal(told.message, message);
    assert.ok(told.name.length < 250);
  });
}

Deno.test("a name that is not there comes with what to write instead", () => {
  const { message } = nameAndMessage(new ReferenceError("process is not defined"));
  assert.match(message, /^process is not defined: there is no process/);
});

Deno.test("an error whose getters throw is told all the same", () => {
  const hostile = new Error("m");
  for (const name of ["message", "name", "stack", "cause", "errors"]) {
    Object.defineProperty(hostile, name, {
      get() {
        throw new Error("no");
      },
    });
  }
  const { name, message, stack, line } = describeThrown(hostile);
  assert.deepEqual({ name, message, stack, line }, {
    name: "Error",
    message: "",
    stack: null,
    line: null,
  });
});

Deno.test("causes and errors are told, a few of them", () => {
  const cause = new Error("outer", { cause: new Error("inner") });
  assert.equal(describeThrown(cause).message, "outer (cause: inner)");
  const many = new AggregateError([1, 2, 3, 4, 5].map((i) => new Error("e" + i)), "all");
  assert.equal(describeThrown(many).message, "all (e1; e2; e3; …)");
});

Deno.test("a place is the caller's: without the line that the wrapper adds", () => {
  assert.deepEqual({ ...placeInText(FILE, 3, 7) }, { file: "code.js", line: 2, column: 7 });
  assert.deepEqual({ ...placeInText(FILE, 1, 9) }, { file: "code.js", line: 1, column: 1 });
  assert.equal(placeInText("onehop:guest", 3, 7), null);
  assert.equal(placeInText(FILE, null, null), null);
});

Deno.test("a place in compiled code is one in its TypeScript, or none", () => {
  source.toOriginal = (line, column) => line === 9 ? null : { line: line * 10, column };
  source.shownAs = "code.ts";
  try {
    assert.deepEqual({ ...placeInText(FILE, 3, 7) }, { file: "code.ts", line: 20, column: 7 });
    assert.equal(placeInText(FILE, 10, 7), null);
  } finally {
    source.toOriginal = null;
    source.shownAs = "code.js";
  }
});

const STACK = `Error: m
    at inner (${FILE}:3:9)
    at Array.map (<anonymous>)
    at async __run__ (${FILE}:5:1)
    at onehop:guest:10:2`;

Deno.test("a stack has the caller's frames only", () => {
  const { text, line, column } = readStack(STACK, "m");
  assert.equal(text, "\n    at inner (code.js:2:9)\n    at code.js:4:1");
  assert.deepEqual([line, column], [2, 9]);
});

Deno.test("a message that looks like a frame is not one", () => {
  const message = `\n    at x (${FILE}:8:8)`;
  assert.equal(readStack("Error: " + message + `\n    at ${FILE}:2:1`, message).line, 1);
});

Deno.test("shown text loses the frames of others", () => {
  const text = `[Error: m\n    at f (${FILE}:2:3)\n    at ext:core/01_core.js:1:1 {\n  code: 1\n}]`;
  assert.equal(cleanStacks(text), "[Error: m\n    at f (code.js:1:3) {\n  code: 1\n}]");
});

Deno.test("what is an error", () => {
  function Old() {}
  Old.prototype = Object.create(Error.prototype);
  const errors = [new Error(), new Proxy(new Error(), {}), new Old()];
  assert.deepEqual(errors.map(isError), [true, true, true]);
  const others = [{ message: "m" }, "Error", null, Proxy.revocable({}, {}).proxy];
  assert.deepEqual(others.map(isError), [false, false, false, false]);
});

Deno.test("a Proxy is looked behind without its handler", () => {
  const target = {};
  const handler = new Proxy({}, {
    get() {
      throw new Error("asked");
    },
  });
  assert.equal(behindProxies(new Proxy(target, handler)), target);
});

Deno.test("texts are cut and counted", () => {
  assert.equal(cut("abcdef", 4), "abcd … (2 more characters)");
  assert.equal(cut("abcd", 4), "abcd");
  assert.equal(briefly(new Error("x".repeat(300))).length, 200 + " … (100 more characters)".length);
});

Deno.test("a property is read as text or not at all", () => {
  assert.equal(readString({ a: "t" }, "a"), "t");
  assert.equal(readString({ a: 1 }, "a"), null);
  assert.equal(readString(null, "a"), null);
});

Deno.test("the error of a frame is JSON", () => {
  const failure = { name: 'N"', message: "\ud800", stack: null, line: 3, column: null };
  const message = "\ufffd";
  assert.deepEqual(JSON.parse(errorToJson(failure)), { ...failure, message });
});
