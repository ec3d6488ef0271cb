"""Memory that large requests and answers took goes back to the machine."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any, Final

_LARGE: Final = 64 * 1024
"""Bytes of a request or an answer; less leaves nothing behind that is worth a look."""
_REST_SECONDS: Final = 5.0
"""From such an answer to the look: what came with it is gone by then, and others share the look."""


class SpareMemory:
    """Gives back what the C library keeps of memory that is not used any more.

    glibc keeps it between blocks that are in use: 160 answers of 4 MB that nobody read left 400 MB
    behind. To go through it takes some ms, in a thread, and 0.1 s when there is that much. (To have
    each large block mapped by itself, by mallopt(3), would cost each large answer a sixth more CPU,
    and leave more behind.) Other C libraries have no ``malloc_trim``, and are left as they are.
    """

    def __init__(self) -> None:
        self._trim: Callable[[int], Any] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._is_due = False

    def used(self, size: int) -> None:
        """A request or answer of so many bytes has been carried, or was given up."""
        if size >= _LARGE and self._trim is not None and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_REST_SECONDS, self._give_back, self._trim)

    def _give_back(self, trim: Callable[[int], Any]) -> None:
        self._is_due = False
        asyncio.get_running_loop().run_in_executor(None, trim, 0)
