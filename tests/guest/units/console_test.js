import assert from "node:assert/strict";
import { inspect as inspectByNode } from "node:util";
import { format, numberText } from "../../../src/onehop/guest/console.js";
import { inspectValue } from "../../../src/onehop/guest/inspect.js";
import { setSecondPart } from "../../../src/onehop/guest/second.js";
import { logTable, refuseColumns } from "../../../src/onehop/guest/table.js";

setSecondPart({ inspectValue, logTable, refuseColumns });

const FORMATTED = [
  [[], ""],
  [["plain", "text"], "plain text"],
  [["%s is %d", "six", 6], "six is 6"],
  [["%i %f", "42.9px", "1.5x"], "42 1.5"],
  [["%d", 5n], "5n"],
  [["%d", Symbol("a")], "NaN"],
  [["%s", -0], "-0"],
  [["%j", { a: [1] }], '{"a":[1]}'],
  [["%c-", "color: red"], "-"],
  [["100%"], "100%"],
  [["%% %s", 1], "% 1"],
  [["%%"], "%%"],
  [["%s"], "%s"],
  [["%x", 1], "%x 1"],
  [["%s", { toString: () => "own" }], "own"],
  [["a", { b: 1 }, [2]], "a { b: 1 } [ 2 ]"],
  [[{ a: "x" }, "y"], "{ a: 'x' } y"],
];

for (const [args, text] of FORMATTED) {
  Deno.test("format " + inspectByNode(args), () => assert.equal(format(args), text));
}

Deno.test("a circle in %j is told", () => {
  const circle = {};
  circle.self = circle;
  assert.equal(format(["%j", circle]), "[Circular]");
});

Deno.test("a value that throws when it is shown is told in its place", () => {
  const inspector = {
    [Symbol.for("nodejs.util.inspect.custom")]() {
      throw new TypeError("not now");
    },
  };
  assert.equal(format(["a", inspector, "b"]), "a [Threw: not now] b");
});

Deno.test("text beyond the bound is cut and counted", () => {
  assert.equal(format(["x".repeat(70_000)]), "x".repeat(65_536) + " … (4464 more characters)");
});

Deno.test("numbers keep the sign of zero", () => {
  assert.deepEqual([-0, 0, 1e21].map(numberText), ["-0", "0", "1e+21"]);
});

const circle = { name: "c" };
circle.self = circle;

const SHOWN = [
  [1, "a", null, undefined, -0, 5n, Symbol("s")],
  { a: { b: { c: { d: 1 } } } },
  new Map([["k", { v: [1, 2] }]]),
  new Set(["it's", 'a "quote"', "line\nbreak"]),
  Array.from({ length: 120 }, (_, i) => i),
  "long ".repeat(40).split(" "),
  [1, , , 4],
  Object.assign(() => {}, { field: 1 }),
  class Named extends Map {},
  new (class Point {
    x = 1;
  })(),
  Object.create(null, { hidden: { value: 1 }, shown: { value: 2, enumerable: true } }),
  {
    get a() {
      return 1;
    },
    set b(_value) {
      throw new Error("nobody sets it");
    },
  },
  new Uint8Array([1, 2]),
  new Date(0),
  /a+/g,
  [Promise.resolve(1), new Promise(() => {})],
  circle,
  [Object(1), Object("text"), Object(false)],
];

for (const value of SHOWN) {
  const expected = inspectByNode(value);
  Deno.test("shown as Node does: " + expected.slice(0, 40).replace(/\s+/g, " "), () => {
    assert.equal(inspectValue(value, 2), expected);
  });
}
