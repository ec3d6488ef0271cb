// Bytes on their way to the main realm, which gets a view of its own over the same memory.
//
// So it sees what the guest writes, and the guest what it writes, but nothing that the guest has put on
// its own view, buffer, or their prototypes.

import {
  core,
  DataViewGetBuffer,
  DataViewGetByteLength,
  DataViewGetByteOffset,
  TypedArrayGetBuffer,
  TypedArrayGetByteOffset,
  TypedArrayGetLength,
  TypedArrayGetTag,
} from "./primordials.js";
import { guarded } from "./boundary.js";

const viewInMain = guarded(main.viewOver);

export function isBytes(value) {
  return core.isAnyArrayBuffer(value) || core.isTypedArray(value) || core.isDataView(value);
}

/** The kind of a view, by the name of its class. */
export function kindOfView(view) {
  return core.isDataView(view) ? "DataView" : TypedArrayGetTag(view);
}

/** A view of the main realm's over bytes; over a whole buffer, where that is what the guest has. */
export function viewForMain(value) {
  if (core.isTypedArray(value)) {
    return viewInMain(
      TypedArrayGetTag(value),
      TypedArrayGetBuffer(value),
      TypedArrayGetByteOffset(value),
      TypedArrayGetLength(value),
    );
  }
  return core.isDataView(value) ? dataViewForMain(value) : viewInMain("Uint8Array", value, 0);
}

function dataViewForMain(view) {
  const buffer = DataViewGetBuffer(view);
  try {
    const length = DataViewGetByteLength(view);
    return viewInMain("DataView", buffer, DataViewGetByteOffset(view), length);
  } catch {
    // Its buffer is detached, or has shrunk: nothing can be read of it.
    return viewInMain("DataView", null);
  }
}
