"""CPU time that the examination of one program may take."""

from __future__ import annotations

import time

_STRIDE = 16


class OutOfTime(Exception):  # noqa: N818  # a plain condition, never seen outside of this room
    """The budget is spent; what was found until then stands."""


class Budget:
    """Ends work on a program that is made to be hard to examine."""

    def __init__(self, seconds: float) -> None:
        self._end = time.thread_time() + seconds
        self._steps = 0

    @property
    def is_spent(self) -> bool:
        """Whether there is no time left."""
        return time.thread_time() > self._end

    def spend(self, steps: int = 1) -> None:
        """Raise OutOfTime when there is no time left; called at every step of work."""
        self._steps += steps
        if self._steps >= _STRIDE:
            self._steps = 0
            if self.is_spent:
                raise OutOfTime
