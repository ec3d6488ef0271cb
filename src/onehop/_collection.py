"""Python's cycle collector, kept from looking in vain: at large JSON, where it costs several times
as much as the JSON, and at what a server has loaded."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic_core import from_json

_LARGE = 64 * 1024
"""Bytes of JSON below which a pause is not worth its price."""


def keep_what_is_loaded() -> None:
    """Let no collection look again at what there is now: a full one would take 100 ms, in which a
    server answers nobody, to find that all of its modules are still in use."""
    gc.freeze()


def read_json(text: bytes) -> Any:
    """Strict JSON: no NaN, no lone surrogates, at most 200 levels, integers of 4300 digits. Raises
    ValueError."""
    if len(text) < _LARGE:
        return from_json(text, allow_inf_nan=False)
    with no_collection(len(text)):
        return from_json(text, allow_inf_nan=False)


@contextmanager
def no_collection(size: int) -> Iterator[None]:
    """Build ``size`` bytes' worth of plain data while no collection runs.

    Such data has no cycles, but each of its many objects brings the next collection nearer, the
    full one included, which looks at all that the process holds. After the pause, the next one is
    of the young objects only.
    """
    if size < _LARGE or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
