"""What a tool may know of the call that it serves."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final, get_args

_LONGEST: Final = 500
"""Characters of a progress message."""


class _Done:
    """Awaitable, and already over."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The call that a tool serves. A parameter that is annotated with it is filled in, and is not
    among the tool's parameters."""

    agent_id: str
    channel_id: str | None
    request_id: str
    tool: str
    """The path under which the tool was called."""
    on_progress: Callable[[float, str], None] | None = field(default=None, repr=False)
    """Called in the event loop with what the tool reports."""
    on_start: Callable[[], None] | None = field(default=None, repr=False)
    """Called in the event loop when the tool starts, after waiting for a thread."""

    on_media: Callable[[bytes], str] | None = field(default=None, repr=False)
    """Keeps bytes on the host as long as the run lasts; their id, by which the code asks for
    them."""

    on_warning: Callable[[str], None] | None = field(default=None, repr=False)
    """Called in the event loop with what the reader of the run's result should know."""

    def warn(self, words: str) -> None:
        """The run's result says so."""
        if self.on_warning is not None:
            self.on_warning(words)

    def start(self) -> None:
        """The tool's time begins now."""
        if self.on_start is not None:
            self.on_start()

    def progress(self, fraction: float, message: str = "") -> _Done:
        """Report how far the tool is, from 0 to 1. May be awaited, and need not be."""
        if self.on_progress is not None:
            share = min(max(float(fraction), 0.0), 1.0)
            self.on_progress(share, str(message)[:_LONGEST])
        return _Done()


def is_context(annotation: Any) -> bool:
    """Whether a parameter annotated so wants the context: as it is, optional, or Annotated."""
    return annotation is ToolContext or any(map(is_context, get_args(annotation)))
