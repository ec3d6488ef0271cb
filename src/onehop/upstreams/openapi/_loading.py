"""A document as plain data: JSON or YAML, bounded in bytes, values and levels."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from onehop.inputs.gc import no_collection
from onehop.inputs.values import has_more_values
from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._faults import DocumentError
from onehop.upstreams.openapi._yaml import read_yaml

_BOM: Final = b"\xef\xbb\xbf"


def read_file(path: str) -> bytes:
    """Raises DocumentError."""
    try:
        with Path(path).expanduser().open("rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise DocumentError(f"{path} is not a file")
            data = stream.read(_bounds.DOCUMENT + 1)
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _bounds.DOCUMENT:
        raise DocumentError(f"it has more than {_bounds.DOCUMENT} bytes")
    return data


def read_data(data: bytes) -> Any:
    """What a document holds, or a list of patches. Raises DocumentError."""
    data = data.removeprefix(_BOM)
    with no_collection(len(data)):
        return _json(data) if data.lstrip()[:1] in (b"{", b"[") else read_yaml(data)


def _json(data: bytes) -> Any:
    if has_more_values(data, _bounds.VALUES):
        raise DocumentError(f"it has more than {_bounds.VALUES} values")
    try:
        return from_json(data, allow_inf_nan=False, cache_strings="all")
    except ValueError as error:
        json_error = str(error)[:200]
    try:
        return read_yaml(data)  # a mapping in braces is YAML too
    except DocumentError:
        raise DocumentError(f"it is not JSON: {json_error}") from None
