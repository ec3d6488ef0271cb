// The guest's structuredClone: values only, without what Deno can clone besides.

import {
  ArrayIsArray,
  CapturedTypeError,
  core,
  createList,
  isObject,
  ObjectKeys,
  ObjectSetPrototypeOf,
  plainArray,
} from "./primordials.js";
import { readString } from "./errors.js";
import { makeDOMException, platformClone } from "./platform.js";

// What these are restored from holds no more than the guest had: text, and parts of its own blobs.
const CLONEABLE = ["DOMException", "Blob", "File"];

/** Deno's own words for a deserializer that threw. */
const NOT_RESTORED = "could not deserialize value";

// As Deno says it.
const FAILED = "Failed to execute 'structuredClone': ";
const NOT_TRANSFERABLE = "Value not transferable";
const TRANSFER = "'transfer' of 'StructuredSerializeOptions' (Argument 2)";

export function dataCloneError(what) {
  return makeDOMException(what + " cannot be cloned", "DataCloneError");
}

/**
 * Have only those cloned, and none of the other types that Deno registers: their deserializers are
 * handed whatever the guest puts behind Deno's brand for host objects. Each of those refuses;
 * without any, Deno would panic.
 * @beforeGuest the lockdown comes before the job
 */
export function limitCloneables() {
  const cloneable = ObjectSetPrototypeOf(core.getCloneableDeserializers(), null);
  for (const name of ObjectKeys(cloneable)) {
    if (!CLONEABLE.includes(name)) cloneable[name] = refuser(name);
  }
}

function refuser(name) {
  return () => {
    throw dataCloneError(name);
  };
}

/**
 * @param {unknown} value
 * @param {any} [options]
 */
function cloneOrRefuse(value, options) {
  try {
    return platformClone(value, options);
  } catch (thrown) {
    // A getter of the guest may have thrown the like; it is the same to it.
    if (readString(thrown, "message") !== NOT_RESTORED) throw thrown;
    throw dataCloneError("an object of the platform, such as a CryptoKey,");
  }
}

/** What may be transferred, each buffer once. */
function readTransfer(wanted) {
  const transfer = createList();
  if (wanted === undefined) return transfer;
  if (!ArrayIsArray(wanted)) {
    throw new CapturedTypeError(FAILED + TRANSFER + " can not be converted to sequence.");
  }
  const length = wanted.length;
  for (let i = 0; i < length; i++) {
    // Read once: the next time a getter may give another object.
    const buffer = wanted[i];
    if (!isObject(buffer)) {
      throw new CapturedTypeError(FAILED + TRANSFER + ", index " + i + " is not an object");
    }
    if (!core.isArrayBuffer(buffer)) throw makeDOMException(NOT_TRANSFERABLE, "DataCloneError");
    for (let j = 0; j < i; j++) {
      if (transfer[j] === buffer) throw dataCloneError("a buffer in transfer twice");
    }
    transfer[i] = buffer;
  }
  return transfer;
}

/** Cloning without transfer of streams and ports. */
export const cloneGlobals = {
  __proto__: null,
  /**
   * @param {unknown} value
   * @param {any} options
   */
  structuredClone(value, options = undefined) {
    if (arguments.length === 0) {
      throw new CapturedTypeError(
        FAILED + "1 argument required, but only 0 present",
      );
    }
    if (!isObject(options) && options !== null && options !== undefined) {
      throw new CapturedTypeError(FAILED + "Argument 2 can not be converted to a dictionary");
    }
    const transfer = readTransfer(options?.transfer);
    return transfer.length === 0
      ? cloneOrRefuse(value)
      : cloneOrRefuse(value, { __proto__: null, transfer: plainArray(transfer) });
  },
};
