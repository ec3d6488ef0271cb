// What V8 says of a program before it runs: for the processes that read programs and run none.

// deno-lint-ignore-file guest/globals guest/iteration -- no guest runs in a compiler

import { core, NO_IMPORTS } from "./primordials.js";

// As the code will be compiled in the worker (run.js).
export const FUNCTION_HEAD = "async function __run__() {";
export const FUNCTION_TAIL = "\n}";
const CHECKED_FILE = "onehop:checked.js";

/** What V8 says of the body of a function; null when it is one. */
export function findError(body) {
  // Without a stack, V8 reports the place of the message, which is the place in the text.
  Error.stackTraceLimit = 0;
  const text = FUNCTION_HEAD + body + FUNCTION_TAIL;
  const [, error] = core.compileFunction(text, CHECKED_FILE, NO_IMPORTS, []);
  if (error === null) return null;
  const [frame] = core.destructureError(error.thrown).frames;
  const line = frame?.lineNumber ?? 0;
  const shift = line === 1 ? FUNCTION_HEAD.length : 0;
  return { words: error.thrown.message, line, column: (frame?.columnNumber ?? 0) - shift };
}
