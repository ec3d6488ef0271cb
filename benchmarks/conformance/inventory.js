// Every property that a program can reach by name from the globals named, as `path: what it is`.
// Level by level, so that an object gets the same path where there are other globals beside these.
// The script is the head of a program, which then has `inventory()` and `describe()`.
const OF_FUNCTIONS = ["length", "name", "caller", "arguments"];

function inventory(names) {
  const seen = new Map();
  const found = {};
  const waiting = [];
  for (const name of names) note(globalThis, name, name);
  for (let next; (next = waiting.shift()) !== undefined;) enter(...next);
  return found;

  function note(holder, key, path) {
    const property = Object.getOwnPropertyDescriptor(holder, key);
    if (property === undefined) return;
    found[path] = kind(property);
    meet(property.value, path);
  }

  function meet(value, path) {
    if (Object(value) !== value || seen.has(value)) return;
    seen.set(value, path);
    waiting.push([value, path]);
  }

  function enter(value, path) {
    for (const key of Reflect.ownKeys(value)) {
      // A function's own are in its line; what a program defines itself is not looked at.
      if (typeof value === "function" && OF_FUNCTIONS.includes(key)) continue;
      note(value, key, typeof key === "symbol" ? `${path}[${key.description}]` : `${path}.${key}`);
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Function.prototype) return;
    meet(prototype, path + "<prototype>");
    found[path + "<prototype>"] = "inherits " + seen.get(prototype);
  }

  function kind({ value, get, set, writable, enumerable, configurable }) {
    const flags = (writable ? "w" : "") + (enumerable ? "e" : "") + (configurable ? "c" : "");
    if (get || set) return `accessor ${get ? "get" : ""}${set ? "set" : ""} ${flags}`;
    if (typeof value === "function") return `function ${value.name}/${value.length} ${flags}`;
    if (Object(value) === value) return `object ${flags}`;
    return typeof value === "symbol" ? `symbol ${flags}` : `${typeof value} ${String(value)} ${flags}`;
  }
}

/** A value as a text that is the same wherever the same value came out. */
function describe(value, depth = 3) {
  if (typeof value === "string") return JSON.stringify(value).slice(0, 200);
  if (typeof value === "function") return `function ${value.name}`;
  if (Object(value) !== value) return Object.is(value, -0) ? "-0" : `${typeof value} ${String(value)}`;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (depth === 0) return tag;
  const list = ["Map", "Set", "Array"].includes(tag) || ArrayBuffer.isView(value);
  if (list && tag !== "DataView") return `${tag} ${parts([...value].slice(0, 30), depth)}`;
  if (["Date", "RegExp", "Number", "String", "Boolean", "Symbol"].includes(tag)) {
    return `${tag} ${tag === "Date" ? +value : String(value)}`;
  }
  return `${tag} {${Object.keys(value).slice(0, 20).map((key) => key + ": " + describe(value[key], depth - 1))}}`;
}

function parts(values, depth) {
  return "[" + values.map((value) => describe(value, depth - 1)).join(", ") + "]";
}
