"""What a person does with the dashboard, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.dashboard.browsing import Browser, browser
from tests.dashboard.visiting import Visitor
from tests.server.served import Served
from tests.waiting import until

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement


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
    line = " ".join(viewer.text(".code .fails").split())
    assert line.endswith("2 return missing + x;")
    assert "rlimits" in viewer.text(".chips")


@pytest.mark.thorough
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


@pytest.mark.thorough
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


@pytest.mark.thorough
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


HOSTILE = (
    "\u202e<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "\x1b[31m\u2066'\"</td></code>"
)


def test_what_strangers_wrote_is_text_on_every_page(
    admin: Browser, ada: httpx2.Client, served: Served
) -> None:
    code = (
        f"// {HOSTILE}\nconst all = {HOSTILE!a};\nconsole.log(all + '\\0', 'x'.repeat(1000000));\n"
        "console.error(all);\nreturn {[all]: all, nul: '\\0', list: [all]};"
    )
    given = {"description": HOSTILE, "context": {HOSTILE: [HOSTILE]}}
    ran = run(ada, code, **given)
    assert ran["success"], ran
    threw = run(ada, f"throw new Error({HOSTILE!a})", **given)
    for path in (
        "/dashboard",
        "/dashboard/live",
        "/dashboard/executions",
        f"/dashboard/executions/{ran['requestId']}",
        f"/dashboard/executions/{threw['requestId']}",
        f"/dashboard/compare?left={ran['requestId']}&right={threw['requestId']}",
        "/dashboard/agents/ada",
    ):
        admin.open(path)
        until(lambda: "<script>" in admin.text(), f"the text on {path}")
        assert "⟨U+202E⟩" in admin.text()
        assert not admin.driver.title.startswith("owned")
        assert (
            admin.run("return document.querySelectorAll('main img[src=x], main script').length")
            == 0
        )
        raw = "\u202e\u2066\x1b\x00"
        assert not set(raw) & set(admin.run("return document.documentElement.textContent")), path
    admin.open(f"/dashboard/executions/{ran['requestId']}")
    assert "more characters" in admin.text(".console")
    assert len(admin.run("return document.body.textContent")) < 100_000


def _row(admin: Browser, name: str) -> WebElement:
    """The row of an agent's key, once the page has it."""
    from selenium.common.exceptions import StaleElementReferenceException

    def found() -> WebElement | None:
        try:
            rows = admin.all("#keys tbody tr")
            return next((row for row in rows if name in row.text), None)
        except StaleElementReferenceException:  # the page is just being left
            return None

    row: WebElement = until(found, f"the row of {name}")
    return row


@pytest.mark.thorough
def test_an_admin_adds_rotates_and_revokes(admin: Browser, served: Served) -> None:
    admin.open("/dashboard/agents")
    admin.find("input[name=agentId]").send_keys("made-here")
    admin.press("Add")
    first = admin.text("#new-key")
    with served.client(first) as agent:
        assert agent.get("/api/v1/me").json()["agentId"] == "made-here"
        admin.press("I have kept it")
        row = _row(admin, "made-here")
        assert first.rpartition("_")[2] not in admin.driver.page_source
        row.find_elements("tag name", "summary")[0].click()
        admin.press("Rotate the key of made-here")
        second = admin.text("#new-key")
        assert second != first
        until(lambda: agent.get("/api/v1/me").status_code == 401, "the end of the old key")
    with served.client(second) as agent:
        assert agent.get("/api/v1/me").status_code == 200
        admin.press("I have kept it")
        _row(admin, "made-here").find_elements("tag name", "summary")[1].click()
        admin.press("Revoke the key of made-here")
        until(lambda: agent.get("/api/v1/me").status_code == 401, "the end of the key")
        until(lambda: "revoked" in _row(admin, "made-here").text, "the page that says so")


@pytest.mark.thorough
def test_a_viewer_sees_no_keys(viewer: Browser) -> None:
    viewer.open("/dashboard/agents")
    assert "Keys are an admin's" in viewer.text()
    assert "oh_" not in viewer.driver.page_source


@pytest.mark.thorough
def test_the_trail_is_verified_on_demand(viewer: Browser, ada: httpx2.Client) -> None:
    run(ada, "return 1")
    viewer.open("/dashboard/security")
    viewer.press("Verify the trail now")
    until(lambda: "Verified up to record" in viewer.text(), "the end of the audit")
    assert "without a key" in viewer.text()


@pytest.mark.thorough
def test_tools_are_found_by_what_they_do(viewer: Browser, ada: httpx2.Client) -> None:
    result = run(ada, "return await tools.find_orders({customer: 'c'})")
    run(ada, "try { await tools.refund({order: 'o'}) } catch (error) { return error.code }")
    viewer.open("/dashboard/tools")
    row = next(row for row in viewer.all("tbody tr") if "refund" in row.text)
    assert "destructive" in row.text
    box = viewer.find("input[name=query]")
    box.send_keys("give money back")
    until(lambda: "find_orders" not in viewer.text("tbody"), "the search")
    assert viewer.driver.current_url.endswith("query=give+money+back")
    viewer.open(f"/dashboard/executions/{result['requestId']}")
    bar = viewer.find(".calls svg rect.good")
    assert float(bar.get_attribute("width") or 0) > 0


@pytest.mark.thorough
def test_what_was_corrected_is_shown_as_a_diff(viewer: Browser, ada: httpx2.Client) -> None:
    result = run(ada, "```js\nreturn 6 * 7\n```")
    viewer.open(f"/dashboard/executions/{result['requestId']}")
    assert any("```js" in row.text for row in viewer.all(".diff .out"))


def test_the_overview_renews_itself_and_draws_charts(viewer: Browser, ada: httpx2.Client) -> None:
    viewer.open("/dashboard")
    until(lambda: len(viewer.all(".chart canvas")) == 2, "the charts")
    run(ada, "return 'a run that comes later'", description="a run that comes later")
    until(lambda: "a run that comes later" in viewer.text(), "the renewal")
    until(lambda: len(viewer.all(".chart canvas")) == 2, "the charts")


PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADU"
    "lEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.thorough
def test_files_are_for_admins_and_only_pictures_are_shown(
    admin: Browser, ada: httpx2.Client, served: Served, viewer_key: str
) -> None:
    page = "<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='owned'</script></svg>"
    code = (
        f"const bytes = Uint8Array.from(atob('{PNG}'), (each) => each.charCodeAt(0));\n"
        "show(bytes, {type: 'image/png', title: 'chart.png'});\n"
        f"show({page!a}, {{type: 'image/png', title: 'chart.svg'}});\nreturn 1"
    )
    name = run(ada, code)["requestId"]
    admin.open(f"/dashboard/executions/{name}")
    until(
        lambda: admin.run("return document.querySelector('.files img')?.naturalWidth") == 1,
        "the picture",
    )
    assert len(admin.all(".files img")) == 1  # the other is not a picture, whatever it calls itself
    links = [found.get_attribute("href") or "" for found in admin.all(".files li > a")]
    cookies = {each["name"]: each["value"] for each in admin.driver.get_cookies()}
    answer = httpx2.get(links[1], cookies=cookies)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "attachment" in answer.headers["content-disposition"]
    assert "sandbox" in answer.headers["content-security-policy"]
    person = Visitor(served.url)
    person.log_in(viewer_key)
    assert person.get(links[0].removeprefix(served.url)).status_code == 403
    listed = person.get(f"/dashboard/executions/{name}").text
    assert ("chart.png" in listed, "/artifacts/" in listed) == (True, False)
    person.close()


@pytest.mark.thorough
def test_any_two_runs_are_compared(viewer: Browser, ada: httpx2.Client) -> None:
    left = run(ada, "return await tools.find_orders({customer: 'one'})")["requestId"]
    right = run(ada, "return [1, 2]")["requestId"]
    viewer.open(f"/dashboard/executions/{left}")
    viewer.find("input[name=right]").send_keys(right)
    viewer.press("Compare")
    until(lambda: "Two executions" in viewer.text(), "the comparison")
    assert "find_orders" in viewer.text(".facing")
    assert any("find_orders" in each.text for each in viewer.all(".sides .out"))
    assert any("return [1, 2]" in each.text for each in viewer.all(".sides .in"))


@pytest.mark.thorough
def test_an_admin_replays_a_run_offline(
    admin: Browser, viewer: Browser, ada: httpx2.Client
) -> None:
    name = run(ada, "return (await tools.find_orders({customer: 'again'})).length")["requestId"]
    admin.open(f"/dashboard/executions/{name}")
    admin.press("Replay it offline")
    until(lambda: "Made again" in admin.text("h1"), "the replay")
    assert "It did and gave the same" in admin.text("[role=status]")
    assert "1 call of tools" in admin.text("[role=status]")
    admin.open(f"/dashboard/executions/{run(ada, 'return 1')['requestId']}")
    admin.press("Replay it offline")
    until(lambda: "Made again" in admin.text("h1"), "the replay")
    viewer.open(f"/dashboard/executions/{name}")
    assert "Replay it offline" not in viewer.text()
    admin.complaints()  # a run that is not kept is an answer of 404


@pytest.mark.thorough
def test_an_admin_denies_an_agent_a_tool_at_once(admin: Browser, served: Served) -> None:
    with served.client(served.key("too-eager")) as agent:
        call = "return await tools.find_orders({customer: 'c'})"
        assert run(agent, call)["success"]
        admin.open("/dashboard/agents/too-eager")
        admin.find("#rules summary").click()
        box = admin.find("#rules textarea")
        box.send_keys("deny find_orders\ndeny")
        admin.press("Set the rules")
        until(lambda: "line 2" in admin.text("#rules"), "what is wrong")
        assert admin.find("#rules textarea").get_attribute("value") == "deny find_orders\ndeny"
        admin.complaints()  # 400
        admin.find("#rules textarea").clear()
        admin.find("#rules textarea").send_keys("deny find_orders")
        admin.press("Set the rules")
        until(lambda: admin.all("#rules .chips"), "the rule")
        assert not run(agent, call)["success"]


@pytest.mark.thorough
def test_the_overview_names_the_causes_and_the_agents_that_fail(
    viewer: Browser, served: Served
) -> None:
    with served.client(served.key("failing")) as agent:
        run(agent, "return nothing_of_the_kind")
    viewer.open("/dashboard")
    until(lambda: "failing" in viewer.text(), "the agent")
    assert "runtime" in viewer.text()
    viewer.press("failing")
    until(lambda: "/agents/failing" in viewer.driver.current_url, "its page")


@pytest.mark.thorough
def test_a_request_id_from_a_log_opens_its_run(viewer: Browser, ada: httpx2.Client) -> None:
    name = run(ada, "return 'found'")["requestId"]
    viewer.open("/dashboard/executions")
    viewer.find("input[name=requestId]").send_keys(f" {name} ")
    viewer.press("Open")
    until(lambda: viewer.driver.current_url.endswith(name), "the run")
    assert "found" in viewer.text()


_A_THOUSAND = """
    const done = arguments[arguments.length - 1];
    let drawings = 0;
    new MutationObserver(() => { drawings += 1; }).observe(table, { childList: true });
    for (let place = 0; place < 1000; place += 1) {
      const data = { requestId: `run-${place}`, language: "javascript" };
      const entry = { eventType: "code:execution:started", timestamp: place, agentId: "a", data };
      take({ lastEventId: "", data: JSON.stringify(entry) });
    }
    requestAnimationFrame(() => setTimeout(() => done([drawings, table.textContent]), 0));
"""


@pytest.mark.thorough
def test_a_thousand_events_at_once_are_drawn_in_one_go(viewer: Browser) -> None:
    viewer.open("/dashboard/live")
    until(lambda: "live" in viewer.text("#link"), "the stream")
    drawings, shown = viewer.driver.execute_async_script(_A_THOUSAND)
    assert 1 <= drawings <= 2  # an event of before may be drawn with them, or alone
    assert "run-999" in shown
    assert "run-600" not in shown
    assert len(viewer.all("#events tr")) == 300  # what the page has room for
