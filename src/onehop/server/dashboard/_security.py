"""Security: what validation found, who wrote it and when, and whether the trail is as it was."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from onehop.records import ExecutionRecord
from onehop.server.dashboard._door import redirect
from onehop.server.dashboard._executions import Row
from onehop.server.dashboard._layers import lights_of
from onehop.server.dashboard._spans import SPANS, now_ms, span_of
from onehop.server.dashboard._verifier import Verifier
from onehop.server.dashboard._visit import FRESH, Page, Visit
from onehop.stores.base import HistoryQuery

_LOOKED_AT: Final = 500
"""The latest failures, among which those are that validation stopped."""
_SHOWN: Final = 50


class Security:
    """The page, and the button that starts an audit."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def look(self, visit: Visit) -> Page:
        """Findings of a span, the latest runs that were stopped, and the last audit."""
        span, now = span_of(visit.asked, "7d"), now_ms()
        since = span.since(now)
        await visit.parts.executor.flush(FRESH)
        store = visit.parts.store
        failures = HistoryQuery(success=False, since=since, limit=_LOOKED_AT, brief=True)
        profile, failed, latest, head = await asyncio.gather(
            store.security_profile(None, since),
            store.history(failures),
            store.history(HistoryQuery(limit=20, brief=True)),
            store.head(),
        )
        facts = {
            "span": span,
            "spans": SPANS.values(),
            "profile": profile,
            "stopped": [_stopped(record) for record in failed if _is_stopped(record)][:_SHOWN],
            "lights": await asyncio.to_thread(lights_of, latest),
            "head": head,
            "audit": self._verifier.last,
            "running": self._verifier.is_running,
            "refresh": 2 if self._verifier.is_running else 0,
        }
        return Page("security.html", facts)

    async def verify(self, visit: Visit, _form: dict[str, str]) -> Response:
        """Start an audit, unless one runs."""
        self._verifier.start(visit.parts.store)
        return redirect(visit, "dashboard/security#audit")


def _is_stopped(record: ExecutionRecord) -> bool:
    return record.error_type in ("validation", "security")


def _stopped(record: ExecutionRecord) -> tuple[Row, list[dict[str, Any]]]:
    findings = record.details.get("findings") or ()
    return Row.of(record), [each for each in findings if isinstance(each, dict)][:5]
