"""How much of a run's time is its own: it stands still while the run only waits for tools."""

from __future__ import annotations


class RunClock:
    """Times are those of the event loop, in seconds.

    While a call of a tool is open, time counts only as far as the worker uses the processor, which
    the host measures: a program that computes meanwhile does not only wait.
    """

    def __init__(self, now: float, most: float) -> None:
        """``most`` seconds of waiting do not count; more does."""
        self._began = now
        self._most = most
        self._open = 0
        self._opened = 0.0
        self._waited = 0.0
        self._only = 0.0
        self._seen = (0.0, 0.0)
        """Time in which calls were open, and that of the processor, at the last look."""

    @property
    def is_open(self) -> bool:
        """Whether a call is open."""
        return self._open > 0

    @property
    def has_waited(self) -> bool:
        """Whether a call was ever open."""
        return self._open > 0 or self._waited > 0

    def open(self, now: float) -> None:
        """A call begins."""
        if self._open == 0:
            self._opened = now
        self._open += 1

    def close(self, now: float) -> None:
        """A call has its answer."""
        self._open -= 1
        if self._open == 0:
            self._waited += now - self._opened

    def waited(self, now: float) -> float:
        """Time in which calls were open."""
        return self._waited + (now - self._opened if self._open else 0.0)

    def only_waited(self, now: float, cpu_seconds: float) -> float:
        """Time in which calls were open and nothing else ran: without what the processor did
        meanwhile. To be asked often, since what it did between two looks counts as one."""
        waited, cpu = self.waited(now), cpu_seconds
        self._only += max(0.0, (waited - self._seen[0]) - (cpu - self._seen[1]))
        self._seen = (waited, cpu)
        return self._only

    def own(self, now: float, cpu_seconds: float) -> float:
        """The run's own time: the rest, or the processor's where that is more."""
        waited = min(self.waited(now), self._most)
        return max(now - self._began - waited, cpu_seconds)
