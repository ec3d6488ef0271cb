// The web's classes: each is one of this realm that stands for one of the main realm's.

import {
  CapturedMap,
  MapPrototypeGet,
  MapPrototypeSet,
  ObjectDefineProperty,
  WeakMapPrototypeSet,
} from "./primordials.js";
import { own } from "./boundary.js";
import { ask, blank, guestOf, link } from "./web_pairs.js";
import { listToMain, objectToMain } from "./web_main.js";
import { accessor, methodOf, setterOf } from "./web_methods.js";

/** By name. */
const classes = new CapturedMap();

/** The class of this realm that stands for the one with that name. */
export function classFor(name) {
  const known = MapPrototypeGet(classes, name);
  if (known !== undefined) return known;
  const { inner, parent, isError, members } = main.classes[name];
  const made = isError && parent === ""
    ? derived(name, own.Error, inner, true)
    : parent === ""
    ? base(name, inner)
    : derived(name, classFor(parent), inner, isError);
  MapPrototypeSet(classes, name, made);
  WeakMapPrototypeSet(guestOf, inner, made);
  for (let i = 0; i < members.length; i++) addMember(made, members[i]);
  return made;
}

/** No constructor takes bytes as they are: what it takes has them within. */
function build(prototype, inner, args, isError) {
  return link(blank(prototype, isError), ask.construct(inner, listToMain(args, objectToMain)));
}

function base(name, inner) {
  const { [name]: made } = {
    [name]: class {
      constructor(...args) {
        return build(new.target.prototype, inner, args, false);
      }
    },
  };
  return made;
}

function derived(name, parent, inner, isError) {
  const { [name]: made } = {
    [name]: class extends parent {
      // @ts-expect-error: what it returns is not made by the parent
      constructor(...args) {
        return build(new.target.prototype, inner, args, isError);
      }
    },
  };
  return made;
}

function addMember(made, { key, isStatic, call, get, set, value, enumerable }) {
  const descriptor = { __proto__: null, enumerable, configurable: true };
  if (call !== undefined) {
    descriptor.value = methodOf(key, call);
    descriptor.writable = true;
  } else if (get === undefined) {
    descriptor.value = value;
  } else {
    descriptor.get = accessor(key, get);
    if (set !== undefined) descriptor.set = setterOf(key, set);
  }
  ObjectDefineProperty(isStatic ? made : made.prototype, key, descriptor);
}
