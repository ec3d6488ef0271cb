"""Processes that a run will need, started before all that will use them is loaded."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from onehop.analysis import ZygoteProcess
    from onehop.jail import SpawnerProcess


class Begun:
    """What starts workers, and what parses texts: neither does anything before it is taken. What
    nobody has taken ends with the ``with``. Raises SandboxUnavailableError."""

    def __init__(self) -> None:
        from onehop import analysis, jail

        self._zygote: ZygoteProcess | None = None
        self._spawner = jail.begin()
        try:
            self._zygote = analysis.begin()
        except BaseException:
            self.close()
            raise

    def spawner(self) -> SpawnerProcess | None:
        """The caller ends it."""
        taken, self._spawner = self._spawner, None
        return taken

    def zygote(self) -> ZygoteProcess | None:
        """The caller ends it."""
        taken, self._zygote = self._zygote, None
        return taken

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what nobody has taken."""
        for process in (self.spawner(), self.zygote()):
            if process is not None:
                process.end()
