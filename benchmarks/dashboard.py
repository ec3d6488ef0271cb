"""The dashboard's pages: how heavy they are, how still they stand, and what they take of a store of
100,000 records."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from tests.dashboard.browsing import CHROMIUM, DRIVER, Browser, browser
from tests.dashboard.visiting import Visitor
from tests.server.served import Served

from benchmarks._process import cpu_of
from benchmarks._program import Options, main
from benchmarks._report import Budget, Report
from benchmarks._stats import percentile
from benchmarks.store import BIG, RECORDS, Calling, fill
from onehop.stores.sql import SqlStore

WEIGHT = 150
"""KB of the first page, as it goes over the wire."""
REQUESTS = 12
SHIFT = 0.1
"""What Lighthouse takes for good."""
PATIENCE = 100
"""ms of the server for any page."""
_START = 20.0
"""Seconds that the start may take."""
PAGES = (
    "/dashboard",
    "/dashboard?within=24h",
    "/dashboard?within=7d",
    "/dashboard?within=30d",
    "/dashboard/live",
    "/dashboard/executions",
    "/dashboard/executions?outcome=failed&within=30d",
    "/dashboard/executions?agentId=agent-017&language=typescript",
    "/dashboard/executions?errorType=timeout&within=30d",
    "/dashboard/executions?tool=crm.tool_1",
    "/dashboard/executions?tool=crm.tool_1&errorType=resource_limit",
    "/dashboard/executions?offset=5000",
    "/dashboard/executions/{run}",
    "/dashboard/compare?left={run}&right={other}",
    "/dashboard/approvals",
    "/dashboard/agents?within=30d",
    f"/dashboard/agents/{BIG}?within=30d",
    "/dashboard/agents/agent-017?within=30d",
    "/dashboard/tools?within=30d",
    "/dashboard/security?within=30d",
)


async def measure(options: Options) -> Report:
    """A store is filled, a server looks at it, and each page is asked for many times."""
    report = Report("dashboard", "The dashboard's pages")
    with tempfile.TemporaryDirectory(prefix="onehop-bench-") as place:
        folder = Path(place)
        records = options.pick(RECORDS, RECORDS // 10)
        server = Served(folder)
        await _fill(server, records)
        key = await asyncio.to_thread(server.key, "watcher", "viewer")
        with server:
            await asyncio.to_thread(_measure, report, server, key, folder, options)
    report.notes += [
        f"{records:,} records over 28 days in SQLite; a third of them call tools. A page waits"
        " 50 ms for what must be counted; what takes longer comes with the page's next renewal, a"
        " second later.",
        "Weight, requests and shift are those of the first visit, with nothing kept. The shift is"
        " what Chromium reports in the first 3 s, renewals included.",
    ]
    return report


async def _fill(server: Served, records: int) -> None:
    store = SqlStore(server.store)
    await store.open()
    try:
        source = Calling(time.time_ns() // 1_000_000)
        await fill(store, source, records)
        await store.roll_up(source.now, 90)
    finally:
        await store.aclose()


def _measure(report: Report, server: Served, key: str, folder: Path, options: Options) -> None:
    person = Visitor(server.url)
    try:
        _settle(server.pid)
        assert person.log_in(key).status_code == 303
        pages = _pages(person)
        _measure_times(report, server, person, pages, options)
    finally:
        person.close()
    if CHROMIUM is None or DRIVER is None:
        report.absent["weight, requests, shift"] = "Chromium is not here"
        return
    with browser(server.url, folder / "profile") as found:
        found.log_in(key)
        _measure_weights(report, found, pages)


def _settle(server: int) -> None:
    """Wait until the work of the server's start is done: it is none of the first page's."""
    before, deadline = -1.0, perf_counter() + _START
    while (now := cpu_of(server)) != before and perf_counter() < deadline:
        before = now
        time.sleep(0.5)


def _pages(person: Visitor) -> list[str]:
    listed = person.get("/dashboard/executions").text
    run, other, *_ = dict.fromkeys(re.findall(r"dashboard/executions/([0-9a-f]{32})", listed))
    return [page.format(run=run, other=other) for page in PAGES]


def _measure_times(
    report: Report, server: Served, person: Visitor, pages: list[str], options: Options
) -> None:
    stranger = Visitor(server.url)
    stranger.get("/dashboard/login")  # which a person sees first, and templates are read
    stranger.close()
    table = report.table(
        "Time of a page, ms",
        *("page", "first", "its server CPU", "p50", "p95", "server CPU", "KB", "n"),
    )
    firsts, middles, works, starts = [], [], [], []
    for page in pages:
        first, start, _ = _asked(person, page, server.pid, 1)
        taken, work, size = _asked(person, page, server.pid, options.pick(12, 4))
        middle = median(taken)
        found = (first[0], start, middle, percentile(taken, 95), work, size, len(taken))
        table.add(_short(page), *found)
        firsts.append(first[0])
        starts.append(start)
        middles.append(middle)
        works.append(work)
    report.budgets += [
        Budget("the slowest page, p50", max(middles), "≤", PATIENCE, "ms"),
        Budget("the slowest first visit", max(firsts), "≤", 2 * PATIENCE, "ms"),
        Budget("the server's CPU for a first visit", max(starts), "≤", PATIENCE, "ms"),
        Budget("the server's CPU for a page", max(works), "≤", PATIENCE, "ms"),
    ]


def _asked(person: Visitor, page: str, server: int, times: int) -> tuple[list[float], float, float]:
    """ms of each visit, ms of CPU that one took of the server, and KB of the page."""
    before, taken, size = cpu_of(server), list[float](), 0.0
    for _ in range(times):
        began = perf_counter()
        answer = person.get(page)
        taken.append((perf_counter() - began) * 1000)
        assert answer.status_code == 200, page
        size = len(answer.content) / 1000
    time.sleep(0.2)  # what came late is counted too
    return taken, (cpu_of(server) - before) * 1000 / times, size


def _short(page: str) -> str:
    return re.sub("[0-9a-f]{32}", "…", page.removeprefix("/dashboard")) or "/"


_MEASURED = """
    const done = arguments[arguments.length - 1];
    let shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
    }).observe({type: "layout-shift", buffered: true});
    setTimeout(() => {
      const loaded = [...performance.getEntriesByType("navigation"),
                      ...performance.getEntriesByType("resource")];
      const first = loaded.filter((each) => each.startTime < 1000 && !/events/.test(each.name));
      done({shift, requests: first.length,
            bytes: first.reduce((sum, each) => sum + each.transferSize, 0)});
    }, 3000);
"""


def _measure_weights(report: Report, person: Browser, pages: list[str]) -> None:
    table = report.table("Weight of a page", "page", "KB", "requests", "layout shift")
    found: dict[str, dict[str, Any]] = {}
    for page in pages:
        person.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        person.open(page)
        found[page] = person.driver.execute_async_script(_MEASURED)
        told = found[page]
        table.add(_short(page), told["bytes"] / 1000, told["requests"], told["shift"])
    heaviest = max(told["bytes"] for told in found.values()) / 1000
    report.budgets += [
        Budget("the first page", found[pages[0]]["bytes"] / 1000, "≤", WEIGHT, "KB"),
        Budget("the heaviest page", heaviest, "≤", WEIGHT, "KB"),
        Budget("requests", max(told["requests"] for told in found.values()), "≤", REQUESTS, ""),
        Budget("layout shift", max(told["shift"] for told in found.values()), "≤", SHIFT, ""),
    ]


if __name__ == "__main__":
    main("dashboard", measure)
