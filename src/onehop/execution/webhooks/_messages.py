"""What a webhook says of an event: data for programs, and a line for a chat; pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from onehop.events import ApprovalDecided, ApprovalRequested, Event

_LONGEST: Final = 4000
"""Characters of the JSON of arguments that a message has."""
_DONE: Final = {
    "approved": "was approved",
    "edited": "was approved with other arguments",
    "denied": "was denied",
    "expired": "has expired: nobody decided",
}


def body_of(event: Event, arguments: str | None) -> bytes:
    """The JSON that is sent. ``arguments`` is JSON text, masked already."""
    wire = event.to_dict()
    data: dict[str, Any] = {
        **wire["data"],
        "agentId": event.agent_id,
        "channelId": event.channel_id,
    }
    if arguments is not None:
        data |= _shown(arguments)
    message = {
        "type": event.event_type,
        "timestamp": datetime.fromtimestamp(event.timestamp / 1000, UTC).isoformat(),
        "text": _line(event),
        "data": data,
    }
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


def _shown(arguments: str) -> dict[str, Any]:
    if len(arguments) <= _LONGEST:
        return {"arguments": json.loads(arguments)}
    return {"argumentsText": arguments[:_LONGEST], "argumentsTruncated": True}


def _line(event: Event) -> str:
    """Plain text: nothing in it is markup to a chat tool, and nobody is called by it."""
    if isinstance(event, ApprovalRequested):
        moment = datetime.fromtimestamp(event.expires_at / 1000, UTC)
        until = moment.strftime("%Y-%m-%d %H:%M:%S UTC")  # a call may wait for days
        return _plain(
            f"{event.tool} ({event.effect}) waits for a person until {until}: agent "
            f"{event.agent_id or 'without a name'}, run {event.run_id}, call {event.call_id}"
        )
    if isinstance(event, ApprovalDecided):
        by = f" by {event.by}" if event.by else ""
        words = _DONE.get(event.decision, event.decision)
        return _plain(f"{event.tool} {words}{by}: run {event.run_id}, call {event.call_id}")
    return _plain(event.event_type)


def _plain(text: str) -> str:
    """Chats read `<`, `@`, `*`, backticks and the like as markup or as names of people."""
    return "".join(each if each.isalnum() or each in " .,:()_-$" else "?" for each in text[:500])
