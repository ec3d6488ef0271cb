"""Messages that wait to be delivered, and those who deliver them: no run ever waits for one."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Self

from onehop.events import ApprovalRequested, Event
from onehop.execution.webhooks._messages import body_of
from onehop.execution.webhooks._sending import NotTakenError, Receiver
from onehop.execution.webhooks._signing import signed

PAUSES: Final = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0)
"""Seconds before the second attempt, the third, and so on."""
MOST: Final = 1000
"""Messages that wait; one more drops the oldest."""
_AT_ONCE: Final = 32
"""Messages that are on their way or between two attempts: a receiver that is away holds up
others no longer than this many take."""
_FAREWELL: Final = 2.0
"""Seconds that closing waits for what can be delivered at once."""

Find = Callable[[ApprovalRequested], Awaitable[str | None]]
"""The masked arguments of a call, as JSON text."""

_log = logging.getLogger(__name__)


async def untold(_event: ApprovalRequested) -> str | None:
    """For messages without arguments."""
    return None


class Webhook:
    """Delivers events to ``receiver``, which stays the caller's to close.

    ``hear`` takes an event and returns at once. What waits is kept in memory, and lost with the
    process: the approval itself is in the store.
    """

    def __init__(
        self,
        receiver: Receiver,
        key: bytes,
        *,
        arguments_of: Find = untold,
        pauses: Sequence[float] = PAUSES,
        most: int = MOST,
    ) -> None:
        self._receiver = receiver
        self._key = key
        self._arguments_of = arguments_of
        self._pauses = pauses
        self._waiting: deque[Event] = deque(maxlen=most)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.dropped = 0
        """Messages that were not delivered, so far."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def hear(self, event: Event) -> None:
        """Deliver ``event`` when its turn comes."""
        if self._closing:
            return
        if len(self._waiting) == self._waiting.maxlen:
            self._drop(self._waiting[0], f"{self._waiting.maxlen} others wait")
        self._waiting.append(event)
        self._start()

    async def aclose(self) -> None:
        """Give what waits a moment, and end."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_FAREWELL)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for event in self._waiting:
            self._drop(event, "onehop stops")

    def _start(self) -> None:
        while self._waiting and len(self._tasks) < _AT_ONCE:
            task = asyncio.create_task(self._deliver(self._waiting.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._start()

    async def _deliver(self, event: Event) -> None:
        try:
            await self._attempt(event)
        except NotTakenError as error:
            self._drop(event, str(error))
        except asyncio.CancelledError:
            self._drop(event, "onehop stops")
            raise
        except Exception as error:
            self._drop(event, type(error).__name__)
            _log.exception("a message of the webhook failed")

    async def _attempt(self, event: Event) -> None:
        """Until it is taken. Raises NotTakenError."""
        arguments = None
        if isinstance(event, ApprovalRequested):
            arguments = await self._arguments_of(event)
        body = body_of(event, arguments)
        for pause in (*self._pauses, None):
            try:
                return await self._receiver.send(self._headers(event, body), body)
            except NotTakenError as error:
                if error.is_final or pause is None or self._closing:
                    raise
                seconds = max(error.wait, pause * random.uniform(0.8, 1.2))  # noqa: S311
                if _is_over(event, seconds):
                    raise
                _log.info("the webhook is tried again in %.1f s: %s", seconds, error)
            await asyncio.sleep(seconds)
        return None

    def _headers(self, event: Event, body: bytes) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "user-agent": "onehop",
            **signed(self._key, event.event_id, int(time.time()), body),
        }

    def _drop(self, event: Event, why: str) -> None:
        self.dropped += 1
        _log.warning("the webhook was not told of %s %s: %s", event.event_type, event.event_id, why)


def _is_over(event: Event, seconds: float) -> bool:
    """Whether nobody can decide any more by then."""
    return isinstance(event, ApprovalRequested) and time.time() + seconds > event.expires_at / 1000
