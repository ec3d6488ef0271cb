"""The live feed: connects again when the connection breaks, and goes on after the last event."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from typing import Final

from pydantic_core import from_json

from onehop.client._connection import Call, Connection
from onehop.client._feed import Put
from onehop.client._retries import asked_of, passes, pause
from onehop.errors import OnehopError, ServerUnreachableError
from onehop.events import Event, event_from_dict

_REMEMBERED: Final = 10_000
"""Events that are known again: more than a server sends twice."""

_log = logging.getLogger(__name__)


class Follower:
    """Follows the events that ``query`` selects.

    Until the server has answered once, at most ``retries`` failures are borne.
    """

    def __init__(self, connection: Connection, query: dict[str, object], retries: int) -> None:
        self._connection = connection
        self._query = query
        self._retries = retries
        self._last_id = ""
        self._failures = 0
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def follow(self, put: Put[Event], begun: asyncio.Event) -> None:
        """Put each event, for ever. Raises what no further attempt can mend."""
        while True:
            try:
                await self._read(put, begun)
                error = None
            except OnehopError as caught:
                error = caught
            self._failures += 1
            if error is not None and not self._bearable(error, begun):
                raise error
            asked = None if error is None else asked_of(error)
            wait = pause(self._failures, asked, random.random())  # noqa: S311 - no secret
            _log.info("the stream of events ended (%s); again in %.1f s", error, wait)
            await asyncio.sleep(wait)

    def _bearable(self, error: OnehopError, begun: asyncio.Event) -> bool:
        silent = isinstance(error, ServerUnreachableError)  # a server that hangs may come back
        return (passes(error) or silent) and (begun.is_set() or self._failures <= self._retries)

    async def _read(self, put: Put[Event], begun: asyncio.Event) -> None:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        async with self._connection.stream(
            Call("GET", "/events", self._query, headers=headers)
        ) as source:
            begun.set()
            async for sent in source:
                self._last_id = sent.id or self._last_id
                event = _event(sent.data)
                if event is not None and self._is_new(event):
                    self._failures = 0
                    await put(event)

    def _is_new(self, event: Event) -> bool:
        """A server that was started again may send what it had sent before."""
        known = event.event_id in self._seen
        self._seen[event.event_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return not known


def _event(data: str) -> Event | None:
    """None for what this version does not know: a newer server may announce more."""
    if not data:
        return None
    try:
        return event_from_dict(from_json(data))
    except (ValueError, TypeError) as error:
        _log.debug("an event that is not known here: %s", error)
        return None
