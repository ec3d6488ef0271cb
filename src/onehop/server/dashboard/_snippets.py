"""Snippets: code that agents call by name. Everybody here sees them; admins save and remove."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from onehop.answers import ToolStats
from onehop.errors import InvalidRequestError, SnippetNotFoundError, SnippetRefusedError, ToolError
from onehop.runs.saved import Snippet
from onehop.sandbox.calls import Grant
from onehop.sandbox.snippets import SPACE, Fit, SnippetBound, info_of
from onehop.server._errors import problem_of
from onehop.server.dashboard._code import numbered
from onehop.server.dashboard._counted import AGAIN, Counted
from onehop.server.dashboard._door import need_admin, redirect
from onehop.server.dashboard._execution import shown
from onehop.server.dashboard._executions import find_record
from onehop.server.dashboard._keeping import came_back, saving_of
from onehop.server.dashboard._segments import segment
from onehop.server.dashboard._spans import SPANS, span_of
from onehop.server.dashboard._tree import tree
from onehop.server.dashboard._visit import FRESH, Page, Visit

_SHOWN: Final = 50
"""Snippets that the list shows; a search finds the others."""
_NOT_OFFERED: Final = (
    "This server does not offer it: it was saved a moment ago, or its input schema cannot be used "
    "(the log says why)."
)


@dataclass(frozen=True, slots=True)
class Line:
    """A snippet, as its agent's runs have it here."""

    snippet: Snippet
    bound: SnippetBound | None
    fits: Sequence[Fit]
    use: ToolStats | None = None

    @property
    def unfit(self) -> list[Fit]:
        """The tools that keep it from being called."""
        return [fit for fit in self.fits if fit.fault]

    @property
    def problem(self) -> str:
        """Why it cannot be called at all, whatever its tools."""
        return "" if self.bound is not None else _NOT_OFFERED


class SnippetPages:
    """The list, and the page of each. ``counted`` is what they count of a span."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    async def look(self, visit: Visit) -> Page:
        """All of them, or those that the words of the address find."""
        asked = visit.asked
        wanted, span = asked.get("query", "")[:1000], span_of(asked, "7d")
        saved = await visit.parts.executor.snippets.list()
        found = [each for each in saved if _has(each, wanted.casefold().split())]
        await visit.parts.executor.flush(FRESH)
        figures = await self._counted.figures(span)
        lines = await _lines(visit, found[:_SHOWN], figures.answer.tools if figures.answer else ())
        facts = {
            "query": wanted,
            "span": span,
            "spans": SPANS.values(),
            "lines": lines,
            "total": len(saved),
            "more": len(found) - len(lines),
            "counting": figures.answer is None,
            "refresh": AGAIN if figures.late else 0,
        }
        return Page("snippets.html", facts)

    async def one(self, visit: Visit) -> Page | Response:
        """One snippet; where several have the name, the list of them."""
        name, whose = visit.named("name"), _whose(visit.asked)
        try:
            snippet = await visit.parts.executor.snippets.show(name, whose)
        except SnippetRefusedError:
            return redirect(visit, f"dashboard/snippets?{urlencode({'query': name})}")
        return await self._page(visit, snippet)

    async def _page(self, visit: Visit, snippet: Snippet) -> Page:
        span = span_of(visit.asked, "7d")
        await visit.parts.executor.flush(FRESH)
        tools, counting, late = await self._tools(snippet.agent_id, span)
        [line] = await _lines(visit, [snippet], tools)
        info = info_of(snippet)
        facts = {
            "line": line,
            "snippet": snippet,
            "address": address_of(snippet),
            "whose": _query_of(snippet.agent_id),
            "code": numbered(snippet.code, {}),
            "schema": await asyncio.to_thread(tree, info.input_schema),
            "declared": _declared(await visit.parts.executor.view(snippet.agent_id), line),
            "path": f"{SPACE}.{snippet.name}",
            "span": span,
            "spans": SPANS.values(),
            "counting": counting,
            "refresh": AGAIN if late else 0,
        }
        return Page("snippet.html", facts)

    async def _tools(self, agent_id: str, span: Any) -> tuple[Sequence[ToolStats], bool, bool]:
        """The calls of its agent, or of all; whether they are still counted, and come late."""
        if not agent_id:
            got = await self._counted.figures(span)
            return got.answer.tools if got.answer else (), got.answer is None, got.late
        of = await self._counted.of_agent(agent_id, span)
        return of.answer.figures.tools if of.answer else (), of.answer is None, of.late


async def save(visit: Visit, form: dict[str, str]) -> Page | Response:
    """Save the code of the run that the address names; its page says what was wrong."""
    need_admin(visit)
    record = await find_record(visit, visit.named("requestId"), visit.asked.get("agentId"))
    try:
        saved = await visit.parts.executor.snippets.save(
            form.get("name", ""),
            record.request_id,
            by=visit.principal.holder,
            **saving_of(form, record.agent_id),
        )
    except (InvalidRequestError, SnippetRefusedError) as error:
        problem = problem_of(error)
        return await shown(visit, record, came_back(form, str(error)), problem.status)
    return redirect(visit, address_of(saved))


async def remove(visit: Visit, _form: dict[str, str]) -> Response:
    """Forget the snippet that the address names."""
    need_admin(visit)
    snippets = visit.parts.executor.snippets
    with suppress(SnippetNotFoundError):  # somebody else was first
        await snippets.remove(visit.named("name"), _whose(visit.asked) or "")
    return redirect(visit, "dashboard/snippets")


def address_of(snippet: Snippet) -> str:
    """Its page, seen from the root."""
    return f"dashboard/snippets/{segment(snippet.name)}?{_query_of(snippet.agent_id)}"


def _query_of(agent_id: str) -> str:
    return urlencode({"agentId": agent_id}) if agent_id else "whose=all"


def _whose(asked: dict[str, str]) -> str | None:
    return "" if asked.get("whose") == "all" else asked.get("agentId")


def _has(snippet: Snippet, words: Iterable[str]) -> bool:
    """Whether each of the words stands somewhere in it."""
    text = "\n".join(
        (snippet.name, snippet.description, snippet.agent_id, snippet.saved_by, snippet.tools)
    ).casefold()
    return all(word in text for word in words)


async def _lines(
    visit: Visit, snippets: Sequence[Snippet], tools: Iterable[ToolStats]
) -> list[Line]:
    uses = {each.tool: each for each in tools}
    owners = dict.fromkeys(each.agent_id for each in snippets)
    views = {owner: await visit.parts.executor.view(owner) for owner in owners}
    return [
        _line(each, views[each.agent_id], uses.get(f"{SPACE}.{each.name}")) for each in snippets
    ]


def _line(snippet: Snippet, view: Grant, use: ToolStats | None) -> Line:
    shelf = view.snippets
    try:
        bound = None if shelf is None else shelf.find(snippet.name)
    except ToolError:  # the store has just gone away
        bound = None
    if shelf is None or bound is None or bound.snippet != snippet:
        return Line(snippet, None, (), use)
    return Line(snippet, bound, [*shelf.fits(bound, view)], use)


def _declared(view: Grant, line: Line) -> str:
    """How code calls it, as TypeScript."""
    if line.bound is None:
        return ""
    try:
        return str(view.discovery.describe(line.bound.path)["declarations"])
    except ToolError:
        return ""
