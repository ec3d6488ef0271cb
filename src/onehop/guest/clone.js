// The guest's structuredClone: values only, without what Deno can clone besides.

import {
  ArrayIsArray,
  CapturedDOMException,
  CapturedTypeError,
  core,
  createList,
  ObjectKeys,
  ObjectSetPrototypeOf,
  plainArray,
} from "./primordials.js";
import { readString } from "./errors.js";

// What these are restored from holds no more than the guest had: text, and parts of its own blobs.
const CLONEABLE = ["DOMException", "Blob", "File"];

/** Deno's own words for a deserializer that threw. */
const NOT_RESTORED = "could not deserialize value";

export function dataCloneError(what) {
  return new CapturedDOMException(what + " cannot be cloned", "DataCloneError");
}

/** The guest's own `structuredClone`, which a port uses too; null before the lockdown. */
export const clones = { __proto__: null, clone: null };

/**
 * Cloning without transfer of streams and ports, and without the types that Deno registers: their
 * deserializers are handed whatever the guest puts behind Deno's brand for host objects. Each of
 * those refuses; without any, Deno would panic.
 */
export function limitStructuredClone() {
  const cloneable = ObjectSetPrototypeOf(core.getCloneableDeserializers(), null);
  for (const name of ObjectKeys(cloneable)) {
    if (CLONEABLE.includes(name)) continue;
    cloneable[name] = () => {
      throw dataCloneError(name);
    };
  }
  const clone = globalThis.structuredClone;
  const cloneOrRefuse = (value, options) => {
    try {
      return clone(value, options);
    } catch (thrown) {
      // A getter of the guest may have thrown the like; it is the same to it.
      if (readString(thrown, "message") !== NOT_RESTORED) throw thrown;
      throw dataCloneError("an object of the platform, such as a CryptoKey,");
    }
  };
  const limited = {
    structuredClone(value, options = undefined) {
      if (arguments.length === 0) throw new CapturedTypeError("structuredClone needs a value");
      if (
        options !== null && typeof options !== "object" && typeof options !== "function" &&
        options !== undefined
      ) {
        throw new CapturedTypeError("the options of structuredClone must be an object");
      }
      const transfer = createList();
      const wanted = options?.transfer;
      if (wanted !== undefined) {
        if (!ArrayIsArray(wanted)) throw new CapturedTypeError("transfer must be an array");
        const length = wanted.length;
        for (let i = 0; i < length; i++) {
          // Read once: the next time a getter may give another object.
          const buffer = wanted[i];
          if (!core.isArrayBuffer(buffer)) {
            throw new CapturedTypeError("only an ArrayBuffer can be transferred");
          }
          for (let j = 0; j < i; j++) {
            if (transfer[j] === buffer) throw dataCloneError("a buffer in transfer twice");
          }
          transfer[i] = buffer;
        }
      }
      return transfer.length === 0
        ? cloneOrRefuse(value)
        : cloneOrRefuse(value, { __proto__: null, transfer: plainArray(transfer) });
    },
  };
  clones.clone = limited.structuredClone;
  return limited;
}
