"""What a person does with the dashboard, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.dashboard.browsing import Browser, browser
from tests.server.served import Served
from tests.waiting import until


def run(agent: httpx2.Client, code: str, **call: Any) -> dict[str, Any]:
    """Have an agent run code: the result."""
    answer = agent.post("/api/v1/execute", json={"code": code, **call})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


@pytest.fixture(autouse=True)
def _no_complaints(request: pytest.FixtureRequest) -> Any:
    """No page breaks its own policy or has an error in a script."""
    yield
    for name in ("viewer", "admin"):
        if name in request.fixturenames:
            assert request.getfixturevalue(name).complaints() == []


def test_a_key_is_exchanged_for_a_cookie_that_scripts_cannot_read(
    served: Served, viewer_key: str, profile: Path
) -> None:
    with browser(served.url, profile) as person:
        person.open("/dashboard/executions?outcome=failed")
        assert "/dashboard/login" in person.driver.current_url
        person.find("#key").send_keys("oh_wrong")
        person.press("Sign in")
        assert "not known" in person.text("[role=alert]")
        person.find("#key").send_keys(viewer_key)
        person.press("Sign in")
        until(lambda: "/executions" in person.driver.current_url, "the page that was asked for")
        assert person.driver.current_url.endswith("/dashboard/executions?outcome=failed")
        [cookie] = person.driver.get_cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        assert viewer_key not in str(cookie)
        assert person.run("return document.cookie + JSON.stringify(localStorage)") == "{}"
        person.press("Sign out")
        until(lambda: person.all("#key"), "the login")
        person.driver.back()
        person.open("/dashboard")
        assert "/dashboard/login" in person.driver.current_url


def test_a_run_appears_live_and_opens(viewer: Browser, ada: httpx2.Client) -> None:
    viewer.open("/dashboard/live")
    until(lambda: "live" in viewer.text("#link"), "the connection")
    result = run(ada, "const x = 1;\nreturn missing + x;")
    identity = result["requestId"]
    row = until(lambda: viewer.all(f'#events a[href*="{identity}"]'), "the event")
    assert "execution:failed" in viewer.text("#events")
    row[0].click()
    until(lambda: identity in viewer.driver.current_url, "its page")
    assert "ReferenceError: missing is not defined" in viewer.text()
    assert viewer.text(".code .fails").replace("\n", " ").endswith("2 return missing + x;")
    assert "rlimits" in viewer.text(".chips")


def test_filters_take_effect_at_once_and_are_in_the_address(
    viewer: Browser, ada: httpx2.Client
) -> None:
    run(ada, "return 'well'", description="this one is well")
    run(ada, "throw new Error('bad')", description="this one is not")
    viewer.open("/dashboard/executions")
    assert "this one is well" in viewer.text()
    viewer.run(
        "const box = document.querySelector('select[name=outcome]'); box.value = 'failed';"
        "box.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    until(lambda: "this one is well" not in viewer.text(), "the filter")
    assert "this one is not" in viewer.text()
    address = viewer.driver.current_url
    assert address.endswith("/dashboard/executions?outcome=failed")
    viewer.driver.get(address)
    assert "this one is not" in viewer.text()
    assert "this one is well" not in viewer.text()


def test_the_feed_loses_nothing_while_it_is_paused(viewer: Browser, ada: httpx2.Client) -> None:
    viewer.open("/dashboard/live?agent=ada&outcome=ok&type=code:execution:completed")
    until(lambda: "live" in viewer.text("#link"), "the connection")
    before = {row.get_attribute("href") for row in viewer.all("#events a")}
    viewer.press("Pause")
    names = {run(ada, f"return {number}")["requestId"] for number in range(5)}
    until(lambda: "Paused. 2" in viewer.text("#counts"), "the events that wait")
    assert {row.get_attribute("href") for row in viewer.all("#events a")} == before
    viewer.press("Resume")

    def shown() -> bool:
        links = [row.get_attribute("href") or "" for row in viewer.all("#events a")]
        return all(any(name in link for link in links) for name in names)

    until(shown, "what was missed")
    assert len(viewer.all("#events tr")) == len(before) + 5  # of the chosen kind only


def test_times_are_those_of_the_readers_zone(viewer: Browser, ada: httpx2.Client) -> None:
    identity = run(ada, "return 1")["requestId"]
    viewer.be_in("Asia/Kathmandu")  # 5:45 ahead of UTC
    viewer.open(f"/dashboard/executions/{identity}")
    time = viewer.find("time")
    shown = viewer.run(
        "const zone = {timeZone: 'Asia/Kathmandu', hour12: false};"
        "return new Date(arguments[0].dateTime).toLocaleTimeString('en-GB', zone)",
        time,
    )
    assert time.text.endswith(shown)
    assert "Kathmandu" in viewer.text("#zone") or "Katmandu" in viewer.text("#zone")
    viewer.be_in("")
