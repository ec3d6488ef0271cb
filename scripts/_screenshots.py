"""Pictures of the dashboard: a server with an hour of runs behind it, and a browser that looks."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.dashboard.browsing import Browser, browser  # noqa: E402
from tests.server.served import Served  # noqa: E402
from tests.waiting import until  # noqa: E402

from onehop.config import AuditConfig  # noqa: E402
from onehop.events import SecurityIssue  # noqa: E402
from onehop.records import ExecutionRecord  # noqa: E402
from onehop.stores import open_store  # noqa: E402
from onehop.stores.base import Entry  # noqa: E402
from onehop.testing.records import record  # noqa: E402

IMAGES = ROOT / "docs/images"
COLOURS = 256
"""A page has few; a picture of the most frequent ones is a third as large."""
LOOKS = {"light": (1200, 820), "dark": (1200, 820), "narrow": (360, 740)}
TOOLS = '''
"""Tools of a shop."""
import asyncio
from onehop import tool, ToolFailed

@tool(effect="read")
async def find_orders(customer: str, limit: int = 20) -> list[dict[str, object]]:
    """Find the latest orders of a customer."""
    await asyncio.sleep(0.03)
    return [{"id": f"o-{n}", "total": 20 + 3.5 * n, "late": n % 3 == 0} for n in range(limit)]

@tool(effect="read")
async def get_customer(id: str) -> dict[str, object]:
    """Give one customer by id."""
    await asyncio.sleep(0.02)
    return {"id": id, "name": "Ada Lovelace", "city": "London"}

@tool(effect="write")
async def send_note(customer: str, text: str) -> dict[str, object]:
    """Send a customer a note."""
    await asyncio.sleep(0.01)
    return {"sent": True}

@tool(effect="destructive")
async def refund(order: str, amount: float) -> dict[str, object]:
    """Give money back for an order."""
    raise ToolFailed("the order is older than 90 days")
'''
CODES = (
    "return context.numbers.reduce((sum, each) => sum + each, 0)",
    "const names = context.people.map((each) => each.name);\nreturn names.sort();",
    "const late = context.orders.filter((order) => order.late);\nreturn late.length;",
    "return Object.groupBy(context.rows, (row) => row.city)",
)
AIMS = ("Sum of the invoices", "Names in order", "Count late orders", "Customers by city")
LATE = """\
// Which customers have late orders, and what are these worth?
const ids = context.customers;
const found = await Promise.all(ids.map((customer) => tools.find_orders({ customer })));
const people = await Promise.all(ids.map((id) => tools.get_customer({ id })));
const late = found.flat().filter((order) => order.late);
console.log(`${late.length} of ${found.flat().length} orders are late`);
console.warn("prices are without tax");
return { people, worth: late.reduce((sum, order) => sum + order.total, 0) };"""
BROKEN = """\
interface Row { name: string; score: number }
const rows = context.rows as Row[];
const best = rows.sort((a, b) => b.score - a.score)[0];
return best.name.toUpperCase() + suffix;"""
RUNS: tuple[dict[str, Any], ...] = (
    {"code": LATE, "context": {"customers": ["c-1", "c-2"]}, "description": "Worth of late orders"},
    {
        "code": BROKEN,
        "language": "typescript",
        "context": {"rows": [{"name": "x", "score": 2}]},
        "description": "Best of the scores",
    },
    {"code": "return eval(context.formula)", "context": {"formula": "1 + 1"}},
    {
        "code": "```js\nasync function main() {\n  return context.items.length;\n}\n```",
        "context": {"items": [1, 2, 3]},
        "description": "Count the items",
    },
    {"code": "for (;;) {}", "timeout": 300, "description": "Wait for the stock"},
    {
        "code": "return await tools.refund({ order: 'o-7', amount: 12.5 })",
        "description": "Refund order o-7",
    },
    {"code": LATE, "context": {"customers": ["c-4"]}, "description": "Worth of late orders"},
)

NOTES: dict[str, Any] = {
    "code": "const text = 'Your order is late, and here is why';\n"
    "await Promise.all(context.ids.map((customer) => tools.send_note({ customer, text })))",
    "context": {"ids": ["c-1", "c-2"]},
    "description": "Tell customers of late orders",
}


def earlier(now: int, source: random.Random) -> Iterator[Entry]:
    """An hour, and the days before it more thinly."""
    ages = [source.uniform(60_000, 3_600_000) for _ in range(420)]
    ages += [source.uniform(3_600_000, 6 * 86_400_000) for _ in range(500)]
    for age in sorted(ages, reverse=True):
        yield past(now - int(age), source)


def past(at: int, source: random.Random) -> Entry:
    """One run that was."""
    kind = source.randrange(len(CODES))
    cause = source.choices((None, "runtime", "timeout", "validation"), (92, 5, 2, 1))[0]
    told = {"runtime": "TypeError: rows is undefined", "timeout": "TimeoutError: too long"}
    made: ExecutionRecord = record(
        agent_id=source.choice(("ada", "ada", "invoice-bot", "support")),
        executed_at=at,
        success=cause is None,
        error=cause and told.get(cause, "ValidationError: eval does not work"),
        error_type=cause,
        timeout_occurred=cause == "timeout",
        execution_time=round(source.lognormvariate(3, 0.7), 1),
        memory_usage=round(source.uniform(0.6, 6), 1),
        code_snippet=CODES[kind],
        code_length=len(CODES[kind]),
        code_hash=f"{kind + 1:x}a7c{kind:x}5d7c9e1f203"[:16].ljust(16, "4"),
        description=AIMS[kind],
        details={"enforcement": ["seccomp", "landlock", "rlimits"], "cpuTime": 3.1},
    )
    if cause != "validation":
        return Entry(made)
    rule = source.choice(("eval", "require", "process"))
    finding = {"type": "error", "severity": "critical", "pattern": rule, "line": 1, "column": 1}
    finding["message"] = f"{rule} does not work"
    made = made.model_copy(update={"details": {"findings": [finding]}})
    issue = SecurityIssue(
        agent_id=made.agent_id,
        channel_id=made.channel_id,
        request_id=made.request_id,
        code_hash=made.code_hash,
        timestamp=at,
        issue_type="dangerous_pattern",
        description="eval does not work",
        severity="critical",
        pattern=rule,
        line=1,
        column=1,
    )
    return Entry(made, (issue,))


async def fill(url: str) -> None:
    """Put the past into a store."""
    store = await open_store(AuditConfig(store=url))
    try:
        await store.append([*earlier(time.time_ns() // 1_000_000, random.Random(5))])
    finally:
        await store.aclose()


def work(served: Served) -> list[str]:
    """What agents do while somebody looks: the runs' names."""
    names = []
    with served.client(served.key("ada")) as agent:
        for call in RUNS:
            answer = agent.post("/api/v1/execute", json=call)
            answer.raise_for_status()
            names.append(answer.json()["requestId"])
    return names


def palette_of(picture: Image.Image) -> Image.Image:
    """The colours that it has most of, as they are."""
    counted: Any = picture.getcolors(1 << 24)
    chosen = [colour for _, colour in sorted(counted, reverse=True)[:COLOURS]]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in chosen for part in colour])
    return palette


def take(page: Browser, name: str) -> None:
    """One picture of each look."""
    for look, (width, height) in LOOKS.items():
        page.prefer("dark" if look == "dark" else "light")
        page.resize(width, height)
        until(lambda: page.run("return document.readyState") == "complete", "the page")
        time.sleep(0.4)  # what is drawn after a change of size
        picture = Image.open(BytesIO(page.driver.get_screenshot_as_png())).convert("RGB")
        small = picture.quantize(palette=palette_of(picture), dither=Image.Dither.NONE)
        small.save(IMAGES / f"dashboard-{name}-{look}.png", optimize=True)
    page.resize(1200, 820)


def main() -> None:
    """Write them all."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        tools = folder / "shop.py"
        tools.write_text(TOOLS)
        asks = {"ONEHOP_TOOLS_ASK": "send_note", "ONEHOP_TOOLS_APPROVALS": "true"}
        asks["ONEHOP_RECORDING"] = "all"
        served = Served(folder, ONEHOP_TOOLS=str(tools), **asks)
        asyncio.run(fill(served.store))
        with served, browser(served.url, folder / "profile") as page:
            look_at(served, page)


def save(served: Served, key: str, request_id: str) -> None:
    """Two snippets of one run, and some calls."""
    with served.client(key) as admin:
        for name, words in (
            ("worth_of_late_orders", "What the late orders of customers are worth"),
            ("late_orders", "Which orders of some customers are late"),
        ):
            body = {"name": name, "requestId": request_id, "description": words}
            shared = {"forAll": name == "worth_of_late_orders"}
            admin.post("/api/v1/snippets", json={**body, **shared}).raise_for_status()
    with served.client(served.key("desk")) as agent:
        call = "return (await snippets.worth_of_late_orders({ customers: ['c-1'] })).worth"
        for _ in range(3):
            agent.post("/api/v1/execute", json={"code": call}).raise_for_status()


def look_at(served: Served, page: Browser) -> None:
    """Every page, as an admin sees it."""
    page.open("/dashboard/login")
    take(page, "login")
    key = served.key("root", "admin")
    page.log_in(key)
    for name in ("invoice-bot", "support"):
        served.key(name)
    served.key("watcher", "viewer")
    late, broken, *_, again = work(served)
    save(served, key, late)
    page.open("/dashboard/security")
    page.press("Verify the trail now")
    until(lambda: "Verified up to record" in page.text(), "the audit")
    places = {
        "overview": "/dashboard",
        "live": "/dashboard/live",
        "executions": "/dashboard/executions",
        "execution": f"/dashboard/executions/{late}",
        "failure": f"/dashboard/executions/{broken}",
        "compare": f"/dashboard/compare?left={late}&right={again}",
        "agents": "/dashboard/agents",
        "agent": "/dashboard/agents/ada",
        "tools": "/dashboard/tools",
        "snippets": "/dashboard/snippets",
        "snippet": "/dashboard/snippets/worth_of_late_orders",
        "security": "/dashboard/security",
    }
    for name, path in places.items():
        page.open(path)
        until(lambda: "counting" not in page.text().lower(), "what is counted")
        take(page, name)
    page.open(f"/dashboard/executions/{late}")
    page.press("Replay it offline")
    until(lambda: page.all(".notice.ok"), "the replay")
    take(page, "replay")
    with served.client(served.key("support-bot")) as agent, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(agent.post, "/api/v1/execute", json=NOTES)
        page.open("/dashboard/approvals")
        until(lambda: len(page.all("article.call")) == 2, "the calls that wait")
        take(page, "approvals")
        page.find("section.waits h2 a").click()
        until(lambda: "It waits for a person" in page.text(), "the run that waits")
        take(page, "paused")
        page.open("/dashboard/approvals")
        page.press("Approve all 2")
        waiting.result(30)


if __name__ == "__main__":
    main()
