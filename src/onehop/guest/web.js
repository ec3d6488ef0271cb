// The web's globals in a realm: its classes, each a class of this realm that stands for one
// of the main realm's, and what is the realm's own.
//
// No object of the main realm gets to the guest, and none of the guest's to the main realm, except the
// memory of bytes. What comes from there is converted or stood for (web_guest.js); what goes there is
// stood for by a Proxy (web_main.js), or by a view where it is bytes, so that the same object comes
// back as the same.

import { ReflectApply } from "./primordials.js";
import { classFor } from "./web_classes.js";
import { toGuest } from "./web_guest.js";

/** A global of the web's by its name. */
export function webGlobal(name) {
  if (ours[name] !== undefined) return ours[name];
  return main.classes[name] !== undefined ? classFor(name) : toGuest(main.values[name]);
}

export function makeDOMException(message, name) {
  return new (classFor("DOMException"))(message, name);
}

/** For ports.js. */
export const EventTarget = classFor("EventTarget");
export const MessageEvent = classFor("MessageEvent");

/** What is not one of the main realm's: ports, and the global object as a target of events. */
const ours = { __proto__: null };

/** Add a global by its name. */
export function addGlobal(name, value) {
  ours[name] = value;
}

function addGlobalMethod(key, target) {
  const { [key]: call } = EventTarget.prototype;
  const { [key]: method } = {
    [key](...args) {
      return ReflectApply(call, target, args);
    },
  };
  addGlobal(key, method);
}
const globalTarget = new EventTarget();
addGlobalMethod("addEventListener", globalTarget);
addGlobalMethod("dispatchEvent", globalTarget);
addGlobalMethod("removeEventListener", globalTarget);
