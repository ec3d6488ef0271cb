"""The hash of a run's code, computed once, whenever there is time for it."""

from __future__ import annotations

from onehop.types import code_hash


class Digest:
    """Of one code."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._value = ""

    def compute(self) -> str:
        """The hash."""
        self._value = self._value or code_hash(self._code)
        return self._value
