// The bytes of buffers, and the values in boxes.

import {
  BigIntPrototypeValueOf,
  BooleanPrototypeValueOf,
  CapturedUint8Array,
  core,
  DataViewGetBuffer,
  DataViewGetByteLength,
  DataViewGetByteOffset,
  NumberPrototypeValueOf,
  StringPrototypeValueOf,
  SymbolPrototypeValueOf,
} from "./primordials.js";

/** The bytes of a buffer or a DataView; none when it is detached. */
export function bytesOf(object) {
  try {
    if (!core.isDataView(object)) return new CapturedUint8Array(object);
    return new CapturedUint8Array(
      DataViewGetBuffer(object),
      DataViewGetByteOffset(object),
      DataViewGetByteLength(object),
    );
  } catch {
    return new CapturedUint8Array(0);
  }
}

export function unboxed(object) {
  if (core.isNumberObject(object)) return NumberPrototypeValueOf(object);
  if (core.isStringObject(object)) return StringPrototypeValueOf(object);
  if (core.isBooleanObject(object)) return BooleanPrototypeValueOf(object);
  if (core.isBigIntObject(object)) return BigIntPrototypeValueOf(object);
  return SymbolPrototypeValueOf(object);
}
