"""A store full of hostile text: every page shows it as text, and none of it hides or turns."""

from __future__ import annotations

import json
import re
import time
from asyncio import run as run_async
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from onehop.config import AuditConfig
from onehop.events import ExecutionFailed, SecurityIssue, ValidationStarted
from onehop.records import ExecutionRecord
from onehop.runs.decisions import Approval
from onehop.runs.saved import Snippet
from onehop.server.dashboard._segments import segment
from onehop.stores import open_store
from onehop.stores.base import Entry
from tests.dashboard.browsing import Browser, browser
from tests.server.served import Served
from tests.waiting import until

pytestmark = pytest.mark.thorough  # test_browser.py has seven pages

TEXT = (
    "\u202e</td></table><script>document.title='owned'</script>"
    "<img src=x onerror=\"document.title='owned'\">{{7*7}}'\"&\x1b[31m\x9b2J\u2066\u200b\ufeff"
)
RAW = set("\u202e\u2066\u200b\ufeff\x1b\x9b\x00")
LONG = "x" * 1_000_000
REQUEST = "hostile-run"
AGENT = f"agent {TEXT}"
TOOLS = f"""
from onehop import Tool

async def call(arguments):
    return arguments

hostile = Tool("hostile", call, description={TEXT!a}, input_schema={{
    "type": "object", "properties": {{{TEXT!a}: {{"type": "string", "description": {TEXT!a}}}}}}})
"""
PAGES = (
    "/dashboard",
    "/dashboard/executions",
    f"/dashboard/executions/{REQUEST}",
    f"/dashboard/executions?agentId={quote(AGENT)}&channelId={quote(TEXT)}",
    f"/dashboard/compare?left={REQUEST}&right={REQUEST}-2",
    "/dashboard/approvals",
    "/dashboard/agents",
    f"/dashboard/agents/{segment(AGENT)}",
    "/dashboard/tools",
    f"/dashboard/tools?query={quote(TEXT)}",
    "/dashboard/snippets",
    f"/dashboard/snippets/{segment(TEXT)}?agentId={quote(AGENT)}",
    f"/dashboard/snippets/hostile?agentId={quote(AGENT)}",
    "/dashboard/security",
    f"/dashboard/{quote(TEXT, safe='')}".replace("%2F", ""),
)


def _record(request_id: str, **more: Any) -> ExecutionRecord:
    now = time.time_ns() // 1_000_000
    details = {
        "code": f"const a = {TEXT}\0\n{LONG}\nreturn a",
        "errorInfo": {"type": TEXT, "name": TEXT, "message": TEXT, "line": 1, "stack": TEXT},
        "findings": [
            {"type": "error", "severity": TEXT, "pattern": TEXT, "message": TEXT, "line": 1}
        ],
        "corrections": [{"kind": TEXT, "field": TEXT, "from": TEXT, "to": f"{TEXT}2"}],
        "warnings": [TEXT],
        "hints": [TEXT],
        "enforcement": [TEXT],
        "logLevels": [TEXT, "error"],
        "artifacts": [{"name": TEXT, "type": TEXT, "size": 3}],
        "session": TEXT,
        "risk": {"score": 0.5, "level": TEXT, "factors": {TEXT: 0.5}},
        "toolCalls": [
            {"id": "call_1", "tool": TEXT, "outcome": TEXT, "error": TEXT, "rule": TEXT}
            | {"effect": TEXT, "queued": 1, "duration": 2, "bytesIn": 3, "bytesOut": 4}
        ],
    }
    return ExecutionRecord(
        request_id=request_id,
        agent_id=AGENT,
        channel_id=TEXT,
        language="javascript",
        code_hash="0" * 16,
        code_length=1_000_100,
        code_snippet=TEXT,
        success=False,
        output={TEXT: [TEXT, "\0", LONG]},
        logs=[f"{TEXT}\0", LONG],
        error=f"{TEXT}{LONG}",
        error_type="validation",
        execution_time=5.0,
        timeout=5000.0,
        memory_usage=1.0,
        timeout_occurred=False,
        context_data={TEXT: {"deep": TEXT}},
        description=TEXT,
        executed_at=now,
        created_at=now,
        details=details,
        **more,
    )


def _entry(request_id: str) -> Entry:
    who: dict[str, Any] = {"agent_id": AGENT, "channel_id": TEXT, "request_id": request_id}
    who |= {"code_hash": "0" * 16, "timestamp": time.time_ns() // 1_000_000}
    issue = {"issue_type": "dangerous_pattern", "description": TEXT, "severity": "high"}
    events = (
        ValidationStarted(**who),
        SecurityIssue(**who, **issue, pattern=TEXT),  # type: ignore[arg-type]
        ExecutionFailed(
            **who, language="javascript", error=TEXT, error_type="validation", execution_time=1.0
        ),
    )
    return Entry(_record(request_id), events)


def _approval() -> Approval:
    now = time.time_ns() // 1_000_000
    return Approval(
        run_id="r",
        call_id="c",
        request_id=TEXT,
        agent_id=AGENT,
        channel_id=TEXT,
        tool=TEXT,
        effect="write",
        rule=TEXT,
        arguments='{"to": "\\u202e</textarea><script>document.title=\'owned\'</script>\\u001b"}',
        arguments_hash="",
        requested_at=now,
        expires_at=now + 600_000,
    )


def _snippet(name: str) -> Snippet:
    return Snippet(
        agent_id=AGENT,
        name=name,
        language="javascript",
        code=f"const a = {TEXT}\0\n{LONG}\nreturn a",
        code_hash="0" * 16,
        description=TEXT,
        input_schema=json.dumps({"type": "object", "properties": {TEXT: {"description": TEXT}}}),
        tools=json.dumps({TEXT: TEXT, "hostile": "0" * 16}),
        request_id=REQUEST,
        source_agent=AGENT,
        saved_by=TEXT,
        saved_at=time.time_ns() // 1_000_000,
    )


async def _fill(server: Served) -> None:
    store = await open_store(AuditConfig(store=server.store))
    try:
        await store.append([_entry(REQUEST), _entry(f"{REQUEST}-2")])
        await store.add_approvals([_approval()])
        assert await store.keep_snippet(_snippet(TEXT))
        assert await store.keep_snippet(_snippet("hostile"))
    finally:
        await store.aclose()


@pytest.fixture(scope="module")
def person(
    tmp_path_factory: pytest.TempPathFactory, _chromium: None
) -> Iterator[tuple[Browser, Served]]:
    """An admin at a server whose store others have filled."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "tools.py").write_text(TOOLS)
    settings = {"ONEHOP_TOOLS": str(folder / "tools.py"), "ONEHOP_TOOLS_APPROVALS": "true"}
    with Served(folder, **settings) as server:
        run_async(_fill(server))
        with browser(server.url, folder / "profile") as found:
            found.log_in(server.key("root", "admin"))
            yield found, server


def test_no_page_takes_text_for_anything_else(person: tuple[Browser, Served]) -> None:
    page, _ = person
    for path in PAGES:
        page.open(path)
        until(lambda: "Counting" not in page.text() and "…counting" not in page.text(), path)
        seen = page.run("return document.documentElement.textContent")
        values = page.run(
            "return [...document.querySelectorAll('input, textarea, option')]"
            ".map((each) => each.value).join('')"
        )
        assert not RAW & set(seen), (path, RAW & set(seen))
        assert not RAW & set(values), path
        assert page.driver.title.rpartition(" · ")[2] == "onehop"  # no script has run
        strange = "main img[src=x], main script, [onerror]"
        assert page.run(f"return document.querySelectorAll('{strange}').length") == 0
        assert len(seen) < 200_000, path
    said = page.complaints()  # of an address that is not there, and of a filter that cannot be
    assert [each for each in said if not re.search("of 40[04]", each)] == []


def test_the_live_feed_shows_what_code_throws_as_text(person: tuple[Browser, Served]) -> None:
    page, server = person
    page.open("/dashboard/live")
    until(lambda: "live" in page.text("#link"), "the stream")
    with server.client(server.key("thrower")) as agent:
        code = f"console.log({TEXT!a}); throw new Error({TEXT!a} + 'x'.repeat(1_000_000))"
        answer = agent.post("/api/v1/execute", json={"code": code, "description": TEXT})
        assert answer.status_code == 200
    until(lambda: "execution:failed" in page.text("#events"), "the failure")
    seen = page.run("return document.documentElement.textContent")
    assert "onerror" in seen
    assert not RAW & set(seen)
    assert len(seen) < 200_000
    assert page.driver.title.rpartition(" · ")[2] == "onehop"
    assert page.run("return document.querySelectorAll('main img, main script').length") == 0
    assert page.run("return document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("width", [360, 1280])
def test_long_and_turned_words_do_not_break_the_page(
    person: tuple[Browser, Served], width: int
) -> None:
    page, _ = person
    page.resize(width)
    wide = {}
    for path in PAGES:
        page.open(path)
        until(lambda: "Counting" not in page.text(), path)
        wide[path] = page.run("return document.documentElement.scrollWidth")
    page.resize(1280)
    page.complaints()
    assert {path: found for path, found in wide.items() if found > width} == {}
