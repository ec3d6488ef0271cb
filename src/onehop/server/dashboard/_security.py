"""Security: what validation found, who wrote it and when, and whether the trail is as it was."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from onehop.records import ExecutionRecord
from onehop.server.dashboard._counted import AGAIN, Counted
from onehop.server.dashboard._door import redirect
from onehop.server.dashboard._executions import Row
from onehop.server.dashboard._layers import lights_of
from onehop.server.dashboard._spans import SPANS, span_of
from onehop.server.dashboard._verifier import Verifier
from onehop.server.dashboard._visit import FRESH, Page, Visit
from onehop.stores.base import HistoryQuery


class Security:
    """The page, and the button that starts an audit."""

    def __init__(self, verifier: Verifier, counted: Counted) -> None:
        self._verifier = verifier
        self._counted = counted

    async def look(self, visit: Visit) -> Page:
        """Findings of a span, the latest runs that were stopped, and the last audit."""
        span = span_of(visit.asked, "7d")
        await visit.parts.executor.flush(FRESH)
        store = visit.parts.store
        latest, head = await asyncio.gather(
            store.history(HistoryQuery(limit=20, brief=True)), store.head()
        )
        findings, stopped = await asyncio.gather(
            self._counted.findings(span), self._counted.stopped(span)
        )
        facts = {
            "span": span,
            "spans": SPANS.values(),
            "profile": findings.answer,
            "stopped": [_stopped(record) for record in stopped.answer or ()],
            "lights": await asyncio.to_thread(lights_of, latest),
            "head": head,
            "audit": self._verifier.last,
            "running": self._verifier.is_running,
            "refresh": self._refresh(findings.late or stopped.late),
        }
        return Page("security.html", facts)

    def _refresh(self, late: bool) -> int:
        if late:
            return AGAIN
        return 2 if self._verifier.is_running else 0

    async def verify(self, visit: Visit, _form: dict[str, str]) -> Response:
        """Start an audit, unless one runs."""
        self._verifier.start(visit.parts.store)
        return redirect(visit, "dashboard/security#audit")


def _stopped(record: ExecutionRecord) -> tuple[Row, list[dict[str, Any]]]:
    findings = record.details.get("findings") or ()
    return Row.of(record), [each for each in findings if isinstance(each, dict)][:5]
