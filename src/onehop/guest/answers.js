// What the worker says of a run: the value that it gave, or why it failed; the first one counts.

import { die, halt, sendChunked, sendFrame } from "./channel.js";
import { describeThrown, errorToJson } from "./errors.js";
import { warningsField, warnOfValues } from "./warnings.js";
import { quoteChunks } from "./values_quoted.js";
import { encodeValue } from "./values.js";
import { consoleState } from "./console.js";

export const answers = {
  __proto__: null,
  state: "warming",
  /** After a value, and after an error: nothing of the guest's may run any more. */
  succeeded: halt,
  failed: halt,
  /** Before an answer is sent: more fields of the frame, as JSON text that starts with a comma. */
  settle: (_isError) => "",
  /** @type {Limits} */
  limits: { output: 0, keep: 0, logs: 0, entries: 0 },
};

/**
 * End the run with an error, once; what follows it is never heard.
 * @param {unknown} thrown
 */
export function fail(thrown) {
  sendError(describeThrown(thrown), false);
}

export function sendError(error, syntax) {
  if (answers.state === "ended") return;
  if (answers.state === "warming") {
    die("it failed before the job: " + error.name + ": " + error.message);
  }
  answers.state = "ended";
  const dropped = ',"dropped":' + consoleState.dropped + answers.settle(true);
  sendFrame("error", ',"error":' + errorToJson(error) + ',"syntax":' + syntax + dropped);
  answers.failed();
}

export function succeed(value) {
  if (sendOutput(value)) answers.succeeded();
}

/** Whether it was sent: no, when the run has ended meanwhile. */
function sendOutput(value) {
  const encoded = encodeValue(value, answers.limits.keep);
  // A getter may have made the run fail meanwhile.
  if (answers.state === "ended") return false;
  const kind = answers.state === "warming" ? "warm" : "result";
  answers.state = "ended";
  warnOfValues(encoded);
  const dropped = ',"dropped":' + consoleState.dropped + answers.settle(false) + warningsField();
  if (encoded.size > answers.limits.output) {
    const text = quoteChunks(encoded.toChunks(), answers.limits.keep);
    sendChunked(kind, ',"bytes":' + encoded.size + dropped, "text", text.chunks, text.size);
  } else if (encoded.chunks === null) {
    sendFrame(kind, dropped + ',"output":' + encoded.text);
  } else {
    sendChunked(kind, dropped, "output", encoded.chunks, encoded.size);
  }
  return true;
}
