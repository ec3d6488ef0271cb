"""The live feed: a page, and the stream of events that its script reads."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Final

from starlette.responses import Response

from onehop.errors import InvalidRequestError
from onehop.events import EVENT_TYPES
from onehop.server.asgi._sse import EventStream
from onehop.server.dashboard._frame import HEADERS
from onehop.server.dashboard._visit import Page, Visit
from onehop.server.http._feed import PLACE
from onehop.server.http._readers import Filter

_PLACE: Final = re.compile(PLACE)
_RECENT: Final = 200
"""Events that a new page starts with."""
FILTERS: Final = ("agent", "channel", "type", "language", "outcome", "tool")


async def look(visit: Visit) -> Page:
    """The page; its filters are in the address."""
    asked = visit.asked
    facts = {"types": EVENT_TYPES, "asked": {name: asked.get(name, "") for name in FILTERS}}
    return Page("live.html", facts)


async def stream(visit: Visit) -> Response:
    """Events as they happen, after the latest ones, or after the one that the browser had last."""
    last = visit.asked.get("after") or visit.request.headers.get("last-event-id")
    if last is not None and not _PLACE.fullmatch(last):
        raise InvalidRequestError("after", repr(last)[:80], "the id of an event")
    parts = visit.parts
    with ExitStack() as opening:
        opening.enter_context(parts.gate.stream(visit.principal.holder))
        if last is None:
            reader, source = await parts.feed.attach(Filter(), _RECENT)
        else:
            reader, source = await parts.feed.resume(Filter(), last)
        opening.callback(reader.leave)
        leave = opening.pop_all().close
    answer = EventStream(source, leave=leave, closing=parts.closing, steady=True)
    answer.headers.update({name: HEADERS[name] for name in _OF_STREAMS})
    return answer


_OF_STREAMS: Final = ("Cross-Origin-Resource-Policy", "X-Content-Type-Options")
