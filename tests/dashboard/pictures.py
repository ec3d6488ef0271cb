"""Pictures of every page after a day's work of some agents: ``python -m tests.dashboard.pictures``.

They go to ``docs/images`` (or the folder named): each page light, dark, and narrow. Look at them.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from PIL import Image

from onehop.config import AuditConfig
from onehop.events import Event, SecurityIssue
from onehop.records import ExecutionRecord
from onehop.stores import open_store
from onehop.stores.base import Entry
from tests.dashboard.browsing import Browser, browser
from tests.server.served import Served
from tests.users import ROOT
from tests.waiting import until

TOOLS: Final = '''
"""Tools of a small shop."""
import asyncio
from onehop import tool

ORDERS = [{"id": f"o-{n}", "customer": f"c-{n % 7}", "total": 12.5 * n} for n in range(1, 40)]

@tool(effect="read")
async def find_orders(customer: str) -> list[dict[str, object]]:
    """Find a customer's orders."""
    await asyncio.sleep(0.03)
    return [order for order in ORDERS if order["customer"] == customer]

@tool(effect="read")
async def exchange_rate(currency: str) -> float:
    """How many euros one unit of a currency is worth."""
    await asyncio.sleep(0.08)
    return {"USD": 0.92, "GBP": 1.17}[currency]

@tool(effect="write")
async def pay(to: str, amount: float) -> dict[str, object]:
    """Pay somebody."""
    return {"to": to, "paid": amount}

@tool(effect="destructive")
async def cancel_order(order: str) -> dict[str, object]:
    """Cancel an order for good."""
    raise ValueError("no")
'''
SETTINGS: Final = {"ONEHOP_TOOLS_ASK": "pay", "ONEHOP_TOOLS_APPROVALS": "true"}
AGENTS: Final = ("support-desk", "billing", "research", "night-report")
LAYERS: Final = ["namespaces", "landlock", "seccomp", "rlimits", "uid"]
FINDING: Final = {
    "type": "error",
    "severity": "high",
    "pattern": "require",
    "message": "require does not exist",
    "line": 1,
}
GOOD: Final = (
    (
        "support-desk",
        "What the customers of this week ordered",
        "const names = ['c-1', 'c-2', 'c-3'];\n"
        "const found = names.map((customer) => tools.find_orders({customer}));\n"
        "const orders = await Promise.all(found);\n"
        "const total = orders.flat().reduce((sum, order) => sum + order.total, 0);\n"
        "console.log(`${orders.flat().length} orders of ${names.length} customers`);\n"
        "if (total > 500) console.warn('more than last week');\n"
        "const [largest] = orders.flat().sort((a, b) => b.total - a.total);\n"
        "return {customers: names, total, largest};",
    ),
    (
        "billing",
        "Totals in euros",
        "const [usd, gbp] = await Promise.all(['USD', 'GBP'].map((currency) => "
        "tools.exchange_rate({currency})));\nreturn {usd: 120 * usd, gbp: 80 * gbp};",
    ),
    (
        "research",
        "Primes below 1000",
        "```js\nconst all = [];\nfor (let n = 2; n < 1000; n++)\n"
        "  if (all.every((p) => n % p)) all.push(n);\nreturn all.length\n```",
    ),
    (
        "night-report",
        "Group the lines of the log",
        "const byLevel = {};\nfor (const line of "
        "context.lines) (byLevel[line.level] ??= []).push(line.text);\nreturn byLevel;",
    ),
)
BAD: Final = (
    (
        "support-desk",
        "Average of the latest orders",
        "const orders = await tools.find_orders({customer: 'c-2'});\n"
        "const latest = orders.filter((order) => order.total > 10_000);\n"
        "return latest[0].total / latest.length;",
    ),
    (
        "research",
        "Read a page",
        "const page = require('https');\nreturn page.get('https://example.org')",
    ),
    ("billing", "Cancel an order", "return tools.cancel_order({order: 'o-3'})"),
    ("night-report", "Count for ever", "let n = 0;\nwhile (n >= 0) n = (n + 1) % 1000;"),
)
CONTEXT: Final = {
    "lines": [
        {"level": level, "text": f"{level} number {number}"}
        for number in range(5)
        for level in ("info", "warn")
    ]
}
PAGES: Final = {
    "overview": "/dashboard?within=24h",
    "live": "/dashboard/live",
    "executions": "/dashboard/executions",
    "execution": "/dashboard/executions/{good}",
    "failure": "/dashboard/executions/{bad}",
    "compare": "/dashboard/compare?left={good}&right={bad}",
    "agents": "/dashboard/agents",
    "agent": "/dashboard/agents/support-desk",
    "tools": "/dashboard/tools",
    "security": "/dashboard/security",
}
LOOKS: Final = {
    "light": ("light", 1200, 820),
    "dark": ("dark", 1200, 820),
    "narrow": ("light", 360, 740),
}


def main(folder: Path) -> None:
    """Work, look, and write what was seen."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        tools = Path(place) / "shop.py"
        tools.write_text(TOOLS)
        server = Served(Path(place), ONEHOP_TOOLS=str(tools), **SETTINGS)
        asyncio.run(_yesterday(server))
        with server, ThreadPoolExecutor(2) as pool:
            names = _work(server)
            with browser(server.url, Path(place) / "profile") as page:
                _look(page, server, names, folder, pool)


async def _yesterday(server: Served) -> None:
    """A day and some weeks before it."""
    store = await open_store(AuditConfig(store=server.store))
    pick = random.Random(7)
    now = time.time_ns() // 1_000_000
    ages = sorted((pick.random() ** 3 * 25 * 86_400_000 for _ in range(4000)), reverse=True)
    try:
        for place in range(0, len(ages), 200):
            await store.append([_entry(pick, int(now - age)) for age in ages[place : place + 200]])
        await store.roll_up(now, 90)
    finally:
        await store.aclose()


def _entry(pick: random.Random, at: int) -> Entry:
    agent, description, code = pick.choice(GOOD if pick.random() < 0.93 else BAD)
    failed = (agent, description, code) in BAD
    kind = {"require": "validation", "while": "timeout"}
    error_type = next((kind[word] for word in kind if word in code), "runtime") if failed else None
    record = ExecutionRecord(
        request_id=f"{pick.getrandbits(128):032x}",
        agent_id=agent,
        channel_id="",
        language=pick.choice(("javascript", "javascript", "typescript")),
        code_hash=f"{abs(hash(code)) % 2**64:016x}",
        code_length=len(code),
        code_snippet=code[:500],
        success=not failed,
        error=None if not failed else f"{error_type}: {description}",
        error_type=error_type,
        execution_time=round(pick.lognormvariate(3, 0.8), 2),
        timeout=5000.0,
        memory_usage=round(pick.uniform(4, 30), 1),
        timeout_occurred=error_type == "timeout",
        description=description,
        executed_at=at,
        created_at=at,
        details={"enforcement": LAYERS, "findings": [FINDING] if "require" in code else []},
    )
    return Entry(record, tuple(_issues(record)))


def _issues(record: ExecutionRecord) -> Sequence[Event]:
    if record.error_type != "validation":
        return ()
    issue = SecurityIssue(
        agent_id=record.agent_id,
        channel_id="",
        request_id=record.request_id,
        code_hash=record.code_hash,
        timestamp=record.executed_at,
        issue_type="dangerous_pattern",
        description="require is not there",
        severity="high",
        pattern="require",
    )
    return (issue,)


def _work(server: Served) -> dict[str, str]:
    """What each agent does today: the names of a good and a bad run."""
    clients = {name: server.client(server.key(name)) for name in AGENTS}
    found = {}
    for kind, calls in (("good", GOOD), ("bad", BAD)):
        for agent, description, code in reversed(calls):
            body = {"code": code, "description": description, "context": CONTEXT, "timeout": 1000}
            answer = clients[agent].post("/api/v1/execute", json=body)
            found[kind] = answer.json()["requestId"]
    for client in clients.values():
        client.close()
    return found


def _ask(server: Served, key: str, pool: ThreadPoolExecutor) -> list[Future[Any]]:
    """Two runs that wait for a person."""

    def run(code: str) -> None:
        with server.client(key) as client:
            client.post("/api/v1/execute", json={"code": code, "description": "Pay the bills"})

    both = "return Promise.all(['ada', 'bob'].map((to) => tools.pay({to, amount: 120})))"
    return [pool.submit(run, code) for code in (both, "return tools.pay({to: 'eve', amount: 7})")]


def _look(
    page: Browser, server: Served, names: dict[str, str], folder: Path, pool: ThreadPoolExecutor
) -> None:
    page.open("/dashboard/login")
    for look in LOOKS:
        _see_as(page, look)
        _keep(page, folder / f"dashboard-login-{look}.png")
    page.log_in(server.key("root", "admin"))
    asker = server.key("assistant")
    for look in LOOKS:
        _see_as(page, look)
        _look_at_approvals(page, folder / f"dashboard-approvals-{look}.png", server, asker, pool)
        for name, path in PAGES.items():
            page.open(path.format(**names))
            until(lambda: "ounting" not in page.text(), name)
            if name == "live":
                until(lambda: page.all("#events tr"), "the events")
            if name in ("overview", "agent"):
                until(lambda: len(page.all(".chart canvas")) == 2, "the charts")
            _keep(page, folder / f"dashboard-{name}-{look}.png")


def _see_as(page: Browser, look: str) -> None:
    scheme, width, height = LOOKS[look]
    page.prefer(scheme)
    page.resize(width, height)


def _look_at_approvals(
    page: Browser, file: Path, server: Served, key: str, pool: ThreadPoolExecutor
) -> None:
    """Calls wait for half a minute only."""
    page.open("/dashboard/approvals")
    asked = _ask(server, key, pool)
    until(lambda: len(page.all("article.call")) == 3, "the calls that wait")
    _keep(page, file)
    page.press("Approve all 2")
    until(lambda: len(page.all("article.call")) == 1, "the call that waits")
    page.press("Approve")
    for each in asked:
        each.result(60)


def _keep(page: Browser, file: Path) -> None:
    page.driver.save_screenshot(str(file))
    with Image.open(file) as seen:
        seen.convert("RGB").quantize(64).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images")
