// What to write instead of a name that other environments have and this one has not.

import { RegExpPrototypeExec, StringPrototypeIndexOf } from "./primordials.js";

const NO_NETWORK = "there is no network; what the code needs belongs in `context`";
const NO_FILES = "there are no files; what the code needs belongs in `context`, return the result";
const NO_PAGE = "there is no page; use the data in `context`, and return the result";
const NO_MODULES = "there are no modules; use the built-in globals, and return the result";
const NO_STORAGE = "nothing is kept between runs; return what is needed later";
const NO_DIALOG = "nobody is there to answer; use console.log, and read input from `context`";
const NO_NODE = "this is not a workflow node; its data belongs in `context`, return the result";
const NO_PYTHON = "the code is JavaScript, not Python; use ";

/** Pairs of an advice and the names that it is for; a function, because most runs need none. */
const adviceForNames = () => [
  [
    "bytes are Uint8Array here; use TextEncoder and TextDecoder for text, " +
    "Uint8Array.fromBase64(text) and bytes.toBase64() for base64, fromHex and toHex for hex",
    "Buffer",
  ],
  [
    NO_NETWORK,
    "fetch XMLHttpRequest WebSocket EventSource Request Response Headers FormData axios",
  ],
  [NO_NETWORK, "http https net"],
  [NO_FILES, "fs readFile readFileSync writeFile writeFileSync FileReader"],
  [NO_PAGE, "document window location DOMParser HTMLElement MutationObserver getComputedStyle"],
  [NO_PAGE, "requestAnimationFrame jQuery $"],
  [NO_MODULES, "require module exports __dirname __filename importScripts"],
  [NO_MODULES, "_ lodash moment dayjs luxon DateTime cheerio React os path util child_process"],
  [NO_STORAGE, "localStorage sessionStorage indexedDB caches"],
  [NO_DIALOG, "alert confirm prompt"],
  [NO_NODE, "$json $input $node $items $item items $workflow $execution $now $today $vars $env"],
  [
    "there is no process; put values of process.env and process.argv into `context`, and " +
    "use return for process.exit, console.log for process.stdout",
    "process",
  ],
  ["the global object is globalThis", "global GLOBAL root"],
  ["there is only the language, its standard objects and the data in `context`", "Deno Bun"],
  ["there are no workers; do the work in one piece", "Worker SharedWorker BroadcastChannel"],
  ["there is no WebAssembly; write it in JavaScript", "WebAssembly"],
  ["use await new Promise((done) => setTimeout(done, ms))", "sleep"],
  ["use console.assert, or throw an Error", "assert"],
  [NO_PYTHON + "console.log", "print"],
  [NO_PYTHON + "null, true and false", "None True False"],
  [NO_PYTHON + "`.length`", "len"],
];

/** Of the globals that are here, functions that their namesakes elsewhere have. */
const adviceForMembers = () => [
  [
    'use await crypto.subtle.digest("SHA-256", bytes), which gives an ArrayBuffer',
    "crypto.createHash",
  ],
  ["use await crypto.subtle.importKey and crypto.subtle.sign with HMAC", "crypto.createHmac"],
  [
    "use crypto.getRandomValues(new Uint8Array(n))",
    "crypto.randomBytes crypto.randomInt crypto.randomFillSync",
  ],
];

const ABSENT = /^(?:([\w$]{1,40}) is not defined|(\w{1,40}\.\w{1,40}) is not a function)$/;

/** The advice of the last pair that has the name; undefined when there is none. */
function adviceFor(pairs, name) {
  const wanted = " " + name + " ";
  for (let i = pairs.length - 1; i >= 0; i--) {
    if (StringPrototypeIndexOf(" " + pairs[i][1] + " ", wanted) >= 0) return pairs[i][0];
  }
}

/** V8's message about a name or a function that is not there, with what to write instead where that is known. */
export function withAdvice(message) {
  const match = RegExpPrototypeExec(ABSENT, message);
  if (match === null) return message;
  const advice = match[1] === undefined
    ? adviceFor(adviceForMembers(), match[2])
    : adviceFor(adviceForNames(), match[1]);
  return advice === undefined ? message : message + ": " + advice;
}
