"""Calls of tools that wait for a person."""

from __future__ import annotations

from onehop.server.dashboard._visit import Page, Visit


async def look(_visit: Visit) -> Page:
    """The page; nothing can wait yet, and it says what happens instead."""
    return Page("approvals.html", {})
