"""Everybody can use the pages: checked by axe, by the keyboard alone, and on a narrow screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.dashboard.browsing import ENTER, TAB, Browser, browser
from tests.dashboard.test_browser import run
from tests.server.served import Served
from tests.users import ROOT
from tests.waiting import until

AXE = ROOT / ".venv/browser-checkers/node_modules/axe-core/axe.min.js"
PAGES = (
    "/dashboard",
    "/dashboard/live",
    "/dashboard/executions",
    "/dashboard/executions?agentId=nobody",
    "/dashboard/executions/{failed}",
    "/dashboard/executions/{called}",
    "/dashboard/compare?left={failed}&right={called}",
    "/dashboard/approvals",
    "/dashboard/agents",
    "/dashboard/agents/ada",
    "/dashboard/tools",
    "/dashboard/tools?query=nothing+like+it",
    "/dashboard/snippets",
    "/dashboard/snippets?query=nothing+like+it",
    "/dashboard/snippets/{snippet}?agentId=ada",
    "/dashboard/security",
    "/dashboard/nowhere",
)


@pytest.fixture(scope="module")
def runs(ada: httpx2.Client, served: Served, admin_key: str) -> dict[str, str]:
    """Runs that have something of everything."""
    called = run(
        ada,
        "```js\nconst found = await tools.find_orders({customer: 'c'});\nconsole.warn('two');\n"
        "return {found, deep: {a: [1, {b: null}]}};\n```",
        context={"a": {"b": [1, 2]}},
    )
    assert called["success"], called
    run(ada, "return eval('1')")
    failed = run(ada, "const a = 1;\nconst b = missing;\nreturn a + b;")
    body = {"name": "all_of_it", "requestId": called["requestId"]}
    with served.client(admin_key) as admin:
        assert admin.post("/api/v1/snippets", json=body).status_code == 201
    return {
        "called": called["requestId"],
        "failed": failed["requestId"],
        "snippet": body["name"],
    }


def violations(page: Browser) -> list[dict[str, Any]]:
    """What axe finds that is serious or critical."""
    page.run(AXE.read_text())
    found = page.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {resultTypes: ['violations']})"
        ".then(done, (error) => done(String(error)));"
    )
    assert isinstance(found, dict), found
    return [
        {
            "rule": each["id"],
            "impact": each["impact"],
            "nodes": [node["html"][:200] for node in each["nodes"][:3]],
        }
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.sample(2)
@pytest.mark.skipif(not AXE.exists(), reason="scripts/browser-checkers installs axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious_on_any_page(
    admin: Browser, runs: dict[str, str], scheme: str, path: str
) -> None:
    admin.prefer(scheme)
    admin.open(path.format(**runs))
    until(lambda: admin.all("main"), path)
    found = violations(admin)
    admin.complaints()  # the page that is not there
    admin.prefer("")
    assert found == []


@pytest.mark.thorough
@pytest.mark.skipif(not AXE.exists(), reason="scripts/browser-checkers installs axe-core")
def test_axe_finds_nothing_serious_at_the_login(served: Served, profile: Path) -> None:
    with browser(served.url, profile) as person:
        person.open("/dashboard/login")
        assert violations(person) == []
        person.find("#key").send_keys("wrong" + ENTER)
        until(lambda: person.all("[role=alert]"), "the answer")
        assert violations(person) == []


@pytest.mark.thorough
def test_no_page_is_wider_than_a_small_telephone(admin: Browser, runs: dict[str, str]) -> None:
    admin.resize(360, 740)
    wide = {}
    for path in PAGES:
        admin.open(path.format(**runs))
        until(lambda: admin.all("main"), path)
        wide[path] = admin.run("return document.documentElement.scrollWidth")
    admin.resize(1280)
    admin.complaints()
    assert {path: width for path, width in wide.items() if width > 360} == {}


@pytest.mark.thorough
def test_the_keyboard_reaches_a_run_from_the_first_page(
    viewer: Browser, runs: dict[str, str]
) -> None:
    viewer.open("/dashboard")
    body = viewer.find("body")
    body.send_keys(TAB)
    assert viewer.driver.switch_to.active_element.text == "Skip to the content"
    viewer.driver.switch_to.active_element.send_keys(ENTER)
    for _ in range(60):
        viewer.driver.switch_to.active_element.send_keys(TAB)
        here = viewer.driver.switch_to.active_element
        if runs["failed"] in (here.get_attribute("href") or ""):
            break
    outline = viewer.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    viewer.driver.switch_to.active_element.send_keys(ENTER)
    until(lambda: runs["failed"] in viewer.driver.current_url, "the run")


@pytest.mark.thorough
def test_the_chosen_theme_stays(viewer: Browser) -> None:
    viewer.open("/dashboard/tools")
    viewer.find("#theme").click()
    viewer.find("#theme").click()
    assert viewer.run("return document.documentElement.dataset.theme") == "dark"
    viewer.open("/dashboard/security")
    assert viewer.run("return document.documentElement.dataset.theme") == "dark"
    viewer.find("#theme").click()
    assert viewer.run("return document.documentElement.dataset.theme") is None
