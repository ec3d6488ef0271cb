"""What ``onehop tail`` prints: one line for each event. Any of it may be an attacker's text."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from onehop.cli._exits import ExitCode
from onehop.cli._output import to_json, write
from onehop.cli._table import clean
from onehop.cli._trail_pages import time_of, zone_of
from onehop.events import (
    Event,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionProgress,
    ExecutionStarted,
    ExecutionTimeout,
    ResourceLimitExceeded,
    SecurityIssue,
    ToolCompleted,
    ToolDenied,
    ToolEvent,
    ToolFailed,
    ToolStarted,
    ValidationCompleted,
)
from onehop.types.shown.hidden import HIDDEN

if TYPE_CHECKING:
    from onehop.client import AgentClient

_BAD: Final = (
    ExecutionFailed,
    ExecutionTimeout,
    ResourceLimitExceeded,
    SecurityIssue,
    ToolDenied,
    ToolFailed,
)
_LONGEST: Final = 2000
"""Characters of a line's end."""
_SHORT: Final = 8
"""Characters of a request id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events."""

    agent: str | None = None
    channel: str | None = None
    kinds: list[str] | None = None
    tool: str | None = None
    """A glob of the tool's path."""
    failed: bool = False
    limit: int | None = None

    def takes(self, event: Event) -> bool:
        """As far as the server does not choose."""
        if self.tool is not None:
            is_call = isinstance(event, ToolEvent)
            if not (is_call and fnmatchcase(event.tool, self.tool)):  # type: ignore[attr-defined]
                return False
        return not self.failed or isinstance(event, _BAD)


async def follow(client: AgentClient, wanted: Wanted, *, utc: bool, as_json: bool) -> ExitCode:
    """Print them. Raises OnehopError."""
    count = 0
    with _loud():
        async with client:
            feed = client.events(wanted.kinds, wanted.channel, wanted.agent)
            async with feed as events:
                async for event in events:
                    if not wanted.takes(event):
                        continue
                    if not _put(to_json(event.to_dict()) if as_json else line_of(event, utc=utc)):
                        return ExitCode.SUCCESS
                    count += 1
                    if count == wanted.limit:
                        return ExitCode.SUCCESS
    return ExitCode.SUCCESS


def line_of(event: Event, *, utc: bool) -> str:
    """One line for people."""
    when = time_of(event.timestamp, zone_of(utc))
    kind = event.event_type.removeprefix("code:")
    who = clean(event.agent_id) or "(no name)"
    words = clean(_words(event))[:_LONGEST]
    return f"{when}  {kind:<24} {who}  {clean(event.request_id)[:_SHORT]}  {words}".rstrip()


def _words(event: Event) -> str:
    match event:
        case ValidationCompleted():
            verdict = "safe" if event.safe else "refused"
            found = event.error_count + event.warning_count
            return f"{verdict}, {found} findings, {event.validation_time:.1f} ms"
        case SecurityIssue():
            return f"{event.severity}: {event.description} [{event.pattern}]"
        case ExecutionStarted():
            return f"{event.language}, {event.code_length} characters"
        case ExecutionCompleted():
            return f"{event.execution_time:.1f} ms, {event.output_size} bytes"
        case ExecutionFailed():
            return f"{event.error_type}: {event.error}"
        case ResourceLimitExceeded():
            return f"{event.resource}: {event.actual:.1f} of {event.limit:.1f}"
        case ExecutionTimeout():
            return f"{event.actual_time:.1f} ms of {event.timeout:.1f} ms"
        case ExecutionProgress():
            return f"{event.fraction:.0%} {event.message}"
        case ToolEvent():
            return f"{event.tool}  {_call(event)}"
        case _:
            return ""


def _call(event: ToolEvent) -> str:
    match event:
        case ToolStarted():
            return f"{event.effect}, {event.bytes_in} bytes"
        case ToolCompleted():
            return f"{event.duration:.1f} ms, {event.bytes_out} bytes"
        case ToolFailed():
            return f"{event.outcome}: {event.error or ''}"
        case ToolDenied():
            return f"{event.error or ''} by {event.rule or 'a rule'}"
        case _:
            return ""


def _put(line: str) -> bool:
    """Print it; False when nobody reads any more, which ends a feed that has no end."""
    encoding = sys.stdout.encoding or "utf-8"
    text = HIDDEN.sub("\ufffd", line).encode(encoding, "backslashreplace").decode(encoding)
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        write(sys.stdout, "")  # so that the end of the process does not complain
        return False
    return True


@contextmanager
def _loud() -> Iterator[None]:
    """Say on standard error when the connection is lost."""
    log = logging.getLogger("onehop.client._events")
    handler = _Words()
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


class _Words(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        write(sys.stderr, f"onehop: {clean(record.getMessage())}\n", "yellow")


async def closing(task: asyncio.Task[Any]) -> None:
    """End a task, and wait for that."""
    task.cancel()
    await asyncio.wait([task])
