"""The addresses of the API: each turns a request into one question, and the answer into JSON.

docs/reference/http.md says what callers see.
"""

from __future__ import annotations

from fastapi import APIRouter

from onehop.server.http import (
    _agents,
    _analytics,
    _approvals,
    _code,
    _events,
    _health,
    _history,
    _sessions,
    _snippets,
    _tools,
)

probes = _health.probes
api = APIRouter(prefix="/api/v1")
for _part in (_code, _history, _sessions, _analytics, _tools, _events, _approvals, _snippets):
    api.include_router(_part.api)
for _part in (_code, _history, _events, _approvals, _agents, _snippets):
    api.include_router(_part.plain)
