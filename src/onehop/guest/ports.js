// A MessageChannel of the code to itself: messages are cloned, and delivered in later turns.

import {
  ArrayIsArray,
  CapturedTypeError,
  core,
  createList,
  ObjectDefineProperty,
  ReflectApply,
  TO_STRING_TAG,
  uncurryThis,
} from "./primordials.js";
import { cloneGlobals, dataCloneError } from "./clone.js";
import { nextTurn } from "./turns.js";
import { keepEpoch } from "./epoch.js";

const MAKE_PORT = {};
const EventTargetPrototypeDispatchEvent = uncurryThis(EventTarget.prototype.dispatchEvent);
const EventTargetPrototypeAddEventListener = uncurryThis(EventTarget.prototype.addEventListener);
const CapturedMessageEvent = MessageEvent;

export class MessagePort extends EventTarget {
  /** @type {any} */
  #other = null;
  #waiting = createList();
  #taken = 0;
  #isStarted = false;
  #isClosed = false;
  #onmessage = null;

  constructor(key) {
    if (key !== MAKE_PORT) throw new CapturedTypeError("Illegal constructor");
    super();
    EventTargetPrototypeAddEventListener(this, "message", (event) => {
      if (this.#onmessage !== null) ReflectApply(this.#onmessage, this, [event]);
    });
  }

  static entangle(one, other) {
    one.#other = other;
    other.#other = one;
  }

  get onmessage() {
    return this.#onmessage;
  }

  set onmessage(handler) {
    this.#onmessage = typeof handler === "function" ? handler : null;
    this.start();
  }

  /**
   * @param {unknown} message
   * @param {any} options
   */
  postMessage(message, options = undefined) {
    const transfer = ArrayIsArray(options) ? options : options?.transfer;
    const data = cloneGlobals.structuredClone(message, { __proto__: null, transfer });
    const other = this.#other;
    if (this.#isClosed || other.#isClosed) return;
    other.#waiting[other.#waiting.length] = data;
    if (other.#isStarted) other.#deliverLater();
  }

  start() {
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (let i = this.#taken; i < this.#waiting.length; i++) this.#deliverLater();
  }

  close() {
    this.#isClosed = true;
  }

  #deliverLater() {
    nextTurn(keepEpoch(() => {
      if (this.#isClosed) return;
      const data = this.#waiting[this.#taken];
      this.#waiting[this.#taken++] = undefined;
      const event = new CapturedMessageEvent("message", { __proto__: null, data });
      EventTargetPrototypeDispatchEvent(this, event);
    }));
  }
}

const { entangle } = MessagePort;
delete /** @type {any} */ (MessagePort).entangle;

export class MessageChannel {
  #port1 = new MessagePort(MAKE_PORT);
  #port2 = new MessagePort(MAKE_PORT);

  constructor() {
    entangle(this.#port1, this.#port2);
  }

  get port1() {
    return this.#port1;
  }

  get port2() {
    return this.#port2;
  }
}

function finish(constructor, name) {
  // V8's cloning asks for it, where it would take these for plain objects.
  ObjectDefineProperty(constructor.prototype, core.hostObjectBrand, {
    __proto__: null,
    value() {
      throw dataCloneError("a " + name);
    },
  });
  ObjectDefineProperty(constructor.prototype, TO_STRING_TAG, {
    __proto__: null,
    value: name,
    configurable: true,
  });
}
finish(MessagePort, "MessagePort");
finish(MessageChannel, "MessageChannel");
