// Run one program as the body of an async function; print how it ended, as one line of JSON.
const { code, names, context, evals } = JSON.parse(await new Response(Deno.stdin.readable).text());
const { exit, stdout } = Deno;
const { stringify } = JSON;
const encoder = new TextEncoder();
const encode = encoder.encode.bind(encoder);
// The constructor puts two lines before the body.
const HEAD = 2;

function tell(outcome) {
  stdout.writeSync(encode("\n" + stringify(outcome) + "\n"));
  exit(0);
}

/** The line of the innermost frame that is in the program. */
function lineOf(error) {
  const place = /<anonymous>:(\d+):\d+\)?$/m.exec(error?.stack ?? "");
  return place === null ? null : +place[1] - HEAD;
}

function failure(error) {
  const named = typeof error === "object" && error !== null && "message" in error;
  return {
    success: false,
    error: named ? String(error.name) : "Error",
    message: String(named ? error.message : error),
    line: lineOf(error),
  };
}

/** Make no code from strings, as in the sandbox. */
function forbidEval() {
  const refuse = () => {
    throw new EvalError("Code generation from strings disallowed for this context");
  };
  const handler = { apply: refuse, construct: refuse };
  for (const kind of [function () {}, async () => {}, function* () {}, async function* () {}]) {
    const { prototype } = kind.constructor;
    const stopped = new Proxy(kind.constructor, handler);
    Object.defineProperty(prototype, "constructor", { value: stopped });
  }
  globalThis.Function = Function.prototype.constructor;
  globalThis.eval = refuse;
}

const AsyncFunction = (async () => {}).constructor;
const kept = names && new Set(names);
for (const name of names ? Object.getOwnPropertyNames(globalThis) : []) {
  if (!kept.has(name)) delete globalThis[name];
}
globalThis.context = context;
try {
  const body = AsyncFunction(code);
  if (!evals) forbidEval();
  tell({ success: true, value: (await body()) ?? null });
} catch (error) {
  tell(failure(error));
}
