"""Large JSON without Python's cycle collector, which costs several times as much as the JSON."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_LARGE = 64 * 1024
"""Bytes of JSON below which a pause is not worth its price."""


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
