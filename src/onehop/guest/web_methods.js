// Methods and accessors of this realm that call one of the main realm's.

import {
  createList,
  isObject,
  listOf,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  ReflectApply,
} from "./primordials.js";
import { border, own, ownThrown } from "./boundary.js";
import { kindOfView } from "./bytes.js";
import { listenerToMain, listToMain, objectToMain, toMain } from "./web_main.js";

/** Call a function of the main realm for the guest. */
function invoke(call, self, args, convert) {
  try {
    return border.convert(ReflectApply(call, objectToMain(self), listToMain(args, convert)));
  } catch (thrown) {
    throw ownThrown(thrown);
  }
}

/** Methods that take listeners, other callbacks and iterators, which bytes may be by what is on them. */
const CONVERSIONS = {
  __proto__: null,
  addEventListener: listenerToMain,
  removeEventListener: listenerToMain,
  forEach: objectToMain,
  from: objectToMain,
};

export function methodOf(key, call) {
  const convert = CONVERSIONS[key] ?? toMain;
  const { [key]: method } = {
    [key](...args) {
      return invoke(call, this, args, convert);
    },
  };
  ObjectDefineProperty(method, "length", {
    __proto__: null,
    value: call.length,
    configurable: true,
  });
  return method;
}

const { prototype: ArrayBufferPrototype } = own.ArrayBuffer;

/** What a source of bytes is asked to fill is the one thing that is not copied. */
function viewToFill(view) {
  if (!isObject(view)) return view;
  const { buffer, byteOffset, byteLength } = view;
  // Then it has nothing of the main realm's any more.
  ObjectSetPrototypeOf(buffer, ArrayBufferPrototype);
  return new own[kindOfView(view)](buffer, byteOffset, byteLength);
}

function viewAccessor(get) {
  return /** @this {any} */ function view() {
    try {
      return viewToFill(ReflectApply(get, objectToMain(this), createList()));
    } catch (thrown) {
      throw ownThrown(thrown);
    }
  };
}

export function accessor(key, get) {
  if (key === "view") return viewAccessor(get);
  const { [key]: read } = {
    [key]() {
      return invoke(get, this, createList(), toMain);
    },
  };
  return read;
}

export function setterOf(key, set) {
  const { [key]: write } = {
    [key](value) {
      invoke(set, this, listOf(value), objectToMain);
    },
  };
  return write;
}
