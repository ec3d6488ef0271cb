// The stacks that the code can read: frames of the caller's text only, where that text has them.
//
// V8 asks `Error.prepareStackTrace` for the text of each stack when it is first read, so ours stands
// there; what the code puts in its place gets call sites of the same kind.

import {
  CapturedError,
  createList,
  ErrorPrototypeToString,
  isObject,
  ObjectDefineProperty,
  plainArray,
  ReflectApply,
  StringPrototypeEndsWith,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  WeakMapPrototypeSet,
} from "./primordials.js";
import { firstStacks, placeInText, source } from "./errors.js";
import { callSiteMethods } from "./platform.js";

const WRAPPER = "__run__";
/** Frames that V8 collects: ten as usual, and those of ours that lie below the code and are left out. */
const FRAMES = 16;

const stacks = {
  __proto__: null,
  /** Function that the guest has put in place of ours. */
  guestPrepare: null,
  /** @type {any} */
  callSite: null,
  /**
   * The methods of V8's call sites by name, each as a function of the site.
   * @type {any}
   */
  siteMethods: { __proto__: null },
};

/** What a call site says of itself without a position or an object of somebody's. */
const PLAIN_ANSWERS = [
  "getTypeName",
  "getMethodName",
  "getEvalOrigin",
  "isToplevel",
  "isEval",
  "isNative",
  "isConstructor",
  "isAsync",
  "isPromiseAll",
  "getPromiseIndex",
];

/**
 * The class of a frame of the guest's code, as `Error.prepareStackTrace` of the guest gets it. Hardly any
 * code has one, so it is made when it is needed.
 */
function callSiteClass() {
  class CallSite {
    #site;
    #place;

    constructor(site, place) {
      this.#site = site;
      this.#place = place;
    }

    getFileName() {
      return this.#place.file;
    }

    getScriptNameOrSourceURL() {
      return this.#place.file;
    }

    getLineNumber() {
      return this.#place.line;
    }

    getColumnNumber() {
      return this.#place.column;
    }

    getFunctionName() {
      const name = stacks.siteMethods.getFunctionName(this.#site);
      return name === WRAPPER ? null : name;
    }

    getThis() {}

    getFunction() {}

    toString() {
      return frameText(this.#site, this.#place);
    }

    static {
      for (let i = 0; i < PLAIN_ANSWERS.length; i++) {
        const name = PLAIN_ANSWERS[i];
        const method = {
          [name]() {
            return stacks.siteMethods[name](this.#site);
          },
        };
        ObjectDefineProperty(this.prototype, name, {
          __proto__: null,
          value: method[name],
          writable: true,
          configurable: true,
        });
      }
      // Nobody needs to make one.
      delete /** @type {any} */ (this.prototype).constructor;
    }
  }
  return CallSite;
}

/** The frame in V8's words, at the caller's position, and without the name of our wrapper. */
function frameText(site, { file, line, column }) {
  const shown = file + ":" + line + ":" + column;
  const { toString: siteText } = stacks.siteMethods;
  const text = siteText(site);
  const at = StringPrototypeLastIndexOf(text, source.file + ":");
  if (at < 0) return shown;
  const before = StringPrototypeSlice(text, 0, at);
  if (before === WRAPPER + " (" || before === "async " + WRAPPER + " (") return shown;
  return before + shown + (StringPrototypeEndsWith(text, ")") ? ")" : "");
}

/** What `take` makes of each frame that is the guest's. */
function ownFrames(sites, take) {
  for (let i = 0; i < sites.length; i++) {
    const site = sites[i];
    const place = placeInText(
      stacks.siteMethods.getFileName(site),
      stacks.siteMethods.getLineNumber(site),
      stacks.siteMethods.getColumnNumber(site),
    );
    if (place !== null) take(site, place);
  }
}

function headerOf(error) {
  try {
    return ErrorPrototypeToString(error);
  } catch {
    return ""; // the error has a name or a message that is no text
  }
}

function framesText(sites) {
  let text = "";
  ownFrames(sites, (site, place) => (text += "\n    at " + frameText(site, place)));
  return text;
}

function callSites(sites) {
  const own = createList();
  const CallSite = stacks.callSite ??= callSiteClass();
  ownFrames(sites, (site, place) => (own[own.length] = new CallSite(site, place)));
  return plainArray(own);
}

function prepareStackTrace(error, sites) {
  const frames = framesText(sites);
  if (isObject(error)) WeakMapPrototypeSet(firstStacks, error, frames);
  if (stacks.guestPrepare === null) return headerOf(error) + frames;
  return ReflectApply(stacks.guestPrepare, CapturedError, [error, callSites(sites)]);
}

/**
 * Put ours into `Error.prepareStackTrace`. An accessor, so that the code can have its own function
 * called, but never with V8's call sites.
 */
export function takeStacks() {
  stacks.siteMethods = callSiteMethods();
  CapturedError.stackTraceLimit = FRAMES;
  ObjectDefineProperty(CapturedError, "prepareStackTrace", {
    __proto__: null,
    get() {
      return prepareStackTrace;
    },
    set(value) {
      // A class that inherits from Error gets a property of its own, which V8 does not ask.
      if (this === CapturedError) {
        stacks.guestPrepare = typeof value === "function" && value !== prepareStackTrace
          ? value
          : null;
      } else {
        ObjectDefineProperty(this, "prepareStackTrace", {
          __proto__: null,
          value,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
    },
    enumerable: false,
    configurable: false,
  });
}
