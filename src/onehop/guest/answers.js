// What the worker says of a run: the value that it gave, or why it failed; the first one counts.

import { die, halt, sendChunked, sendFrame } from "./channel.js";
import { describeThrown, errorToJson } from "./errors.js";
import { warningsField, warnOfValues } from "./warnings.js";
import { encodeValue, quoteChunks } from "./values.js";
import { consoleState } from "./console.js";
import { isListening } from "./second.js";

export const answers = {
  __proto__: null,
  state: "warming",
  /**
   * What comes after the answer; null: nothing, and the host ends the process.
   * @type {(() => void) | null}
   */
  goOn: null,
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
  const dropped = ',"dropped":' + consoleState.dropped + openField();
  sendFrame("error", ',"error":' + errorToJson(error) + ',"syntax":' + syntax + dropped);
  goOn();
}

export function succeed(value) {
  sendOutput("result", value);
  goOn();
}

/** Of a session: whether the host has been asked something, so that no other call can follow. */
function openField() {
  return answers.goOn !== null && isListening() ? ',"open":true' : "";
}

function goOn() {
  if (answers.goOn === null) halt();
  else answers.goOn();
}

export function sendOutput(kind, value) {
  const encoded = encodeValue(value, answers.limits.keep);
  // A getter may have made the run fail meanwhile.
  if (answers.state === "ended") return;
  if (kind === "result") answers.state = "ended";
  warnOfValues(encoded);
  const dropped = ',"dropped":' + consoleState.dropped + openField() + warningsField();
  if (encoded.size > answers.limits.output) {
    const text = quoteChunks(encoded.toChunks(), answers.limits.keep);
    sendChunked(kind, ',"bytes":' + encoded.size + dropped, "text", text.chunks, text.size);
  } else if (encoded.chunks === null) {
    sendFrame(kind, dropped + ',"output":' + encoded.text);
  } else {
    sendChunked(kind, dropped, "output", encoded.chunks, encoded.size);
  }
}
